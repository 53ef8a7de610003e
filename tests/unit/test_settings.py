"""Settings: what wins, what is understood, and that no secret gets out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifydb import errors
from notifydb.settings import Environment, Loaded, load_settings, normalise_url, redact
from notifydb.settings.load import setting_names, variable_name

SECRET = "s3cr3t/p@ss:word"


def load(folder: Path, environ: dict[str, str] | None = None, **options: object) -> Loaded:
    return load_settings(options, environ=environ or {}, directory=folder)


def url_of(loaded: Loaded) -> str | None:
    url = loaded.settings.database_url
    return url.get_secret_value() if url else None


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.notifydb.lint]\nrows = 5\n")
    return tmp_path


def test_sources_win_in_the_documented_order(project: Path) -> None:
    assert load(project).settings.lint.rows == 5
    assert load(project).origins["lint.rows"] == "pyproject.toml [tool.notifydb]"
    (project / "notifydb.toml").write_text("[lint]\nrows = 6\n")
    assert load(project).origins["lint.rows"] == "notifydb.toml"
    (project / ".env").write_text("NOTIFYDB_LINT_ROWS=7\n")
    assert load(project).settings.lint.rows == 7
    assert load(project).origins["lint.rows"] == "NOTIFYDB_LINT_ROWS in .env"
    environ = {"NOTIFYDB_LINT_ROWS": "8"}
    assert load(project, environ).settings.lint.rows == 8
    assert load(project, environ, **{"lint.rows": 9}).settings.lint.rows == 9
    assert load(project, environ, **{"lint.rows": None}).settings.lint.rows == 8


def test_the_project_is_found_from_a_folder_below(project: Path) -> None:
    below = project / "app" / "deep"
    below.mkdir(parents=True)
    assert load(below).root == project
    assert load(below).settings.lint.rows == 5


@pytest.mark.parametrize(
    ("environ", "origin"),
    [
        ({"DATABASE_URL": "postgres://u:p@h/d"}, "DATABASE_URL"),
        ({"SQLALCHEMY_DATABASE_URI": "postgresql+psycopg2://u:p@h/d"}, "SQLALCHEMY_DATABASE_URI"),
        (
            {"NOTIFYDB_DATABASE_URL": "postgresql://u:p@h/d", "DATABASE_URL": "postgres://x@y/z"},
            "NOTIFYDB_DATABASE_URL",
        ),
        (
            {
                "VCAP_SERVICES": json.dumps(
                    {"aws-rds": [{"name": "db", "credentials": {"uri": "postgres://u:p@h/d"}}]}
                )
            },
            "VCAP_SERVICES db",
        ),
    ],
)
def test_every_name_of_the_database_becomes_psycopg(
    environ: dict[str, str], origin: str, tmp_path: Path
) -> None:
    loaded = load(tmp_path, environ)
    assert url_of(loaded) == "postgresql+psycopg://u:p@h/d"
    assert loaded.origins["database_url"] == origin


def vcap(**services: object) -> dict[str, str]:
    return {"VCAP_SERVICES": json.dumps({name.replace("_", "-"): bound for name, bound in services.items()})}


def test_cloud_foundry_services(tmp_path: Path) -> None:
    parts = {"host": "h", "db_name": "d", "username": "u", "password": SECRET, "port": 5433}
    assert url_of(load(tmp_path, vcap(aws_rds=[{"name": "one", "credentials": parts}]))) == (
        "postgresql+psycopg://u:s3cr3t%2Fp%40ss%3Aword@h:5433/d"
    )
    redis = {"name": "cache", "credentials": {"uri": "redis://:x@h"}}
    provided = {"name": "db", "credentials": {"url": "postgres://u:p@h/d"}}
    assert url_of(load(tmp_path, vcap(aws_elasticache=[redis], user_provided=[redis, provided]))) == (
        "postgresql+psycopg://u:p@h/d"
    )
    assert url_of(load(tmp_path, vcap(user_provided=[redis]))) is None


def test_several_bound_databases_have_to_be_told_apart(tmp_path: Path) -> None:
    both = vcap(
        aws_rds=[{"name": name, "credentials": {"uri": f"postgres://u@h/{name}"}} for name in ("a", "b")]
    )
    with pytest.raises(errors.ConfigurationError, match="several databases: a, b"):
        load(tmp_path, both)
    assert url_of(load(tmp_path, {**both, "NOTIFYDB_SERVICE_NAME": "b"})) == "postgresql+psycopg://u@h/b"
    with pytest.raises(errors.ConfigurationError, match="no Postgres service named 'c'"):
        load(tmp_path, {**both, "NOTIFYDB_SERVICE_NAME": "c"})


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("production", Environment.PRODUCTION),
        (" Production ", Environment.PRODUCTION),
        ("DEVELOPMENT", Environment.DEVELOPMENT),
        ("", Environment.UNKNOWN),
        ("prod", Environment.UNKNOWN),
        ("d\u0435velopment", Environment.UNKNOWN),
    ],
)
def test_spellings_of_the_environment(said: str, expected: Environment, tmp_path: Path) -> None:
    assert load(tmp_path, {"NOTIFYDB_ENVIRONMENT": said}).settings.environment is expected


def test_every_voice_on_the_environment_is_heard(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("NOTIFY_ENVIRONMENT=production\n")
    loaded = load(tmp_path, {"NOTIFYDB_ENVIRONMENT": "development", "NOTIFY_ENVIRONMENT": "staging"})
    assert loaded.settings.environment is Environment.DEVELOPMENT
    assert [(voice.source, voice.environment) for voice in loaded.voices] == [
        ("NOTIFYDB_ENVIRONMENT", Environment.DEVELOPMENT),
        ("NOTIFY_ENVIRONMENT", Environment.STAGING),
        ("NOTIFY_ENVIRONMENT in .env", Environment.PRODUCTION),
    ]


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"NOTIFYDB_ENVIROMENT": "test"}, "NOTIFYDB_ENVIROMENT is not a setting"),
        ({"NOTIFYDB_LINT_ROWS": "many"}, "NOTIFYDB_LINT_ROWS: input should be a valid integer"),
        ({"DATABASE_URL": "mysql://u@h/d"}, "is for mysql"),
        ({"DATABASE_URL": "just text"}, "is not a URL"),
        ({"VCAP_SERVICES": "{"}, "VCAP_SERVICES is not JSON"),
        ({"VCAP_SERVICES": "[]"}, "not a JSON object"),
    ],
)
def test_what_does_not_fit_is_a_configuration_error(
    environ: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(errors.ConfigurationError, match=message) as caught:
        load(tmp_path, environ)
    assert caught.value.exit_code == 2


def test_a_typo_in_toml_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notifydb.toml").write_text("[lint]\nrow = 5\n")
    with pytest.raises(errors.ConfigurationError, match=r"notifydb.toml: lint.row: no such setting"):
        load(tmp_path)
    (tmp_path / "notifydb.toml").write_text("[lint\n")
    with pytest.raises(errors.ConfigurationError, match=r"notifydb.toml cannot be read"):
        load(tmp_path)


@given(
    st.text(
        st.characters(codec="ascii", exclude_categories=["C", "Z"], exclude_characters="'\"\\"), min_size=1
    )
)
def test_redaction_leaves_no_password(password: str) -> None:
    """`secret` marks the password, so that a password which also stands elsewhere does not count."""
    marked = f"secret{password}secret"
    for text in (
        f"postgresql://user:{marked}@host/db",
        f"could not connect to postgres://u:{marked}@h:1/d now",
    ):
        assert "secret" not in redact(text)
    simple = marked.translate({ord(character): "x" for character in "&,)}"})
    for text in (f"host=h password={simple} dbname=d", f"PGPASSWORD={simple}", f'{{"password": "{marked}"}}'):
        assert "secret" not in redact(text)


def test_redaction_keeps_the_rest() -> None:
    assert redact("at postgresql://user:pw@host:5432/db?sslmode=require, twice") == (
        "at postgresql://user:***@host:5432/db?sslmode=require, twice"
    )
    assert redact("no secret: a@b, x://y") == "no secret: a@b, x://y"


@pytest.mark.parametrize("url", [f"mysql://u:{SECRET}@h/d", SECRET, f"postgresql+{SECRET}://h"])
def test_a_rejected_url_is_not_repeated(url: str, tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigurationError) as caught:
        load(tmp_path, {"DATABASE_URL": url})
    assert "s3cr3t" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"


def test_settings_never_show_a_secret(tmp_path: Path) -> None:
    loaded = load(tmp_path, {"DATABASE_URL": f"postgres://u:{SECRET}@h/d"})
    assert "s3cr3t" not in f"{loaded} {loaded.settings!r} {loaded.settings.model_dump_json()}"


@given(
    st.sampled_from(["postgres", "postgresql", "postgresql+psycopg2", "POSTGRES"]),
    st.text("abc:@/?=&%", max_size=20),
)
def test_normalising_changes_the_scheme_only(scheme: str, rest: str) -> None:
    assert normalise_url(f"{scheme}://{rest}") == f"postgresql+psycopg://{rest}"


def test_every_setting_has_a_variable_of_its_own() -> None:
    names = [variable_name(name) for name in setting_names()]
    assert len(set(names)) == len(names) > 20
