"""Revenue, costs and plans; what is pinned is pinned here."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal

from meridian_data.company import (
    APAC,
    CENT,
    CHANNELS,
    COUNTRIES,
    EMEA,
    FIRST,
    GROUPS,
    PRODUCTS,
    SALES_APAC,
    SEGMENTS,
    TERRITORIES,
    Row,
    cents,
    following,
    level,
    months,
)

PINNED_QUARTER = (date(2024, 10, 1), date(2025, 1, 1))
PINNED_NET = Decimal("142300000.00")
PINNED_SALES_GROSS = Decimal("131850000.00")
PINNED_BUDGET = Decimal("135000000.00")


def revenue(chance: random.Random) -> list[Row]:
    """Some postings a country and month; two quarters have what the known issues say of them."""
    rows: list[Row] = []
    for month in months():
        span = (following(month) - month).days
        for country, weight in COUNTRIES.items():
            postings = 14 if weight > 50 else 10
            for _ in range(postings):
                net = level(month) * weight / 1000 / postings * chance.uniform(0.55, 1.45)
                if country in APAC and date(2020, 1, 1) <= month < date(2020, 4, 1):
                    net *= 0.85  # incomplete
                if country in EMEA and date(2022, 7, 1) <= month < date(2022, 10, 1):
                    net *= 1.03  # converted at June's rates
                refund = net * chance.uniform(0.02, 0.3) if chance.random() < 0.12 else 0.0
                gross = (net + refund) * chance.uniform(1.01, 1.09)  # what is more was deferred
                slices = [country, chance.choice(SEGMENTS), chance.choice(PRODUCTS), chance.choice(CHANNELS)]
                day = month + timedelta(chance.randrange(span))
                rows.append([day, *slices, cents(gross), cents(refund), cents(net)])
    pin(rows, 7, PINNED_NET, APAC)
    pin(rows, 5, PINNED_SALES_GROSS, SALES_APAC)
    return rows


def pin(rows: Sequence[Row], column: int, total: Decimal, countries: Iterable[str]) -> None:
    """Scale a column so that the countries' total of the pinned quarter is exactly this."""
    start, end = PINNED_QUARTER
    within = [row for row in rows if row[1] in countries and start <= row[0] < end]  # type: ignore[operator]
    before = sum((Decimal(str(row[column])) for row in within), Decimal(0))
    for row in within:
        row[column] = (Decimal(str(row[column])) * total / before).quantize(CENT)
    rest = total - sum((Decimal(str(row[column])) for row in within), Decimal(0))
    within[-1][column] = Decimal(str(within[-1][column])) + rest


def costs(chance: random.Random) -> list[Row]:
    """Cost of revenue by product, operating expense by country, posted on a day of each month."""
    rows: list[Row] = []
    for month in months():
        for country, weight in COUNTRIES.items():
            base = level(month) * weight / 1000
            for product in PRODUCTS:
                day = month + timedelta(chance.randrange(28))
                rows.append([day, country, product, cents(base * 0.066 * chance.uniform(0.8, 1.2)), cents(0)])
            expense = cents(base * 0.44 * chance.uniform(0.9, 1.1))
            rows.append([month + timedelta(chance.randrange(28)), country, None, cents(0), expense])
    return rows


def planned(chance: random.Random, spread: float, since: date) -> list[Row]:
    """One line a month and territory, about what net revenue comes to."""
    rows: list[Row] = []
    for month in months(since):
        for territory, countries in TERRITORIES.items():
            weight = sum(COUNTRIES[country] for country in countries)
            amount = level(month) * weight / 1000 * chance.uniform(1 - spread, 1 + spread)
            rows.append([len(rows) + 1, month, territory, cents(amount)])
    return rows


def budget(chance: random.Random) -> list[Row]:
    """Agreed in March for the year, with the pinned quarter."""
    rows = planned(chance, 0.06, FIRST)
    start, end = PINNED_QUARTER
    within = [r for r in rows if r[2] in GROUPS["APAC_FINANCE"] and start <= r[1] < end]  # type: ignore[operator]
    before = sum((Decimal(str(row[3])) for row in within), Decimal(0))
    for row in within:
        row[3] = (Decimal(str(row[3])) * PINNED_BUDGET / before).quantize(CENT)
    within[-1][3] = Decimal(str(within[-1][3])) + PINNED_BUDGET - sum((Decimal(str(r[3])) for r in within), Decimal(0))
    return rows


def forecast(chance: random.Random) -> list[Row]:
    """Nearer to what comes; forecasts began in April 2024."""
    return planned(chance, 0.02, date(2024, 4, 1))


def quota(chance: random.Random) -> list[Row]:
    """What sales has signed up for, by quarter."""
    rows: list[Row] = []
    for quarter in (month for month in months() if month.month in {1, 4, 7, 10}):
        for country, weight in COUNTRIES.items():
            rows.append([quarter, country, cents(level(quarter) * 0.9 * weight / 1000 * chance.uniform(0.9, 1.2))])
    return rows
