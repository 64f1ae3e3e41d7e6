"""Makes a small Jaffle Shop: `python jaffle_data.py FOLDER` leaves the raw CSV files of jafgen in FOLDER/jaffle-data.

Of jafgen's simulation only the number of customers and of days is other than by default, so that it takes a second.
"""

import os
import random
import sys

import numpy as np
from jafgen.simulation import Simulation  # type: ignore[import-untyped]
from jafgen.stores.market import Market  # type: ignore[import-untyped]

CUSTOMERS = 25
DAYS = 480
"""From 1 September 2018: two shops open, in Philadelphia and in Brooklyn."""

if __name__ == "__main__":
    os.chdir(sys.argv[1])
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - what jafgen draws from
    simulation = Simulation(2, "raw")
    simulation.markets = [Market(market.store, num_customers=CUSTOMERS) for market in simulation.markets]
    simulation.sim_days = DAYS
    simulation.run_simulation()
    simulation.save_results()
