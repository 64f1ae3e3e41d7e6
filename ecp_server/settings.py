"""What can be set: ECP_* variables and the flags that override them. The only reader of the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo

from ecp_server.addresses import CUBE, NEO4J, OPA, POSTGRES, SQLITE, Address, as_address, as_readable, url_of
from ecp_server.domain.feedback import MAX_CORRECTIONS

BUNDLED_CATALOG: Final = "meridian"
"""The catalog that is served where none is named."""

PREFIX: Final = "ECP_"
_OF_THE_CLIENT: Final = frozenset({"ECP_TARGET"})
"""What the command `ecp` reads."""
MIB: Final = 1024 * 1024
PGVECTOR_DIMENSIONS: Final = 256
"""The length of the column that the vector store's migrations make."""
_CENTURY_HOURS: Final = 876_000
"""Longer than anything is kept, and its end is still a date."""
DAY_SECONDS: Final = 86_400
"""Longer than anything is waited for, and what every store takes for a time limit."""
_PEBIBYTE_MIB: Final = 1024**3
"""More than any machine has, and what DuckDB takes for a limit."""
_MOST_IN_GRPC: Final = 2**31 - 1
"""The largest number that gRPC takes for an option."""
_PACKAGE: Final = Path(__file__).resolve().parent


class SettingsError(ValueError):
    """Settings that the server cannot run with; the message has a line for each, by the name of its variable."""


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _bundled_catalog() -> Path:
    """Return the catalog inside an installed package, else the one of the checkout."""
    packaged = _PACKAGE / "catalogs" / BUNDLED_CATALOG
    return packaged if packaged.is_dir() else _PACKAGE.parent / "catalogs" / BUNDLED_CATALOG


def _user_data_folder() -> Path:
    """Return where programs keep a user's data: the XDG Base Directory Specification, or Apple's convention."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def _default_state_url() -> SecretStr:
    return SecretStr(f"sqlite:///{_user_data_folder() / 'ecp' / 'state.db'}")


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + name.upper()


def _setting(meaning: str, *, flag: str = "", shown_default: str = "", **constraints: Any) -> Any:
    """Describe one setting for the documentation and, where it has a flag, for the command line."""
    return Field(
        description=meaning,
        validate_default=True,
        json_schema_extra={"flag": flag, "shown_default": shown_default},
        **constraints,
    )


def _password_file(url: str) -> Any:
    """Describe the setting that may hold what need not stand in a store's URL; `Endpoint` reads it."""
    return _setting(
        f"File that holds the password of {variable(url)}, read for each new connection: a mounted secret.",
        shown_default="the password in the URL, if any",
        default=None,
    )


