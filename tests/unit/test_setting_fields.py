"""How what somebody wrote becomes a setting's value, and what is refused."""

from __future__ import annotations

import copy
import math
import pickle
from pathlib import Path

import pytest

from notifydb.settings.environment import Environment
from notifydb.settings.fields import Misfit, declared
from notifydb.settings.model import LintSettings, PurgeSettings, Settings
from notifydb.settings.url import SecretUrl


def value(name: str, raw: object) -> object:
    found: object = Settings.of({name: raw})
    for part in name.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("lint.rows", "5", 5),
        ("lint.rows", " 1_000 ", 1000),
        ("lint.rows", 0, 0),
        ("lint.rows", 5.0, 5),
        ("lock_wait", "0.5", 0.5),
        ("lock_wait", 3, 3.0),
        ("purge.max_fraction", 1, 1.0),
        ("allow_destructive", "YES", True),
        ("allow_destructive", "off", False),
        ("allow_destructive", 1, True),
        ("allow_destructive", True, True),
        ("metadata", "app:db.metadata", "app:db.metadata"),
        ("metadata", None, None),
        ("script_location", "migrations", Path("migrations")),
        ("data_dir", Path("x"), Path("x")),
        ("log_level", "debug", "debug"),
        ("lint.select", ["a", "b"], ("a", "b")),
        ("lint.severity", {"data": "warning"}, (("data", ("warning",)),)),
        ("lint.per_file", {"0001-0300": ["a", "b"], "x*": "a"}, (("0001-0300", ("a", "b")), ("x*", ("a",)))),
        ("environment", "Staging", Environment.STAGING),
        ("environment", 7, Environment.UNKNOWN),
        ("database_url", "postgres://u@h/d", SecretUrl("postgresql+psycopg://u@h/d")),
        ("database_url", SecretUrl("postgres://u@h/d"), SecretUrl("postgresql+psycopg://u@h/d")),
        ("database_url", "", None),
    ],
)
def test_what_fits_becomes_the_value(name: str, raw: object, expected: object) -> None:
    found = value(name, raw)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("name", "raw", "problem"),
    [
        ("lint.rows", "many", "input should be a valid integer"),
        ("lint.rows", 5.5, "input should be a valid integer"),
        ("lint.rows", True, "input should be a valid integer"),
        ("lint.rows", math.inf, "input should be a valid integer"),
        ("lint.rows", [5], "input should be a valid integer"),
        ("lint.rows", None, "input should be a valid integer"),
        ("lint.rows", 10**400, "input should be a valid integer"),
        ("lint.rows", -1, "input should be greater than or equal to 0"),
        ("lock_wait", "soon", "input should be a valid number"),
        ("lock_wait", "nan", "input should be greater than or equal to 0"),
        ("lock_wait", "inf", "input should be less than or equal to 2147483"),
        ("upgrade.lock_timeout", 1e9, "input should be less than or equal to 2147483"),
        ("purge.max_fraction", 0, "input should be greater than 0"),
        ("purge.max_fraction", 1.1, "input should be less than or equal to 1"),
        ("autogen.target_version", 12, "input should be greater than or equal to 13"),
        ("allow_destructive", " true", "input should be a valid boolean: true or false"),
        ("allow_destructive", "", "input should be a valid boolean: true or false"),
        ("allow_destructive", 2, "input should be a valid boolean: true or false"),
        ("allow_destructive", 1.0, "input should be a valid boolean: true or false"),
        ("metadata", 5, "input should be a valid string"),
        ("head_file", None, "input should be a valid string"),
        ("data_dir", 5, "input is not a valid path"),
        ("log_level", "loud", "input should be one of debug, info, warning, error"),
        ("log_level", ["debug"], "input should be one of debug, info, warning, error"),
        ("lint.select", "locking", "input should be a list of strings"),
        ("lint.select", ["a", 1], "input should be a valid string"),
        ("lint.severity", "error", "input should be a table"),
        ("lint.severity", ["error"], "input should be a table"),
        ("lint.per_file", {"x": 1}, "input should be a list of strings"),
        ("lint.per_file", {"x": {"y": "z"}}, "input should be a list of strings"),
    ],
)
def test_what_does_not_fit_is_refused_without_being_shown(name: str, raw: object, problem: str) -> None:
    with pytest.raises(Misfit) as caught:
        value(name, raw)
    assert caught.value.problems == {name: problem}
    assert caught.value.__cause__ is None


def test_every_misfit_is_told_at_once() -> None:
    with pytest.raises(Misfit, match=r"^lint.rows: .*; lock_wait: "):
        Settings.of({"lint.rows": "x", "metadata": "m", "lock_wait": "y"})


def test_a_default_fits_its_own_setting() -> None:
    for name, setting in declared(Settings).items():
        assert value(name, setting.default) == setting.default, name


def test_what_is_given_is_told_from_a_default_that_reads_the_same() -> None:
    default = PurgeSettings()
    given = PurgeSettings.of({"protected_when": default.protected_when})
    assert given == default
    assert sorted(given.given) == ["protected_when"]
    assert not default.given
    below = Settings.of({"lint.rows": 5})
    assert (sorted(below.given), sorted(below.lint.given)) == (["lint"], ["rows"])
    assert below.lint == LintSettings(rows=5)


def test_a_secret_url_shows_nothing() -> None:
    secret = SecretUrl("postgresql://u:s3cr3t@h/d")
    assert "s3cr3t" not in f"{secret} {secret!r} {vars(Settings.of({'database_url': secret}))}"
    assert copy.copy(secret) == secret == pickle.loads(pickle.dumps(secret))
    assert secret != SecretUrl("postgresql://u:other@h/d")
    assert len({secret, copy.copy(secret)}) == 1
