"""Time expressions and calendars: from words to whole days."""

from ecp_server.resolution.time.expressions import (
    Between,
    Comparand,
    Comparison,
    Day,
    Expression,
    Month,
    NthWeekday,
    Part,
    Several,
    TimeMention,
    ToDate,
    Units,
    Weekday,
)
from ecp_server.resolution.time.grammar import find_times, period_expression
from ecp_server.resolution.time.misdated import misdated
from ecp_server.resolution.time.periods import (
    Comparable,
    TooManyBuckets,
    buckets,
    previous,
    same_period_last_year,
    whole_units,
)
from ecp_server.resolution.time.readings import Note, Reading, read

__all__ = [
    "Between",
    "Comparable",
    "Comparand",
    "Comparison",
    "Day",
    "Expression",
    "Month",
    "Note",
    "NthWeekday",
    "Part",
    "Reading",
    "Several",
    "TimeMention",
    "ToDate",
    "TooManyBuckets",
    "Units",
    "Weekday",
    "buckets",
    "find_times",
    "misdated",
    "period_expression",
    "previous",
    "read",
    "same_period_last_year",
    "whole_units",
]
