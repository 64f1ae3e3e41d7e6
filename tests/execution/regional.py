"""A shop whose figures are for some regions alone, and its rows: what tests of rights, narrowing and proof run."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ecp_server.domain.catalog import Binding, Catalog, Level, Target, TermVariation
from ecp_server.domain.frozen import replace
from ecp_server.domain.identity import Principal
from tests.conformance.semantics import shop_catalog
from tests.execution.rows import Measured, Rows
from tests.resolution.samples import catalog as catalog_of
from tests.resolution.samples import dimension, member, metric, term

ASIA = Principal(subject="ann", roles=("explorer",), allowed_members=(("region", ("region.asia",)),))
HIDING = """
package ecp.policy
decisions[product.id] := {"allow": true, "policy": "open", "masks": [{"column": "Sales.cost", "method": "null"}]} if {
    some product in input.products
}
"""


def shop(version: str = "v1", *, policies: dict[str, str] | None = None, **sales: Any) -> Catalog:
    return catalog_of(
        metric("sales", dimensions=("region", "product"), targets=(Target("budget", "planned"),), **sales),
        metric("planned", dimensions=("region",), semantic_ref="Plan.amount", time_dimension="Plan.day"),
        metric("cost", dimensions=("region",)),
        term("income", TermVariation("a", metric="sales"), TermVariation("b", metric="planned")),
        dimension(
            "region",
            row_level=True,
            levels=(Level("area", "Area"), Level("country", "Country")),
            default_level="country",
            bindings=(Binding("Plan", "Plan.region"),),
        ),
        member("region.asia", "JP", "KR", level="area", name="Asia"),
        member("region.japan", "JP", level="country", name="Japan"),
        member("region.korea", "KR", level="country", name="Korea"),
        member("region.chile", "CL", level="country", name="Chile"),
        dimension("product"),
        member("product.tea", "tea"),
        version=version,
        policies=policies,
    )


def modelled(version: str, amount: str) -> Catalog:
    """The shop, whose sales are the sum of that column."""
    model = f"""
cubes:
  - {{name: Sales, sql: SELECT * FROM sales, measures: [{{name: sales, sql: "{{CUBE}}.{amount}", type: sum}}]}}
  - {{name: Other, sql: SELECT * FROM other, measures: [{{name: {version}, type: count}}]}}
"""  # noqa: S608 - a model, not a statement
    return replace(shop(version), model=shop_catalog(model).model)


@pytest.fixture(name="catalog")
def the_shop() -> Catalog:
    return shop()


def records() -> dict[str, Any]:
    sold = [("JP", "tea", 10), ("KR", "tea", 20), ("CL", "tea", 40), ("JP", "ore", 80), ("CL", "ore", 160)]
    day = date(2024, 12, 1)
    return {
        "Sales": [
            {"day": day, "region": region, "product": product, "amount": Decimal(amount)}
            for region, product, amount in sold
        ],
        "Plan": [{"day": day, "region": region, "amount": Decimal(5)} for region in ("JP", "KR", "CL")],
    }


MEASURES = {
    "Sales.sales": Measured("sum", "amount"),
    "Sales.cost": Measured("sum", "amount"),
    "Plan.amount": Measured("sum", "amount"),
}


@pytest.fixture(name="engine")
def rows() -> Rows:
    return Rows(records(), MEASURES)


def audited(folder: Path) -> list[str]:
    """The outcomes of executions that the audit holds, oldest first."""
    with closing(sqlite3.connect(folder / "state.db")) as database:
        rows = database.execute("SELECT outcome FROM audit WHERE method = 'Execute' ORDER BY sequence")
        return [outcome for (outcome,) in rows]


def narrowed(*members: str, dimension: str = "region") -> dict[str, Any]:
    return {"narrowing": ((dimension, members),)}
