"""Settings: what wins, what is understood, and that no secret gets out."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from notifydb import errors
from notifydb.migrator.config import find_project
from notifydb.settings import Environment, Loaded, load_settings
from notifydb.settings.load import setting_names, variable_name

SECRET = "s3cr3t/p@ss:word"
ENCODED = quote(SECRET, safe="")


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


def problem_of(loaded: Loaded) -> str:
    assert loaded.database_problem is not None
    return loaded.database_problem.message


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
    assert "several databases: a, b" in problem_of(load(tmp_path, both))
    assert url_of(load(tmp_path, {**both, "NOTIFYDB_SERVICE_NAME": "b"})) == "postgresql+psycopg://u@h/b"
    assert "named 'c'" in problem_of(load(tmp_path, {**both, "NOTIFYDB_SERVICE_NAME": "c"}))
    (tmp_path / "notifydb.toml").write_text('service_name = "a"\n')
    assert url_of(load(tmp_path, both)) == "postgresql+psycopg://u@h/a"
    (tmp_path / ".env").write_text("NOTIFYDB_SERVICE_NAME=b\n")
    assert url_of(load(tmp_path, both)) == "postgresql+psycopg://u@h/b"


def test_unnamed_services_do_not_collapse(tmp_path: Path) -> None:
    both = vcap(aws_rds=[{"credentials": {"uri": f"postgres://u@h/{name}"}} for name in ("a", "b")])
    assert "several databases: aws-rds[0], aws-rds[1]" in problem_of(load(tmp_path, both))
    named = load(tmp_path, {**both, "NOTIFYDB_SERVICE_NAME": "aws-rds[1]"})
    assert url_of(named) == "postgresql+psycopg://u@h/b"
    assert named.origins["database_url"] == "VCAP_SERVICES aws-rds[1]"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "VCAP_SERVICES is not JSON"),
        ("[" * 100_000, "VCAP_SERVICES is not JSON"),
        ("[]", "not a JSON object"),
        ('{"aws-rds": [{"credentials": {"uri": "postgres://u@h:x/d"}}]}', "no valid host and port"),
    ],
)
def test_unreadable_services_are_a_problem_only_when_the_database_is_theirs(
    text: str, problem: str, tmp_path: Path
) -> None:
    environ = {"VCAP_SERVICES": text}
    (tmp_path / ".env").write_text("DATABASE_URL=postgres://u@h/weaker\n")
    loaded = load(tmp_path, environ)
    assert problem in problem_of(loaded)
    assert url_of(loaded) is None
    assert loaded.origins["database_url"] == problem_of(loaded)
    for variable in ("DATABASE_URL", "NOTIFYDB_DATABASE_URL"):
        loaded = load(tmp_path, {**environ, variable: "postgres://u@h/d"})
        assert (url_of(loaded), loaded.database_problem) == ("postgresql+psycopg://u@h/d", None)


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
        ({"NOTIFYDB_NUMBER_WIDTH": "7"}, "NOTIFYDB_NUMBER_WIDTH: input should be less than or equal to 6"),
        ({"DATABASE_URL": "mysql://u@h/d"}, "is for mysql"),
        ({"DATABASE_URL": "just text"}, "is not a URL"),
        ({"NOTIFYDB_SHADOW_URL": "postgres://u@h:x/d"}, "no valid host and port"),
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
    with pytest.raises(
        errors.ConfigurationError, match=r"notifydb.toml: lint.row: no such setting"
    ) as caught:
        load(tmp_path)
    assert caught.value.hint == "did you mean lint.rows?"
    (tmp_path / "notifydb.toml").write_text("[lint\n")
    with pytest.raises(errors.ConfigurationError, match=r"notifydb.toml cannot be read"):
        load(tmp_path)


def test_a_table_comes_from_a_file_or_a_variable(tmp_path: Path) -> None:
    (tmp_path / "notifydb.toml").write_text(
        '[lint.per_file]\n"0001-0300" = ["locking", "data"]\n[lint.severity]\ndata = "info"\n'
    )
    lint = load(tmp_path, {"NOTIFYDB_LINT_SEVERITY": "drop-table=info, data = warning"}).settings.lint
    assert lint.severity == (("drop-table", ("info",)), ("data", ("warning",)))
    assert lint.per_file == (("0001-0300", ("locking", "data")),)
    again = load(tmp_path, {"NOTIFYDB_LINT_PER_FILE": "0001-0300=locking,0001-0300=data"}).settings.lint
    assert again.per_file == lint.per_file


def test_settings_never_show_a_secret(tmp_path: Path) -> None:
    loaded = load(tmp_path, {"DATABASE_URL": f"postgres://u:{ENCODED}@h/d"})
    assert "s3cr3t" not in f"{loaded} {loaded.settings!r} {dataclasses.asdict(loaded.settings)}"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("pyproject.toml", b"[tool]\nnotifydb = 3\n", "pyproject.toml: notifydb is not a table"),
        ("pyproject.toml", b"tool = 5\n", "pyproject.toml: tool is not a table"),
        ("pyproject.toml", b"tool = '\xff'\n", "pyproject.toml cannot be read"),
        (".env", b"A=\xff\n", r"\.env cannot be read"),
        ("notifydb.toml", b"[lint]\nrows = 'x'\n", "notifydb.toml: lint.rows: input should be a valid integer"),
        ("notifydb.toml", b"[lint]\nselect = [1]\n", "notifydb.toml: lint.select: input should be a valid str"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_is_named(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(errors.ConfigurationError, match=f"^{message}"):
        load(tmp_path)


def test_an_option_that_does_not_fit_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigurationError, match=r"^--rows: lint.rows: input should be a valid int"):
        load_settings({"lint.rows": "x"}, environ={}, directory=tmp_path)


def test_an_empty_variable_is_unset(project: Path) -> None:
    names = ["script_location", "postgres_bin", "data_dir", "lock_wait", "allow_destructive", "service_name"]
    empty = {variable_name(name): "" for name in [*names, "database_url", "lint.rows"]}
    (project / ".env").write_text("NOTIFYDB_LOCK_WAIT=\n")
    loaded = load(project, {**empty, "DATABASE_URL": "postgres://u@h/d"})
    assert loaded.settings == load(project, {"DATABASE_URL": "postgres://u@h/d"}).settings
    assert loaded.origins == {"database_url": "DATABASE_URL", "lint.rows": "pyproject.toml [tool.notifydb]"}


def test_an_empty_environment_is_a_voice_that_says_unknown(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("NOTIFYDB_ENVIRONMENT=development\n")
    loaded = load(tmp_path, {"NOTIFYDB_ENVIRONMENT": ""})
    assert loaded.settings.environment is Environment.UNKNOWN
    assert [voice.environment for voice in loaded.voices] == [Environment.UNKNOWN, Environment.DEVELOPMENT]


@pytest.fixture
def flask_project(tmp_path: Path) -> Path:
    (tmp_path / "app" / "migrations" / "versions").mkdir(parents=True)
    for name in ("alembic.ini", "env.py"):
        (tmp_path / "app" / "migrations" / name).write_text("[alembic]\n# script_location = x\n")
    return tmp_path / "app"


def test_flask_migrates_own_ini_is_not_the_root(flask_project: Path) -> None:
    for folder in ("", "migrations", "migrations/versions"):
        assert load(flask_project / folder).root == flask_project
    (flask_project.parent / "pyproject.toml").touch()
    for folder in ("", "migrations", "migrations/versions"):
        assert load(flask_project / folder).root == flask_project.parent


def test_an_ini_that_names_its_folder_is_the_root(flask_project: Path) -> None:
    folder = flask_project / "migrations"
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s\n")
    assert load(folder / "versions").root == folder
    assert find_project(folder).script_location == folder


@pytest.mark.parametrize(
    ("ini", "message"),
    [
        (b"[alembic]\nscript_location = gone\n", "alembic.ini: .*looked for gone/versions"),
        (b"[alembic]\nscript_location = app:db\n", "alembic.ini: script_location = app:db is"),
        (b"sqlalchemy.url = postgres://u:Sekret@h/d", "alembic.ini cannot be read: MissingSection"),
        (b"[alembic]\nSekret\n", "alembic.ini cannot be read: ParsingError"),
        (b"\xff\xfe", "alembic.ini cannot be read: UnicodeDecodeError"),
    ],
)
def test_an_ini_that_cannot_be_followed_is_no_reason_to_guess(
    ini: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / "migrations" / "versions").mkdir(parents=True)
    (tmp_path / "alembic.ini").write_bytes(ini)
    with pytest.raises(errors.ConfigurationError, match=message) as caught:
        find_project(tmp_path)
    assert "Sekret" not in f"{caught.value} {caught.value.__cause__}"
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/migrations\n")
    assert find_project(tmp_path).script_location == tmp_path / "migrations"


def test_every_setting_has_a_variable_of_its_own() -> None:
    names = [variable_name(name) for name in setting_names()]
    assert len(set(names)) == len(names) > 20


def test_a_working_directory_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (gone := tmp_path / "gone").mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(errors.ConfigurationError, match="the working directory is not there any more"):
        load_settings()
