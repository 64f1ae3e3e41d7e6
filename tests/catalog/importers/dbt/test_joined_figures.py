"""What is filtered by models two joins away has its figures: the filter looks keys up, and no row counts twice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ecp_server.__main__ import catalog as commands
from tests.answering import answering
from tests.catalog.importers.dbt.projects import project

SALES = """\
semantic_models:
  - name: sales
    model: ref('sales')
    defaults: {agg_time_dimension: day}
    entities: [{name: sale, type: primary, expr: id}, {name: buyer, type: foreign, expr: buyer_id}]
    dimensions: [{name: day, type: time}, {name: is_large, type: categorical, expr: amount >= 30}]
    measures:
      - {name: amount, agg: sum, create_metric: true}
      - {name: middle_amount, agg: median, expr: amount}
  - name: buyers
    model: ref('buyers')
    entities: [{name: buyer, type: primary, expr: id}, {name: country, type: foreign}]
    dimensions: [{name: level, type: categorical}]
  - name: countries
    model: ref('countries')
    entities: [{name: country, type: primary}]
    dimensions: [{name: region, type: categorical}]
metrics:
  - name: amount_of_gold
    type: simple
    type_params: {measure: amount}
    filter: "{{ Dimension('buyer__level') }} = 'gold'"
  - name: amount_of_the_north
    type: simple
    type_params: {measure: amount}
    filter: "{{ Dimension('region', entity_path=['buyer', 'country']) }} = 'North'"
  - name: middle_of_the_north
    type: simple
    type_params: {measure: middle_amount}
    filter: "{{ Dimension('buyer__country__region') }} = 'North'"
  - name: amount_since_march
    type: simple
    type_params: {measure: amount}
    filter: "{{ TimeDimension('metric_time', 'month') }} >= '2024-03-01'"
"""

TABLES: Mapping[str, str] = {
    "sales": "id,buyer_id,day,amount\n1,1,2024-02-28,50.5\n2,1,2024-03-01,10\n3,2,2024-03-02,7\n4,3,2024-03-03,100\n5,,2024-03-04,1000\n",
    "buyers": "id,country,level\n1,NO,gold\n2,SE,silver\n3,IT,gold\n",
    "countries": "country,region\nNO,North\nSE,North\nIT,South\n",
}

FIGURES: Mapping[str, list[dict[str, str | None]]] = {
    "amount": [{"actual": "1167.5"}],
    "amount of gold": [{"actual": "160.5"}],
    "amount of the north": [{"actual": "67.5"}],
    "middle of the north": [{"actual": "10"}],
    "amount since march in gold": [{"actual": "110"}],
    "amount in North": [{"actual": "67.5"}],
    "amount by region": [
        {"buyer__country__region": "buyer__country__region.north", "actual": "67.5"},
        {"buyer__country__region": "buyer__country__region.south", "actual": "100"},
        {"buyer__country__region": None, "actual": "1000"},
    ],
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sales")
    data = folder / "tables"
    data.mkdir()
    for name, text in TABLES.items():
        (data / f"{name}.csv").write_text(text, encoding="utf-8")
    arguments = ["import", "dbt", project(folder, SALES), "--output", folder / "shop", "--data", data, "--tier", "3"]
    result = CliRunner().invoke(commands, [str(argument) for argument in arguments])
    assert (0, False) == (result.exit_code, "not carried" in result.output), result.output
    return folder / "shop"


async def test_figures(shop: Path) -> None:
    found: dict[str, Any] = {}
    async with answering(shop) as ask:
        for question in FIGURES:
            _, found[question] = await ask({"concept": question, "as_of": "2024-04-01T00:00:00Z"})
    assert FIGURES == found