class Settings(BaseModel):
    """All settings, checked. Immutable; secrets do not show when printed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    catalog: Path = _setting(
        "Folder of the catalog to serve; with a registry, what stands in until that gives one.",
        flag="--catalog",
        shown_default=f"the bundled catalog `{BUNDLED_CATALOG}`",
        default_factory=_bundled_catalog,
    )
    listen: Annotated[Address, BeforeValidator(as_address)] = _setting(
        "Address of the gRPC services, HOST:PORT.", flag="--listen", default="127.0.0.1:50051"
    )
    metrics_listen: Annotated[Address, BeforeValidator(as_address)] = _setting(
        "Address of Prometheus metrics at /metrics, HOST:PORT.", flag="--metrics-listen", default="127.0.0.1:9464"
    )
    state_url: Annotated[SecretStr, url_of(SQLITE, POSTGRES)] = _setting(
        f"Where resolutions and audit records are kept: {SQLITE} or {POSTGRES}.",
        flag="--state",
        shown_default="`sqlite:///` and `ecp/state.db` in the user's data folder",
        default_factory=_default_state_url,
    )
    state_password_file: Path | None = _password_file("state_url")
    registry_url: Annotated[SecretStr | None, url_of(POSTGRES)] = _setting(
        f"Registry that catalogs are published to and served from: {POSTGRES}.",
        shown_default="the catalog in memory",
        default=None,
    )
    registry_password_file: Path | None = _password_file("registry_url")
    catalog_copy: Path = _setting(
        "File that keeps the catalog which the registry gave last, for a start while it is away.",
        shown_default="`ecp/catalog-copy.jsonl` in the user's data folder",
        default_factory=lambda: _user_data_folder() / "ecp" / "catalog-copy.jsonl",
    )
    vector_url: Annotated[SecretStr | None, url_of(POSTGRES)] = _setting(
        f"pgvector, where the vectors of published catalogs are: {POSTGRES}.",
        shown_default="vectors in memory",
        default=None,
    )
    vector_password_file: Path | None = _password_file("vector_url")
    graph_url: Annotated[SecretStr | None, url_of(*NEO4J)] = _setting(
        "Where the graph of published catalogs is: neo4j://USER@HOST:PORT/DATABASE, or bolt://… for one server alone, "
        "neo4j+s and bolt+s with TLS.",
        shown_default="the catalog in memory",
        default=None,
    )
    graph_password_file: Path | None = _password_file("graph_url")
    graph_pool_size: int = _setting("Connections to Neo4j that a process may hold at once.", default=16, gt=0)
    policy_url: Annotated[SecretStr | None, url_of(*OPA)] = _setting(
        "Where policy is decided: http://HOST:PORT or https://HOST:PORT, an OPA, its token as password "
        "(http://:TOKEN@HOST:PORT).",
        shown_default="Rego in process",
        default=None,
    )
    policy_password_file: Path | None = _password_file("policy_url")
    policy_push: bool = _setting(
        "Bring the catalog's policies, or the built-in one, to the OPA of ECP_POLICY_URL, which then is ECP's own; "
        "else it decides by the policies that it has.",
        default=False,
    )
    policy_pool_size: int = _setting("Connections to OPA that a process may hold at once.", default=16, gt=0)
    policy_max_age_seconds: float = _setting(
        "How long ago the bundles of that OPA may last have been confirmed by where it gets them, in seconds; by older "
        "ones nothing is decided. Its configuration must have `status`. 0 takes any.",
        default=0.0,
        ge=0,
        allow_inf_nan=False,
    )
    postgres_pool_size: int = _setting(
        "Connections to PostgreSQL that each kind of store may hold at once, in each process.", default=8, gt=0
    )
    semantic_url: Annotated[SecretStr, url_of(*CUBE)] = _setting(
        "Where figures are computed: cube+http://:SECRET@HOST:PORT or cube+https://…, a Cube and the secret that its "
        "tokens are signed with; empty computes them in this process, from files.",
        default=SecretStr(""),
        shown_default="empty",
    )
    semantic_password_file: Path | None = _password_file("semantic_url")
    semantic_data: Path | None = _setting(
        "Folder of the files (CSV, Parquet, DuckDB) that figures are computed from in this process.",
        default=None,
        shown_default="`data` in the catalog's folder",
    )
    semantic_memory_mib: int = _setting(
        "Memory that computing figures in this process may take, in MiB.", default=1024, ge=64, le=_PEBIBYTE_MIB
    )
    kept_results_mib: int = _setting(
        "Memory for the last good figures, which stand in while the semantic layer is down, in MiB; 0 keeps none.",
        default=64,
        ge=0,
    )
    semantic_timeout_seconds: float = _setting(
        "Budget of one call to the semantic layer, in seconds; the caller's deadline may cut it shorter.",
        default=20.0,
        gt=0,
        le=DAY_SECONDS,
        allow_inf_nan=False,
    )
    embeddings_url: Annotated[SecretStr, url_of("https://HOST", "http://HOST")] = _setting(
        "Endpoint that embeds texts as OpenAI's does, e.g. `https://HOST/v1`; its key is the password.",
        shown_default="the model that comes along",
        default=SecretStr(""),
    )
    embeddings_password_file: Path | None = _password_file("embeddings_url")
    embeddings_model: str = _setting("Name of that endpoint's model.", default="text-embedding-3-small")
    embeddings_dimensions: int = _setting("Length of that model's vectors.", default=1536, gt=0, le=8192)
    embeddings_timeout_seconds: float = _setting(
        "How long one request to that endpoint may take, in seconds; a question's budget may cut it shorter.",
        default=10.0,
        gt=0,
        le=DAY_SECONDS,
        allow_inf_nan=False,
    )
    insecure_identity: bool = _setting(
        "Believe what callers say of themselves even where others than this machine can reach the server.",
        flag="--insecure-identity",
        default=False,
    )
    reflection: bool = _setting(
        "Serve gRPC reflection, which tells callers the whole contract.",
        flag="--reflection/--no-reflection",
        default=True,
    )
    resolution_ttl_hours: float = _setting(
        "How long a resolution can be executed, in hours.", default=24.0, gt=0, le=_CENTURY_HOURS, allow_inf_nan=False
    )
    heed_precedents: bool = _setting(
        "Read questions as departments' corrections say; else corrections are recorded and listed, and decide nothing.",
        default=True,
    )
    precedents_per_day: int = _setting(
        "Precedents that the corrections of one user may make in 24 hours; further ones are refused. At least "
        f"{MAX_CORRECTIONS}, as many as one report may make.",
        default=100,
        ge=MAX_CORRECTIONS,
    )
    decision_cache_seconds: float = _setting(
        "How long a policy decision is kept, in seconds; 0 keeps none.",
        default=30.0,
        ge=0,
        le=DAY_SECONDS,
        allow_inf_nan=False,
    )
    store_timeout_seconds: float = _setting(
        "Budget of one call to a store, in seconds; the caller's deadline may cut it shorter.",
        default=2.0,
        gt=0,
        le=DAY_SECONDS,
        allow_inf_nan=False,
    )
    store_attempts: int = _setting(
        "How often a call to a store is made at most, where repeating it is harmless; 1 never repeats.",
        default=3,
        ge=1,
        le=10,
    )
    read_cache_mib: int = _setting(
        "Memory for what a graph or registry on a server says of a catalog, in MiB; 0 keeps nothing.", default=64, ge=0
    )
    store_concurrency: int = _setting("Calls to one store at a time; more of them fail within 50 ms.", default=64, ge=1)
    breaker_failures: int = _setting(
        "Failures of a store in a row after which it is left alone; so do half of the calls in 10 seconds, from 20 on.",
        default=5,
        ge=1,
    )
    breaker_recovery_seconds: float = _setting(
        "How long a store is left alone before one call tries it again, in seconds.",
        default=5.0,
        gt=0,
        le=DAY_SECONDS,
        allow_inf_nan=False,
    )
    drain_delay_seconds: float = _setting(
        "After SIGTERM, how long to go on serving while not ready, so that load balancers notice, in seconds.",
        default=1.0,
        ge=0,
        le=DAY_SECONDS,
        allow_inf_nan=False,
    )
    drain_grace_seconds: float = _setting(
        "After that, how long calls in flight may take to finish, in seconds.",
        default=30.0,
        ge=0,
        le=DAY_SECONDS,
        allow_inf_nan=False,
    )
    max_calls: int = _setting("Calls served at a time; more are refused.", default=1000, ge=1)
    max_queue_seconds: float = _setting(
        "How long a call may wait for its turn, in seconds; where it would be longer, and 64 wait, calls are refused.",
        default=0.25,
        gt=0,
        le=DAY_SECONDS,
        allow_inf_nan=False,
    )
    max_message_bytes: int = _setting("Largest request that is read, in bytes.", default=MIB, gt=0, le=_MOST_IN_GRPC)
    log_format: Annotated[Literal["auto", "json", "console"], BeforeValidator(_lower)] = _setting(
        "`json`, `console`, or `auto`: console on a terminal, else JSON.", default="auto"
    )
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = _setting(
        "Least level that is logged: `DEBUG`, `INFO`, `WARNING` or `ERROR`.", default="INFO"
    )
    log_questions: bool = _setting("Log the text of questions.", default=False)
    otlp_endpoint: Annotated[str, BeforeValidator(as_readable)] = _setting(
        "URL of an OpenTelemetry collector that takes traces over gRPC; empty sends none.", default=""
    )
    trace_sample_ratio: float = _setting(
        "Share of the traces begun here that are recorded, 0 to 1; a caller's own decision comes first.",
        default=1.0,
        ge=0,
        le=1,
    )

    @model_validator(mode="after")
    def _believes_strangers_only_when_told(self) -> Self:
        if not self.listen.is_loopback and not self.insecure_identity:
            raise ValueError(
                f"{_label('listen')}: {self.listen} can be reached from other machines, and callers' word for who "
                f"they are is believed; listen on 127.0.0.1, or accept that with {_label('insecure_identity')}"
            )
        return self

    @model_validator(mode="after")
    def _keeps_vectors_of_one_length(self) -> Self:
        kept, given = self.vector_url, self.embeddings_url.get_secret_value()
        if kept and given and self.embeddings_dimensions != PGVECTOR_DIMENSIONS:
            raise ValueError(
                f"{_label('embeddings_dimensions')}: PostgreSQL keeps vectors of {PGVECTOR_DIMENSIONS} numbers, so an "
                "endpoint's must have as many"
            )
        return self

    @model_validator(mode="after")
    def _asks_for_the_age_of_bundles_alone(self) -> Self:
        if self.policy_push and self.policy_max_age_seconds:
            raise ValueError(
                f"{_label('policy_max_age_seconds')}: what {_label('policy_push')} brings is in no bundle; set one of "
                "them"
            )
        return self

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None, /, **flags: object) -> Settings:
        """Read the environment, by default the process's; a flag that is not None wins over its variable.

        An empty variable counts as absent. Raises `SettingsError`.
        """
        variables = os.environ if environment is None else environment
        given = {name: value for name in cls.model_fields if (value := variables.get(variable(name)))}
        given |= {name: value for name, value in flags.items() if value is not None}  # type: ignore[misc]
        try:
            return cls.model_validate(given)
        except ValidationError as invalid:
            raise SettingsError("\n".join(_problems(invalid))) from None


def unknown_variables(environment: Mapping[str, str] | None = None, /) -> tuple[str, ...]:
    """Return the ECP_* variables that nothing reads, sorted: misspelt ones, most likely."""
    variables = os.environ if environment is None else environment
    known = {variable(name) for name in Settings.model_fields} | _OF_THE_CLIENT
    return tuple(sorted(name for name in variables if name.startswith(PREFIX) and name not in known))


def flag(field: FieldInfo) -> str:
    """Return a setting's flag as click declares it, "" where it has none."""
    return str(_extra(field)["flag"])


