"""Settings: what they are called, what they refuse, and that their documentation is current."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from ecp_server.addresses import Address
from ecp_server.settings import (
    BUNDLED_CATALOG,
    PGVECTOR_DIMENSIONS,
    Settings,
    SettingsError,
    documentation,
    unknown_variables,
    variable,
)


def test_defaults_serve_the_bundled_catalog_to_this_machine_alone(project_root: Path) -> None:
    settings = Settings.load({})
    assert project_root / "catalogs" / BUNDLED_CATALOG == settings.catalog
    assert Address("127.0.0.1", 50051) == settings.listen
    assert Address("127.0.0.1", 9464) == settings.metrics_listen
    assert (24, 30, 30) == (
        settings.resolution_ttl_hours,
        settings.decision_cache_seconds,
        settings.drain_grace_seconds,
    )
    assert settings.reflection
    assert not settings.insecure_identity
    assert not settings.log_questions


def test_state_is_kept_in_the_users_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert f"sqlite:///{tmp_path}/ecp/state.db" == Settings.load({}).state_url.get_secret_value()
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert f"sqlite:///{tmp_path}/.local/share/ecp/state.db" == Settings.load({}).state_url.get_secret_value()
    monkeypatch.setattr("sys.platform", "darwin")
    folder = tmp_path / "Library" / "Application Support"
    assert f"sqlite:///{folder}/ecp/state.db" == Settings.load({}).state_url.get_secret_value()


def test_catalog_inside_an_installed_package_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    packaged = tmp_path / "catalogs" / BUNDLED_CATALOG
    packaged.mkdir(parents=True)
    monkeypatch.setattr("ecp_server.settings._PACKAGE", tmp_path)
    assert packaged == Settings.load({}).catalog


def test_every_setting_has_a_variable_and_a_flag_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"ECP_CATALOG": "/a", "ECP_LISTEN": "127.0.0.1:1", "ECP_REFLECTION": "false"}
    settings = Settings.load(environment, catalog="/b", listen=None, reflection=True)
    assert (Path("/b"), Address("127.0.0.1", 1), True) == (settings.catalog, settings.listen, settings.reflection)
    monkeypatch.setenv("ECP_CATALOG", "/c")
    assert Path("/c") == Settings.load().catalog


def test_empty_variable_counts_as_absent() -> None:
    assert Settings.load({}) == Settings.load({"ECP_LISTEN": "", "ECP_OTLP_ENDPOINT": "", "ECP_LOG_FORMAT": ""})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("listen", "50051", "must be HOST:PORT"),
        ("listen", "127.0.0.1", "must be HOST:PORT"),
        ("listen", "127.0.0.1:65536", "must be HOST:PORT"),
        ("listen", "127.0.0.1:-1", "must be HOST:PORT"),
        ("listen", "::1:50051", "must be HOST:PORT"),
        ("metrics_listen", "nowhere", "must be HOST:PORT"),
        ("state_url", "mysql://u:hunter2@db/ecp", "must be a URL of the form sqlite:///PATH or postgresql://"),
        ("state_url", "postgresql://u:hunter2%@db/ecp", "that PostgreSQL's client can read"),
        ("registry_url", "postgresql://u:hunter2%@db/ecp", "that PostgreSQL's client can read"),
        ("vector_url", "postgresql://u:hunter2@db/ecp?sslmoed=require", "that PostgreSQL's client can read"),
        ("state_url", "postgresql://u:hunter2@[::1/ecp", "must be a URL of the form"),
        ("state_url", "postgresql://u:hunter2@db:port/ecp", "must be a URL of the form"),
        ("state_url", "postgresql://u:hun/ter2@db/ecp", "must be a URL of the form"),
        ("graph_url", "bolt://u:hunter2@db:76870", "must be a URL of the form"),
        ("policy_url", "http://opa:hunter2", "must be a URL of the form"),
        ("otlp_endpoint", "http://u:hunter2@[::1", "must be a URL"),
        ("reflection", "perhaps", "valid boolean"),
        ("resolution_ttl_hours", "0", "greater than 0"),
        ("resolution_ttl_hours", "nan", "finite number"),
        ("resolution_ttl_hours", "1e9", "less than or equal to 876000"),
        ("decision_cache_seconds", "-1", "greater than or equal to 0"),
        ("drain_grace_seconds", "soon", "valid number"),
        ("drain_grace_seconds", "1e300", "less than or equal to 86400"),
        ("drain_delay_seconds", "1e300", "less than or equal to 86400"),
        ("drain_delay_seconds", "inf", "finite number"),
        ("store_timeout_seconds", "1e7", "less than or equal to 86400"),
        ("semantic_timeout_seconds", "1e300", "less than or equal to 86400"),
        ("embeddings_timeout_seconds", "1e300", "less than or equal to 86400"),
        ("breaker_recovery_seconds", "1e300", "less than or equal to 86400"),
        ("decision_cache_seconds", "1e300", "less than or equal to 86400"),
        ("max_queue_seconds", "1e300", "less than or equal to 86400"),
        ("semantic_memory_mib", "9999999999999999999", "less than or equal to 1073741824"),
        ("max_message_bytes", "0", "greater than 0"),
        ("max_message_bytes", "2147483648", "less than or equal to 2147483647"),
        ("log_format", "xml", "'auto', 'json' or 'console'"),
        ("log_level", "LOUD", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("trace_sample_ratio", "1.1", "less than or equal to 1"),
    ],
)
def test_bad_value_is_refused_by_the_name_of_its_variable(name: str, value: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load({variable(name): value})
    (line,) = str(caught.value).splitlines()
    assert line.startswith(variable(name))
    assert message in line
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state_url", "postgresql://u@one:5432,two:5432/ecp"),
        ("state_url", "postgresql:///ecp?host=/run/postgresql"),
        ("state_url", "postgresql://u:a,b@[::1]:5432/ecp"),
        ("otlp_endpoint", "collector:4317"),
        ("otlp_endpoint", "https://collector:4317"),
    ],
)
def test_whatever_drivers_can_read_is_taken(name: str, value: str) -> None:
    taken = getattr(Settings.load({variable(name): value}), name)
    assert value == (taken.get_secret_value() if isinstance(taken, SecretStr) else taken)


def test_all_bad_values_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load({"ECP_LISTEN": "x", "ECP_LOG_LEVEL": "y"})
    assert ["ECP_LISTEN", "ECP_LOG_LEVEL"] == [
        line.partition(" ")[0].rstrip(":") for line in str(caught.value).splitlines()
    ]


@pytest.mark.parametrize("listen", ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "ecp.internal:1", "localhost.evil.example:1"])
def test_listening_off_loopback_needs_the_word_that_identity_is_believed(listen: str) -> None:
    with pytest.raises(SettingsError, match=r"ECP_LISTEN \(--listen\).*ECP_INSECURE_IDENTITY \(--insecure-identity\)"):
        Settings.load({"ECP_LISTEN": listen})
    assert Settings.load({"ECP_LISTEN": listen}, insecure_identity=True).insecure_identity


@pytest.mark.parametrize("listen", ["127.0.0.1:1", "127.1.2.3:1", "localhost:1", "[::1]:1"])
def test_listening_on_loopback_needs_nothing(listen: str) -> None:
    assert listen == str(Settings.load({"ECP_LISTEN": listen}).listen)


def test_words_are_taken_in_any_case() -> None:
    settings = Settings.load({"ECP_LOG_LEVEL": "debug", "ECP_LOG_FORMAT": "JSON"})
    assert ("DEBUG", "json") == (settings.log_level, settings.log_format)


def test_settings_are_frozen_and_keep_their_secrets() -> None:
    settings = Settings.load({"ECP_STATE_URL": "sqlite:///hunter2"})
    assert "hunter2" not in repr(settings) + str(settings) + settings.model_dump_json(
        exclude={"listen", "metrics_listen"}
    )
    frozen: Any = settings
    with pytest.raises(ValidationError):
        frozen.listen = Address("0.0.0.0", 1)  # noqa: S104 - it must not work


def test_variables_that_nothing_reads_are_known() -> None:
    environment = {"ECP_LISTN": "x", "ECP_LISTEN": "y", "OTHER": "z", "ECP_": "", "ecp_listen": "", "ECP_TARGET": "t"}
    assert ("ECP_", "ECP_LISTN") == unknown_variables(environment)


def test_documentation_is_current(project_root: Path) -> None:
    page = (project_root / "docs" / "settings.md").read_text()
    assert documentation() == page
    assert all(f"`{variable(name)}`" in page for name in Settings.model_fields)


def test_vectors_of_an_endpoint_fit_the_store_that_keeps_them() -> None:
    urls = {"ECP_VECTOR_URL": "postgresql://db.test/ecp", "ECP_EMBEDDINGS_URL": "https://models.test/v1"}
    with pytest.raises(SettingsError, match=r"ECP_EMBEDDINGS_DIMENSIONS.*256"):
        Settings.load(urls | {"ECP_EMBEDDINGS_DIMENSIONS": "1536"})
    assert Settings.load(urls | {"ECP_EMBEDDINGS_DIMENSIONS": "256"}).embeddings_dimensions == PGVECTOR_DIMENSIONS


def test_what_is_pushed_to_opa_has_no_age() -> None:
    url = {"ECP_POLICY_URL": "http://opa:8181", "ECP_POLICY_MAX_AGE_SECONDS": "3600"}
    assert 3600 == Settings.load(url).policy_max_age_seconds
    with pytest.raises(SettingsError, match=r"^ECP_POLICY_MAX_AGE_SECONDS: what ECP_POLICY_PUSH brings"):
        Settings.load(url | {"ECP_POLICY_PUSH": "true"})


@pytest.mark.parametrize(
    "url", ["postgresql://a:1,[::1]:2/ecp?target_session_attrs=read-write", "postgresql://u:p%25@%2Frun%2Fpg/ecp"]
)
def test_url_of_any_form_that_postgresql_knows_is_accepted(url: str) -> None:
    loaded = Settings.load({"ECP_STATE_URL": url}).state_url
    assert url == loaded.get_secret_value()
