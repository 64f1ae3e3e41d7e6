"""Writes the data of the catalog meridian: a made-up company's, synthetic from beginning to end, the same at every run.

    .venv/bin/python scripts/generate_data.py [FOLDER]     default: catalogs/meridian/data

What is pinned, because documents and golden questions say it: net revenue of APAC as finance reads it from October to
December 2024 is 142,300,000.00 USD, its budget 135,000,000.00; gross revenue of APAC as sales reads it 131,850,000.00.
Some of the catalog's known issues are in the data as they are described. It reaches ahead of today, to the end of
fiscal year 2027, so that there is a last quarter for years; the semantic model counts no day before it has come.
"""

from __future__ import annotations

import csv
import random
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

SEED = 20240401
FIRST, END = date(2018, 4, 1), date(2028, 4, 1)

# Share of the company's revenue, in per mille.
COUNTRIES = {
    "JP": 92, "KR": 38, "SG": 34, "HK": 30, "TW": 17, "AU": 28, "NZ": 7, "IN": 19, "CN": 21,
    "GB": 96, "DE": 62, "FR": 40, "IT": 19, "ES": 15, "NL": 21, "CH": 33, "SE": 14, "NO": 9, "AE": 12, "ZA": 6,
    "US": 318, "CA": 34, "MX": 12, "BR": 17, "CL": 6,
}  # fmt: skip
APAC = ("JP", "KR", "SG", "HK", "TW", "AU", "NZ", "IN", "CN")
SALES_APAC = ("JP", "KR", "SG", "HK", "TW", "IN", "CN")
EMEA = ("GB", "DE", "FR", "IT", "ES", "NL", "CH", "SE", "NO", "AE", "ZA")
TERRITORIES = {
    "asia": SALES_APAC,
    "oceania": ("AU", "NZ"),
    "europe": ("GB", "DE", "FR", "IT", "ES", "NL", "CH", "SE", "NO"),
    "gulf_and_africa": ("AE", "ZA"),
    "north_america": ("US", "CA"),
    "latin_america": ("MX", "BR", "CL"),
}
GROUPS = {
    "APAC_FINANCE": ("asia", "oceania"),
    "APAC_SALES": ("asia",),
    "EMEA_FINANCE": ("europe", "gulf_and_africa"),
    "EMEA_SALES": ("europe",),
    "AMERICAS": ("north_america", "latin_america"),
}
SEGMENTS = ("enterprise", "mid_market", "small_business", "public_sector")
PRODUCTS = ("terminal", "feed", "index", "risk", "retail_tracker")
CHANNELS = ("direct", "partner", "online")
FUNCTIONS = ("eng", "research", "sales", "marketing", "success", "finance", "people", "legal")
GIVEN = (
    "Ada",
    "Bela",
    "Chen",
    "Dana",
    "Emil",
    "Fumi",
    "Gita",
    "Hugo",
    "Ines",
    "Jun",
    "Kim",
    "Lena",
    "Mika",
    "Nora",
    "Omar",
)
FAMILY = (
    "Abel",
    "Brandt",
    "Castro",
    "Dupont",
    "Endo",
    "Ferrari",
    "Gupta",
    "Haas",
    "Ito",
    "Jansen",
    "Kang",
    "Lopez",
    "Moser",
)

PINNED_QUARTER = (date(2024, 10, 1), date(2025, 1, 1))
PINNED_NET = Decimal("142300000.00")
PINNED_SALES_GROSS = Decimal("131850000.00")
PINNED_BUDGET = Decimal("135000000.00")
CENT = Decimal("0.01")

Row = list[object]


def main() -> None:
    """Write one Parquet file a table."""
    default = Path(__file__).resolve().parents[1] / "catalogs" / "meridian" / "data"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    connection = duckdb.connect()
    for name, columns, rows in tables():
        path = folder / f"{name.replace('.', '/')}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        write(connection, path, columns, rows)
        print(f"{path.stat().st_size:>9,} {len(rows):>7,} rows  {name}")


def write(connection: duckdb.DuckDBPyConnection, path: Path, columns: str, rows: Sequence[Row]) -> None:
    """Write rows of these columns, `name type, …`, to a Parquet file."""
    types = dict(column.split(" ", 1) for column in columns.split(", "))
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8") as text:
        csv.writer(text).writerows(rows)
        text.flush()
        connection.execute(
            f"COPY (SELECT * FROM read_csv('{text.name}', header = false, columns = {types!r}) ORDER BY ALL) "  # noqa: S608
            f"TO '{path}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19)"
        )


