"""What is wrong with a document by itself (catalog.md, Rules of loading): where it is told, and in which words."""

from __future__ import annotations

import pytest

from tests.catalog.conftest import ErrorsOf
from tests.catalog.samples import Case, dimension, metric

KINDS = (
    "manifest, context, metric, term, dimension, calendar, "
    "known_issue, contract, rule, lineage, entity, relation, phrase"
)

UNKNOWN_KEYS: dict[str, Case] = {
    "an unknown key": ("kind: entity\nid: e\nname: E\ncolour: red", "a.yaml:4: entity e: colour: unknown key"),
    "an unknown key deep inside": (
        metric("derived:\n  expression: a\n  inputs:\n    - metric: m2\n      alias: a\n      lag: 1\n")
        + "---\n"
        + metric("semantic_ref: C.m", "m2"),
        "a.yaml:10: metric m: derived.inputs[0].lag: unknown key",
    ),
    "an unknown key of a member": (
        dimension("id: d.a, name: A, values: [a], color: x"),
        "a.yaml:6: member d.a: members[0].color: unknown key",
    ),
    "an id where the kind has none": (
        "kind: phrase\nid: p\ntext: t\nmeaning: stop",
        "a.yaml:2: phrase p: id: unknown key",
    ),
    "a merge key": ("kind: entity\nid: e\nname: E\n<<: {type: t}", "a.yaml:4: entity e: <<: unknown key"),
    "meta within a part": (
        metric("semantic_ref: C.m\ntargets:\n  budget: {metric: m, meta: 1}"),
        "a.yaml:7: metric m: targets.budget.meta: unknown key",
    ),
}

