"""The golden files of the bundled catalogs: over a real channel every question comes out as written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecp_server.catalog.load import load_catalog
from ecp_server.evaluation.golden import Expectation, Golden, load_golden
from ecp_server.evaluation.report import render
from ecp_server.evaluation.run import evaluate
from ecp_server.wiring import asking

BUNDLED = ("meridian", "sec_saas")


def golden(root: Path, name: str) -> Golden:
    return load_golden(root / "catalogs" / name / "golden.yaml")


def expectations(written: Golden) -> list[Expectation]:
    return [e for entry in written.questions for e in (entry.expect, *(f.expect for f in entry.then))]


@pytest.mark.parametrize("name", BUNDLED)
async def test_every_question_comes_out_as_written_down(name: str, project_root: Path) -> None:
    async with asking(project_root / "catalogs" / name) as ask:
        evaluation = await evaluate(golden(project_root, name), ask)
    if evaluation.accuracy != 1.0:
        pytest.fail(render(evaluation), pytrace=False)


@pytest.mark.parametrize("name", BUNDLED)
def test_expectations_name_only_what_the_catalog_has(name: str, project_root: Path) -> None:
    """A misspelt id would be a question that can never be answered right, or a check that never fails."""
    catalog = load_catalog(project_root / "catalogs" / name)
    unknown = set()
    for expect in expectations(golden(project_root, name)):
        unknown |= set(expect.metrics or ()) - catalog.metrics.keys()
        unknown |= {*(expect.members or ()), *(expect.excluded or ())} - catalog.members.keys()
        unknown |= set(expect.dimensions or ()) - catalog.dimensions.keys()
        unknown |= set(expect.terms or ()) - catalog.terms.keys()
        unknown |= set(expect.entities or ()) - catalog.entities.keys()
        unknown |= set(expect.warnings or ()) - catalog.known_issues.keys()
        unknown |= set((expect.variations or {}).keys()) - catalog.metrics.keys() - catalog.members.keys()
    assert unknown == set()


def test_meridian_asks_for_several_departments_and_roles(project_root: Path) -> None:
    users = [entry.user for entry in golden(project_root, "meridian").questions]
    assert len({user.department for user in users}) >= 2
    assert len({role for user in users for role in user.roles}) >= 4


def test_meridian_is_wide_enough_to_show_the_format(project_root: Path) -> None:
    metrics = load_catalog(project_root / "catalogs" / "meridian").metrics.values()
    assert len(metrics) >= 25
    assert len({metric.domain for metric in metrics}) >= 5
    assert {metric.certification_tier for metric in metrics} == {1, 2, 3, 4}
