"""How the services run, how they are used, and tickets about them."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal

from meridian_data.company import COUNTRIES, END, FAMILY, GIVEN, PRODUCTS, SEGMENTS, Row, days, months


def probes(chance: random.Random) -> list[Row]:
    """A probe a minute and product; on two days of August 2024 half of them were offline."""
    rows: list[Row] = []
    for day in days(date(2021, 4, 1), END):
        sent = 720 if date(2024, 8, 12) <= day < date(2024, 8, 14) else 1440
        for product in PRODUCTS:
            missed = chance.choice((0, 0, 0, 1, 1, 2)) if chance.random() < 0.99 else chance.randrange(5, 120)
            rows.append([day, product, sent, sent - missed, Decimal(chance.randrange(180, 520)) / 10])
    return rows


def usage(chance: random.Random) -> list[Row]:
    """Requests of some countries a day."""
    rows: list[Row] = []
    for day in days(date(2023, 4, 1), END):
        for country in chance.sample(list(COUNTRIES), 8):
            product = chance.choice(("feed", "index", "risk"))
            rows.append([day, country, product, COUNTRIES[country] * chance.randrange(900, 2600)])
    return rows


def tickets(chance: random.Random) -> list[Row]:
    """Tickets at any time of day, by customers who do not exist."""
    rows: list[Row] = []
    for month in months(date(2022, 4, 1)):
        for _ in range(110):
            opened = datetime.combine(month, datetime.min.time()) + timedelta(minutes=chance.randrange(28 * 1440))
            country = chance.choices(list(COUNTRIES), list(COUNTRIES.values()))[0]
            hours = Decimal(round(chance.lognormvariate(1.1, 0.8) * 10)) / 10
            name = f"{chance.choice(GIVEN)} {chance.choice(FAMILY)}"
            email = f"{name.lower().replace(' ', '.')}@customer{chance.randrange(1, 900)}.example"
            rows.append([opened, country, chance.choice(SEGMENTS), chance.choice(PRODUCTS), hours, name, email])
    return rows