SHAPES: dict[str, Case] = {
    "a default period that is none": (
        metric("semantic_ref: C.m\ndefault_period: soonish"),
        "a.yaml:6: metric m: default_period: “soonish” is no period, nor as_of, nor ask",
    ),
    "no mapping": ("- a", "a.yaml:1: a document is a mapping that begins with `kind`"),
    "no kind": ("id: x", f"a.yaml:1: x: kind: should be one of {KINDS}"),
    "an unknown kind": ("id: x\nkind: table", f"a.yaml:2: table x: kind: should be one of {KINDS}"),
    "a kind that is no text": ("kind: [metric]", f"a.yaml:1: kind: should be one of {KINDS}"),
    "a member by itself": ("kind: member\nid: d.a", f"a.yaml:1: member d.a: kind: should be one of {KINDS}"),
    "a required key left out": ("kind: entity\nid: e", "a.yaml:1: entity e: name: is required"),
    "text that is blank": ("kind: entity\nid: e\nname: ' '", "a.yaml:3: entity e: name: should not be blank"),
    "text that is null": ("kind: entity\nid: e\nname:", "a.yaml:3: entity e: name: should be text"),
    "a list that is text": (
        "kind: entity\nid: e\nname: E\nsynonyms: x",
        "a.yaml:4: entity e: synonyms: should be a list",
    ),
    "a mapping that is text": (metric("derived: a - b"), "a.yaml:5: metric m: derived: should be a mapping"),
    "a key given twice": ("kind: entity\nid: e\nname: E\nname: F", "a.yaml:4: entity e: the key 'name' is given twice"),
    "a tag": (
        "kind: entity\nid: !!int 7\nname: E",
        "a.yaml:2: entity 7: the tag tag:yaml.org,2002:int is not supported",
    ),
    "no YAML": ("kind: entity\nid: [e", "a.yaml:2: is not YAML: did not find expected ',' or ']'"),
    "a number that is none": (
        metric("semantic_ref: C.m\ncertification_tier: high"),
        "a.yaml:6: metric m: certification_tier: should be a valid integer, unable to parse string as an integer",
    ),
    "a tier beyond 4": (
        metric("semantic_ref: C.m\ncertification_tier: 5"),
        "a.yaml:6: metric m: certification_tier: should be less than or equal to 4",
    ),
    "a scale of 0": (metric("semantic_ref: C.m\nscale: 0.0"), "a.yaml:6: metric m: scale: should not be 0"),
    "a scale that is no number": (
        metric("semantic_ref: C.m\nscale: NaN"),
        "a.yaml:6: metric m: scale: should be a finite number",
    ),
    "a percentage above 100": (
        "kind: contract\nid: k\ntables: [t]\nsla: {availability_pct: 101}",
        "a.yaml:4: contract k: sla.availability_pct: should be less than or equal to 100",
    ),
    "an unknown classification": (
        metric("semantic_ref: C.m\nclassification: secret"),
        "a.yaml:6: metric m: classification: should be 'public', 'internal', 'confidential' or 'restricted'",
    ),
    "a flag that is none": (
        dimension("id: d.a, name: A, values: [a]", more="row_level: sometimes\n"),
        "a.yaml:5: dimension d: row_level: should be a valid boolean, unable to interpret input",
    ),
    "a day that is none": (
        "kind: known_issue\nid: i\ndescription: D\nseverity: low\nscope: {from: 2024-02-30}",
        "a.yaml:5: known_issue i: scope.from: is no day of any year",
    ),
    "a number for a day": (
        "kind: known_issue\nid: i\ndescription: D\nseverity: low\nscope: {to: 1577836800}",
        "a.yaml:5: known_issue i: scope.to: should be a day such as 2024-01-31",
    ),
    "a manifest of another format": ("kind: manifest\nformat: 2", "a.yaml:2: manifest: format: should be '1'"),
    "an unknown time zone": (
        "kind: manifest\nformat: 1\ndefault_time_zone: Berlin",
        "a.yaml:3: manifest: default_time_zone: should be the name of a time zone, e.g. Europe/Berlin",
    ),
    "an unknown time zone of a metric": (
        metric("semantic_ref: C.m\ntime_zone: ../UTC"),
        "a.yaml:6: metric m: time_zone: should be the name of a time zone, e.g. Europe/Berlin",
    ),
    "an offset without a unit": (
        metric("derived: {expression: a, inputs: [{metric: m2, alias: a, offset: 7}]}")
        + "---\n"
        + metric("semantic_ref: x", "m2"),
        (
            "a.yaml:5: metric m: derived.inputs[0].offset: "
            "should be a number of days, weeks, months, quarters or years, e.g. 7 days"
        ),
    ),
    "a scope that names nothing": (
        "kind: known_issue\nid: i\ndescription: D\nseverity: low\nscope: {metrics: []}",
        "a.yaml:5: known_issue i: scope.metrics: should not be empty",
    ),
    "lineage without edges": ("kind: lineage\nid: l\nedges: []", "a.yaml:3: lineage l: edges: should not be empty"),
    "an edge from nothing": (
        "kind: lineage\nid: l\nedges:\n  - {from: 'table:', to: x}",
        "a.yaml:4: lineage l: edges[0].from: names nothing",
    ),
    "an edge whose type contradicts its prefix": (
        "kind: lineage\nid: l\nedges:\n  - {from: a, to: table:x, to_type: system}",
        "a.yaml:4: lineage l: edges[0].to_type: system contradicts the prefix `table:`",
    ),
}

ALTERNATIVES: dict[str, Case] = {
    "a metric from nowhere": (metric(""), "a.yaml:1: metric m: one of semantic_ref, derived, cumulative is required"),
    "a metric from two places": (
        metric("semantic_ref: C.m\ncumulative: {metric: n}") + "---\n" + metric("semantic_ref: C.n", "n"),
        "a.yaml:6: metric m: cumulative: only one of semantic_ref, derived, cumulative may be given",
    ),
    "a term that means nothing": (
        "kind: term\nid: t\nname: T",
        "a.yaml:1: term t: one of definition, variations is required",
    ),
    "a dimension without an address": (
        "kind: dimension\nid: d\nname: D",
        "a.yaml:1: dimension d: one of semantic_ref, bindings is required",
    ),
    "a member that stands for nothing": (
        dimension("id: d.a, name: A"),
        "a.yaml:6: member d.a: members[0]: values, variations or children are required",
    ),
    "values without any": (
        dimension("id: d.a, name: A, values: []"),
        "a.yaml:6: member d.a: members[0].values: should not be empty",
    ),
    "a window and a grain": (
        metric("cumulative: {metric: n, window: 7 days, grain_to_date: month}")
        + "---\n"
        + metric("semantic_ref: C.n", "n"),
        "a.yaml:5: metric m: cumulative.grain_to_date: a running total has a window or a grain, not both",
    ),
}

