"""The closed sets of the contract.

Members stand in the order of the contract's numbers, from 0; a test holds the two together. Each first member,
UNSPECIFIED, is false, and stands for "not set" and for a value that is newer than this client.
"""

from enum import IntEnum, StrEnum


class ResolutionStatus(StrEnum):
    """Whether a question is settled."""

    UNSPECIFIED = ""
    RESOLVED = "resolved"
    DISAMBIGUATION_REQUIRED = "disambiguation_required"
    """The caller must choose: see ``Resolution.ambiguities``."""


class Intent(StrEnum):
    """The kind of a question.

    Where several apply: the first of catalog, lineage, definition, comparison, ranking, trend, metric.
    """

    UNSPECIFIED = ""
    METRIC = "metric"
    COMPARISON = "comparison"
    TREND = "trend"
    RANKING = "ranking"
    DEFINITION = "definition"
    LINEAGE = "lineage"
    CATALOG = "catalog"


class ConceptKind(StrEnum):
    """What a mention stands for."""

    UNSPECIFIED = ""
    METRIC = "metric"
    MEMBER = "member"
    DIMENSION = "dimension"
    TIME = "time"
    COMPARISON = "comparison"
    TERM = "term"
    ENTITY = "entity"


class Grain(StrEnum):
    """A size of period, of the calendar that applies. UNSPECIFIED: the period is not broken into parts."""

    UNSPECIFIED = ""
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class ConfidenceLevel(IntEnum):
    """Confidence in a word; levels compare."""

    UNSPECIFIED = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3


class Severity(IntEnum):
    """How much a warning, a rule or a known issue matters; severities compare."""

    UNSPECIFIED = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    """The figure misleads without it."""
    CRITICAL = 4
    """The figure is not given."""


class Store(StrEnum):
    """A kind of dependency of the server."""

    UNSPECIFIED = ""
    GRAPH = "graph"
    VECTOR = "vector"
    REGISTRY = "registry"
    SEMANTIC = "semantic"
    POLICY = "policy"
    STATE = "state"


class FilterOperator(StrEnum):
    """How a filter compares a dimension with its values."""

    UNSPECIFIED = ""
    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    CONTAINS = "contains"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    SET = "set"
    NOT_SET = "not_set"


class ObligationKind(StrEnum):
    """What policy demands of every execution."""

    UNSPECIFIED = ""
    ROW_FILTER = "row_filter"
    MASK = "mask"


class ColumnType(StrEnum):
    """The type of a column's values."""

    UNSPECIFIED = ""
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"


class NullReason(StrEnum):
    """Why a value is null."""

    UNSPECIFIED = ""
    SOURCE_NULL = "source_null"
    NO_PARTNER = "no_partner"
    DIVIDED_BY_ZERO = "divided_by_zero"
    NON_POSITIVE_BASE = "non_positive_base"
    MASKED = "masked"


class ProvenanceView(StrEnum):
    """How much provenance a response carries. All of it is recorded anyway."""

    UNSPECIFIED = ""
    BASIC = "basic"
    """Steps with reasoning, without store calls and output."""
    FULL = "full"
    NONE = "none"
    """Ids and versions only, no steps."""


class StepType(StrEnum):
    """What a step of a resolution does."""

    UNSPECIFIED = ""
    PARSE = "parse"
    SELECT = "select"
    KNOW = "know"
    PLAN = "plan"
    AUTHORIZE = "authorize"
    WEIGH = "weigh"
    RUN = "run"
    COMPUTE = "compute"
    VALIDATE = "validate"


class StepStatus(StrEnum):
    """How a step ended."""

    UNSPECIFIED = ""
    COMPLETE = "complete"
    DEGRADED = "degraded"
    SKIPPED = "skipped"
    FAILED = "failed"


class LineageNodeType(StrEnum):
    """What a node of the lineage is."""

    UNSPECIFIED = ""
    METRIC = "metric"
    COLUMN = "column"
    TABLE = "table"
    SYSTEM = "system"
    RESTRICTED = "restricted"
    """Something the user may not see."""


class FeedbackVerdict(StrEnum):
    """A judgement of a resolution."""

    UNSPECIFIED = ""
    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    REJECTED = "rejected"


class HealthStatus(StrEnum):
    """The state of a part of the server."""

    UNSPECIFIED = ""
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    """Works with a fallback."""
    UNHEALTHY = "unhealthy"


class BreakerState(StrEnum):
    """The state of a circuit breaker. UNSPECIFIED: there is none."""

    UNSPECIFIED = ""
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Reason(StrEnum):
    """Why a call failed: the names of ``error_reason.proto`` without their prefix.

    UNSPECIFIED: something other than ECP refused the call, e.g. the transport, or a proxy on the way.
    """

    UNSPECIFIED = ""
    INVALID_QUERY = "invalid_query"
    INVALID_CHOICE = "invalid_choice"
    CONCEPT_NOT_FOUND = "concept_not_found"
    RESOLUTION_NOT_FOUND = "resolution_not_found"
    AMBIGUOUS_CONCEPT = "ambiguous_concept"
    BUSINESS_RULE_VIOLATION = "business_rule_violation"
    DATA_QUALITY = "data_quality"
    POLICY_DENIED = "policy_denied"
    INSUFFICIENT_PERMISSIONS = "insufficient_permissions"
    UNAUTHENTICATED = "unauthenticated"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    STORE_UNAVAILABLE = "store_unavailable"
    CIRCUIT_OPEN = "circuit_open"
    POLICY_UNAVAILABLE = "policy_unavailable"
    STORE_TIMEOUT = "store_timeout"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    INTERNAL = "internal"
    RESOLUTION_EXPIRED = "resolution_expired"
    INCOMPATIBLE_CONCEPTS = "incompatible_concepts"
    NOT_IMPLEMENTED = "not_implemented"
