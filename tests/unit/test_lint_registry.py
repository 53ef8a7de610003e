"""A rule that cannot be loaded is a bug, never a rule less."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from notifydb import errors
from notifydb.lint.options import Options
from notifydb.lint.registry import choose, load_rules
from notifydb.lint.rule import Rule

GOOD = '''
    """Module."""
    from notifydb.lint.example import Example
    from notifydb.lint.rule import Rule

    class SomeRule(Rule):
        """Says what it does."""
        name = "some-rule"
        family = "family"
        help = "Do it."
        bad = (Example("pass"),)
        good = (Example("pass"),)

        def check_source(self, revision, tree, ctx):
            yield from ()
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes a package with one rule module and returns its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(source: str, module: str = "some_rule") -> str:
        name = f"rules_{tmp_path.name}"
        folder = tmp_path / name / "family"
        folder.mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text("")
        (folder / "__init__.py").write_text("")
        (folder / f"{module}.py").write_text(textwrap.dedent(source))
        monkeypatch.setattr(sys, "modules", dict(sys.modules))
        return name

    return write


def test_a_good_rule_is_found(package: Callable[..., str]) -> None:
    (rule,) = load_rules(package(GOOD))
    assert (rule.name, rule.levels, rule.documentation) == ("some-rule", ("source",), "Says what it does.")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"""Module."""', "import does_not_exist", "does_not_exist"),
        ('"""Module."""', "def", "invalid syntax"),
        ("class SomeRule(Rule):", "class SomeRule:", "0 lint rules"),
        ('name = "some-rule"', 'name = "another-rule"', "has to hold the rule some-rule"),
        ('family = "family"', 'family = "other"', "of the family family"),
        ('help = "Do it."', "", "no help"),
        ('bad = (Example("pass"),)', "bad = ()", "no bad"),
        ('"""Says what it does."""', "", "checks nothing, or does not say what"),
        ("def check_source", "def check_sauce", "checks nothing"),
    ],
)
def test_a_broken_rule_is_an_internal_error(
    package: Callable[..., str], old: str, new: str, said: str
) -> None:
    assert old in GOOD
    with pytest.raises(errors.InternalError, match=said):
        load_rules(package(GOOD.replace(old, new)))


def test_an_empty_package_is_an_internal_error(package: Callable[..., str]) -> None:
    with pytest.raises(errors.InternalError):
        load_rules(package("", module="__init__"))


def test_shipped_rules_have_names_of_their_own() -> None:
    names = [rule.name for rule in load_rules()]
    assert len(names) == len(set(names)) >= 40


def test_shipped_rules_help_is_complete() -> None:
    for rule in load_rules():
        assert rule.documentation.count("\n") >= 2, rule.name
        assert "..." in rule._help({}) or "{" not in rule.help, rule.name


def test_rules_are_chosen_by_name_or_family() -> None:
    rules = load_rules()
    assert _chosen(select={"drop-table", "drop-column"}) == {"drop-column", "drop-table"}
    assert len(_chosen(ignore={"drop-table"})) == len(_chosen()) - 1
    assert _chosen(select={"data"}) == {
        rule.name for rule in rules if rule.family == "data" and not rule.opt_in
    }
    assert _chosen(select={"data"}, ignore={"truncate-table"}) == _chosen(select={"data"}) - {
        "truncate-table"
    }
    assert _chosen(select={"truncate-table"}, ignore={"data"}) == {"truncate-table"}
    with pytest.raises(errors.ConfigurationError, match="no-such-rule"):
        _chosen(ignore={"no-such-rule"})


def test_an_opt_in_rule_runs_only_where_its_name_is_selected() -> None:
    class Policy(Rule):
        """A policy."""

        name, family, opt_in = "policy", "house", True

    rules = (*load_rules(), Policy())
    assert "policy" not in _chosen(rules)
    assert "policy" in _chosen(rules, extend_select={"policy"})
    assert _chosen(rules, select={"house"}) == set()
    assert _chosen(rules, select={"policy"}) == {"policy"}


def _chosen(rules: Iterable[Rule] | None = None, **options: set[str]) -> set[str]:
    told = Options(**{name: frozenset(value) for name, value in options.items()})  # type: ignore[arg-type]
    return {rule.name for rule in choose(rules or load_rules(), told)}