def tables() -> Iterator[tuple[str, str, list[Row]]]:
    """Yield name, columns and rows of every table, each from a generator of its own, so that none moves another."""
    money = "DECIMAL(18,2)"
    yield "shared.days", "day DATE, is_month_start BOOLEAN", [[d, d.day == 1] for d in days(FIRST, END)]
    where = "country VARCHAR, segment VARCHAR, product VARCHAR, channel VARCHAR"
    amounts = f"gross_amount {money}, refund_amount {money}, net_amount {money}"
    yield "finance.fact_revenue_daily", f"day DATE, {where}, {amounts}", revenue(seeded("revenue"))
    costs_of = f"cost_of_revenue {money}, operating_expense {money}"
    yield "finance.fact_costs", f"day DATE, country VARCHAR, product VARCHAR, {costs_of}", costs(seeded("costs"))
    line = f"line INTEGER, month DATE, territory VARCHAR, net_revenue {money}"
    yield "planning.budget_monthly", line, budget(seeded("budget"))
    yield "planning.forecast_monthly", line, forecast(seeded("forecast"))
    pairs = [(group, territory) for group, members in GROUPS.items() for territory in members]
    groups = [[n, code, territory] for n, (code, territory) in enumerate(pairs, 1)]
    yield "planning.territory_groups", "id INTEGER, code VARCHAR, territory VARCHAR", groups
    yield "planning.quota_quarterly", f"quarter DATE, country VARCHAR, bookings {money}", quota(seeded("quota"))
    jobs = people(seeded("people"))
    yield "people.jobs", JOB_COLUMNS, jobs
    plan = headcount_plan(seeded("plan"), jobs)
    yield "planning.headcount_plan", "month DATE, country VARCHAR, function VARCHAR, heads INTEGER", plan
    contracts, events = customers(seeded("customers"))
    of_contract = "first_day DATE, end_day DATE, is_trial BOOLEAN, is_used BOOLEAN"
    kept = (
        f"customer_id INTEGER, country VARCHAR, segment VARCHAR, product VARCHAR, {of_contract}, annual_value {money}"
    )
    yield "customer.contracts", kept, contracts
    happened = f"day DATE, country VARCHAR, segment VARCHAR, event VARCHAR, annual_value {money}"
    yield "customer.customer_events", happened, events
    answers = "day DATE, country VARCHAR, segment VARCHAR, score INTEGER"
    yield "customer.nps_answers", answers, survey(seeded("survey"))
    deal = "country VARCHAR, segment VARCHAR, channel VARCHAR, open_day DATE, close_day DATE, is_won BOOLEAN"
    yield "sales.deals", f"{deal}, amount {money}", deals(seeded("deals"))
    yield "marketing.days", f"day DATE, country VARCHAR, spend {money}, leads INTEGER", marketing(seeded("marketing"))
    yield "retail.panel_weekly", f"week DATE, country VARCHAR, shop_id INTEGER, sales {money}", panel(seeded("panel"))
    measured = "sent INTEGER, answered INTEGER, latency_ms DECIMAL(9,1)"
    yield "operations.probes_daily", f"day DATE, product VARCHAR, {measured}", probes(seeded("probes"))
    usage_of = "day DATE, country VARCHAR, product VARCHAR, requests BIGINT"
    yield "operations.api_usage_daily", usage_of, usage(seeded("usage"))
    who = "requester_name VARCHAR, requester_email VARCHAR"
    ticket = "opened_at TIMESTAMP, country VARCHAR, segment VARCHAR, product VARCHAR, first_response_hours DECIMAL(9,1)"
    yield "operations.support_tickets", f"{ticket}, {who}", tickets(seeded("tickets"))


def seeded(name: str) -> random.Random:
    """Return the table's own source of chance."""
    return random.Random(f"{SEED} {name}")  # noqa: S311 - made-up figures


def days(first: date, end: date) -> list[date]:
    """Return the days from one to another, exclusive."""
    return [first + timedelta(n) for n in range((end - first).days)]


def months(first: date = FIRST, end: date = END) -> list[date]:
    """Return the first days of the months."""
    return [d for d in days(first, end) if d.day == 1]


def following(month: date) -> date:
    """Return the first day of the next month."""
    return (month.replace(day=28) + timedelta(4)).replace(day=1)


def cents(amount: float) -> Decimal:
    """Return an amount of money."""
    return Decimal(round(amount * 100)) * CENT


def level(day: date) -> float:
    """Return the company's net revenue of a month about this day, in USD: it grows, and ends of years are stronger."""
    years = (day - FIRST).days / 365.25
    season = 1.06 if day.month in {10, 11, 12} else 0.97 if day.month in {4, 5} else 1.0
    return 101e6 * 1.072**years * season


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


if __name__ == "__main__":
    main()
