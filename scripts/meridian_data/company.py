"""What all parts of the company have in common: where and when it does business, and how it grows."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

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
    "Ada", "Bela", "Chen", "Dana", "Emil", "Fumi", "Gita", "Hugo",
    "Ines", "Jun", "Kim", "Lena", "Mika", "Nora", "Omar",
)  # fmt: skip
FAMILY = (
    "Abel", "Brandt", "Castro", "Dupont", "Endo", "Ferrari", "Gupta",
    "Haas", "Ito", "Jansen", "Kang", "Lopez", "Moser",
)  # fmt: skip
CENT = Decimal("0.01")
Row = list[object]


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
