"""Who works at the company."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta

from meridian_data.company import COUNTRIES, END, FAMILY, FIRST, FUNCTIONS, GIVEN, Row, cents, days, following, months

JOB_COLUMNS = (
    "employee_id INTEGER, employee_name VARCHAR, country VARCHAR, function VARCHAR, is_executive BOOLEAN, "
    "first_day DATE, end_day DATE, base_salary DECIMAL(18,2), monthly_total DECIMAL(18,2)"
)


def people(chance: random.Random) -> list[Row]:
    """Jobs, each from a first day to the day after its last one; nobody is employed after the data's end."""
    rows: list[Row] = []
    for employee in range(1, 1301):
        executive = employee <= 9
        joined = FIRST - timedelta(1) if employee <= 420 else chance.choice(days(FIRST, END))
        stays = 365 * 12 if executive else chance.randrange(200, 365 * 9)
        left = min(joined + timedelta(stays), END + timedelta(1))
        salary = chance.uniform(310e3, 690e3) if executive else chance.lognormvariate(11.4, 0.28)
        total = salary / 12 * (chance.uniform(1.9, 3.1) if executive else chance.uniform(1.0, 1.2))
        country = "US" if executive else chance.choices(list(COUNTRIES), list(COUNTRIES.values()))[0]
        function = "finance" if executive else chance.choices(FUNCTIONS, (30, 14, 22, 8, 12, 6, 4, 4))[0]
        name = f"{chance.choice(GIVEN)} {chance.choice(FAMILY)} {employee}"
        rows.append([employee, name, country, function, executive, joined, left, cents(salary), cents(total)])
    return rows


def headcount_plan(chance: random.Random, jobs: Sequence[Row]) -> list[Row]:
    """About what headcount comes to at the end of the month, for each country and function that has any."""
    rows: list[Row] = []
    for month in months(date(2022, 4, 1)):
        last = following(month) - timedelta(1)
        heads: dict[tuple[str, str], int] = {}
        for job in jobs:
            if job[5] <= last < job[6]:  # type: ignore[operator]
                where = (str(job[2]), str(job[3]))
                heads[where] = heads.get(where, 0) + 1
        rows += [[month, *where, max(0, n + chance.choice((-1, 0, 0, 0, 1, 1)))] for where, n in sorted(heads.items())]
    return rows