def documentation() -> str:
    """Return the page docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "Each setting is a variable; some are flags of `ecp-server serve` too, and then the flag wins.",
        "A bad value stops the server with exit code 2 and the variable's name.",
        "This page is generated: `ecp-server settings > docs/settings.md`.",
        "",
        "| Variable | Flag | Default | Meaning |",
        "|---|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        flags = ", ".join(f"`{part}`" for part in flag(field).split("/") if part)
        lines.append(f"| `{variable(name)}` | {flags} | {_default(field)} | {field.description} |")
    return "\n".join(lines) + "\n"


def _problems(invalid: ValidationError) -> list[str]:
    """Return a line for each error, without the values, which may be secret."""
    lines = []
    for error in invalid.errors(include_url=False, include_input=False):
        message = error["msg"].removeprefix("Value error, ")
        lines.append(f"{_label(str(error['loc'][0]))}: {message}" if error["loc"] else message)
    return lines


def _label(name: str) -> str:
    field = Settings.model_fields.get(name)
    flags = flag(field) if field else ""
    return f"{variable(name)} ({flags})" if flags else variable(name)


def _default(field: FieldInfo) -> str:
    if shown := _extra(field)["shown_default"]:
        return str(shown)
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    return f"`{field.default}`" if field.default != "" else "empty"


def _extra(field: FieldInfo) -> dict[str, Any]:
    extra = field.json_schema_extra
    assert isinstance(extra, dict)  # noqa: S101 - `_setting` makes every field
    return extra