CALENDARS: dict[str, Case] = {
    "a start month beyond 12": (
        "kind: calendar\nid: c\ntype: fiscal_months\nstart_month: 13",
        "a.yaml:4: calendar c: start_month: should be less than or equal to 12",
    ),
    "fiscal months without a start": (
        "kind: calendar\nid: c\ntype: fiscal_months",
        "a.yaml:1: calendar c: start_month: is required for a calendar of type fiscal_months",
    ),
    "fiscal weeks without a year's end": (
        "kind: calendar\nid: c\ntype: fiscal_weeks\npattern: 4-4-5",
        "a.yaml:1: calendar c: year_end: is required for a calendar of type fiscal_weeks",
    ),
    "an impossible pattern": (
        "kind: calendar\nid: c\ntype: fiscal_weeks\npattern: 4-4-4\nyear_end: {weekday: sunday, rule: last, month: 1}",
        "a.yaml:4: calendar c: pattern: should be '4-4-5', '4-5-4' or '5-4-4'",
    ),
    "an unknown weekday, rule and month": (
        "kind: calendar\nid: c\ntype: fiscal_weeks\nyear_end:\n  weekday: sat\n  rule: first\n  month: 0",
        (
            "a.yaml:5: calendar c: year_end.weekday: "
            "should be 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday' or 'sunday'"
        ),
        "a.yaml:6: calendar c: year_end.rule: should be 'last' or 'nearest'",
        "a.yaml:7: calendar c: year_end.month: should be greater than or equal to 1",
    ),
    "a leap week in a fifth quarter": (
        (
            "kind: calendar\nid: c\ntype: fiscal_weeks\n"
            "leap_week_quarter: 5\nyear_end: {weekday: sunday, rule: last, month: 1}"
        ),
        "a.yaml:4: calendar c: leap_week_quarter: should be less than or equal to 4",
    ),
    "weeks that do not start after the year's last day": (
        (
            "kind: calendar\nid: c\ntype: fiscal_weeks\n"
            "week_start: monday\nyear_end: {weekday: saturday, rule: last, month: 1}"
        ),
        "a.yaml:4: calendar c: week_start: weeks start on sunday, the day after the year's last",
    ),
    "keys of another type": (
        "kind: calendar\nid: c\ntype: gregorian\nstart_month: 4\npattern: 4-4-5",
        "a.yaml:4: calendar c: start_month: does not belong to a calendar of type gregorian",
        "a.yaml:5: calendar c: pattern: does not belong to a calendar of type gregorian",
    ),
    "a gregorian calendar that is none": (
        "kind: calendar\nid: gregorian\ntype: fiscal_months\nstart_month: 4",
        "a.yaml:2: calendar gregorian: id: is the name of the Gregorian calendar",
    ),
}

GROUPS: dict[str, dict[str, Case]] = {
    "unknown key": UNKNOWN_KEYS,
    "shape": SHAPES,
    "alternatives": ALTERNATIVES,
    "impossible calendar": CALENDARS,
}
CASES = {f"{group}: {name}": case for group, cases in GROUPS.items() for name, case in cases.items()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_error(errors_of: ErrorsOf, case: Case) -> None:
    text, *expected = case
    assert sorted(expected) == sorted(errors_of(text))
