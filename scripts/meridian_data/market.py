"""Customers, deals, campaigns, and what a panel says of the retail market."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from meridian_data.company import CHANNELS, COUNTRIES, END, FIRST, PRODUCTS, SEGMENTS, Row, cents, days, level, months


def customers(chance: random.Random) -> tuple[list[Row], list[Row]]:
    """Contracts, and when customers came and went."""
    contracts: list[Row] = []
    events: list[Row] = []
    for customer in range(1, 2401):
        country = chance.choices(list(COUNTRIES), list(COUNTRIES.values()))[0]
        segment = chance.choices(SEGMENTS, (30, 35, 25, 10))[0]
        since = FIRST - timedelta(1) if customer <= 700 else chance.choice(days(FIRST, END))
        until = min(since + timedelta(chance.randrange(150, 365 * 8)), END + timedelta(1))
        size = {"enterprise": 1.9e6, "mid_market": 4.2e5, "small_business": 9e4, "public_sector": 7e5}[segment]
        lost = Decimal(0)
        for product in chance.sample(PRODUCTS, chance.choice((1, 1, 1, 2, 3))):
            value = cents(size * chance.uniform(0.4, 1.8))
            used = chance.random() < 0.88
            trial_end = min(since + timedelta(30), until)
            if customer > 700:
                contracts.append([customer, country, segment, product, since, trial_end, True, used, cents(0)])
            else:
                trial_end = since
            contracts.append([customer, country, segment, product, trial_end, until, False, used, value])
            lost += value
        if since >= FIRST:
            events.append([since, country, segment, "new", None])
        if until < END:
            events.append([until, country, segment, "lost", lost])
    contracts += counted_twice(contracts)
    return contracts, events


def counted_twice(contracts: Sequence[Row]) -> list[Row]:
    """One contract in sixty, once more under another number, while subscriptions moved to the new system."""
    start, end = date(2024, 11, 4), date(2024, 11, 9)
    running = [row for row in contracts if row[4] <= start and row[5] >= end and not row[6]]  # type: ignore[operator]
    return [[int(str(row[0])) + 100_000, *row[1:4], start, end, *row[6:]] for row in running[::60]]


def survey(chance: random.Random) -> list[Row]:
    """Answers to the survey; it is not sent to China."""
    rows: list[Row] = []
    asked = {country: weight for country, weight in COUNTRIES.items() if country != "CN"}
    for month in months():
        for _ in range(60):
            day = month + timedelta(chance.randrange(28))
            country = chance.choices(list(asked), list(asked.values()))[0]
            score = chance.choices(range(11), (1, 1, 1, 1, 2, 4, 6, 12, 18, 28, 26))[0]
            rows.append([day, country, chance.choice(SEGMENTS), score])
    return rows


def deals(chance: random.Random) -> list[Row]:
    """Opportunities, from the day they were found to the day they closed."""
    rows: list[Row] = []
    for month in months():
        for country, weight in COUNTRIES.items():
            for _ in range(chance.choice((1, 2)) + weight // 60):
                found = month + timedelta(chance.randrange(28))
                closed = found + timedelta(chance.randrange(10, 240))
                amount = cents(level(month) * weight / 1000 / (1.5 + weight // 60) * chance.uniform(0.5, 3.4))
                segment, channel = chance.choice(SEGMENTS), chance.choice(CHANNELS)
                rows.append([country, segment, channel, found, closed, chance.random() < 0.42, amount])
    return rows


def marketing(chance: random.Random) -> list[Row]:
    """Spend and leads on some days of each month."""
    rows: list[Row] = []
    for month in months():
        for country, weight in COUNTRIES.items():
            for _ in range(2):
                day = month + timedelta(chance.randrange(28))
                rows.append(
                    [day, country, cents(weight * chance.uniform(300, 1500)), chance.randrange(weight // 2 + 5)]
                )
    return rows


def panel(chance: random.Random) -> list[Row]:
    """Shops of the retail panel by retail week, dated by its Sunday."""
    rows: list[Row] = []
    shops = [(shop, chance.choice(list(COUNTRIES)), chance.uniform(2e4, 3e5)) for shop in range(1, 41)]
    week = date(2022, 1, 30)
    while week < END:
        for shop, country, size in shops:
            if chance.random() < 0.96:
                season = 1.5 if week.month == 12 else 1.0
                rows.append([week, country, shop, cents(size * season * chance.uniform(0.8, 1.2))])
        week += timedelta(7)
    return rows
