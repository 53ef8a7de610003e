"""Finds the rules by walking their package; there is no list to keep."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Collection, Iterable
from types import ModuleType

from notifydb import errors
from notifydb.lint.options import Options
from notifydb.lint.rule import Rule

PACKAGE = "notifydb.lint.rules"


def load_rules(package: str = PACKAGE) -> tuple[Rule, ...]:
    """All rules, ordered by family and name.

    Raises InternalError for a module that cannot be imported, holds no rule or several, or whose rule is not
    named after it: a rule that is silently missing would be a check that silently passes.
    """
    found = [_rule_of(module) for module in _modules(package)]
    if not found:
        raise errors.InternalError(f"there are no rules in {package}")
    return tuple(sorted(found, key=lambda rule: (rule.family, rule.name)))


def choose(rules: Iterable[Rule], options: Options) -> tuple[Rule, ...]:
    """The rules that the options select, by name or family.

    A rule's own name outweighs its family: `select` of a family and `ignore` of one of its rules go together.
    Raises ConfigurationError for a name that neither a rule nor a family has.
    """
    known = tuple(rules)
    names = {rule.name for rule in known} | {rule.family for rule in known}
    unknown = sorted(_named(options) - names)
    if unknown:
        raise errors.ConfigurationError(
            f"there is no lint rule or family {', '.join(unknown)}", hint=did_you_mean(unknown, names)
        )
    return tuple(rule for rule in known if _is_on(rule, options))


def did_you_mean(unknown: Iterable[str], known: Collection[str]) -> str:
    """A hint: what each name is closest to, or where they all stand."""
    close = [match for name in unknown for match in difflib.get_close_matches(name, sorted(known), n=1)]
    return f"did you mean {', '.join(close)}?" if close else "notifydb rules lists them all"


def _named(options: Options) -> frozenset[str]:
    named = [options.select or (), options.extend_select, options.ignore, options.severities]
    return frozenset().union(*named, *options.per_file.values())


def _is_on(rule: Rule, options: Options) -> bool:
    wanted = (options.select or frozenset()) | options.extend_select
    if rule.name in wanted or rule.name in options.ignore:
        return rule.name not in options.ignore
    if rule.opt_in or rule.family in options.ignore:
        return False
    return options.select is None or rule.family in wanted


def _modules(package: str) -> list[ModuleType]:
    try:
        root = importlib.import_module(package)
        names = [
            found.name
            for found in pkgutil.walk_packages(root.__path__, f"{package}.", onerror=_raise)
            if not found.ispkg
        ]
        return [importlib.import_module(name) for name in names]
    except Exception as error:
        raise errors.InternalError(f"a lint rule of {package} cannot be loaded: {error}") from error


def _raise(name: str) -> None:
    raise ImportError(name)


def _rule_of(module: ModuleType) -> Rule:
    _, family, stem = module.__name__.rsplit(".", 2)
    kinds = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Rule) and value.__module__ == module.__name__
    ]
    if len(kinds) != 1:
        raise errors.InternalError(f"{module.__name__} holds {len(kinds)} lint rules instead of one")
    rule = kinds[0]()
    expected = (family, stem.replace("_", "-"))
    missing = [name for name in ("help", "bad", "good") if not getattr(rule, name, None)]
    if (getattr(rule, "family", None), getattr(rule, "name", None)) != expected or missing:
        raise errors.InternalError(
            f"{module.__name__} has to hold the rule {expected[1]} of the family {expected[0]},"
            f" with help and examples{': no ' + ', '.join(missing) if missing else ''}"
        )
    if not rule.documentation or not (rule.levels or "check_ignores" in vars(type(rule))):
        raise errors.InternalError(f"{module.__name__} checks nothing, or does not say what")
    return rule
