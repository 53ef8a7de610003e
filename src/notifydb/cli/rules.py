"""`notifydb rules`: what lint knows, and what each rule is for."""

from __future__ import annotations

import itertools
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from notifydb import errors
from notifydb.cli.deps import Deps
from notifydb.cli.options import Format, OutputFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from notifydb.lint.example import Example
    from notifydb.lint.rule import Rule

_INDENT = "    "


def rules(
    name: Annotated[str | None, typer.Argument(help="One rule, whole.", metavar="NAME")] = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    """List the lint rules by family, or explain one with examples."""
    from notifydb.lint.registry import did_you_mean, load_rules

    deps = Deps()
    known = {rule.name: rule for rule in load_rules()}
    if name is not None and name not in known:
        raise errors.UsageError(f"there is no rule {name!r}", hint=did_you_mean([name], known))
    if name is None:
        _list(deps, list(known.values()), output)
    elif output is OutputFormat.JSON:
        rule = known[name]
        deps.console.json(
            {"rules": [{**_row(rule), "bad": _examples(rule, rule.bad), "good": _examples(rule, rule.good)}]}
        )
    else:
        for paragraph in _explained(known[name]):
            deps.console.data(f"{paragraph}\n")


def _list(deps: Deps, known: list[Rule], output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        deps.console.json({"rules": [_row(rule) for rule in known]})
        return
    width = max(len(rule.name) for rule in known)
    for family, members in itertools.groupby(known, key=lambda rule: rule.family):
        deps.console.data(family, "bold")
        for rule in members:
            choice = "(opt-in) " if rule.opt_in else ""
            levels = "+".join(rule.levels) or "ignores"
            sentence = rule.documentation.splitlines()[0]
            deps.console.data(f"  {rule.name:{width}}  {rule.severity:7}  {levels:15}  {choice}{sentence}")


def _explained(rule: Rule) -> Iterator[str]:
    """The paragraphs about one rule."""
    yield "\n".join([rule.name, *(f"  {fact}" for fact in rule.about)])
    yield rule.documentation
    yield f"What to do instead:\n\n{textwrap.indent(rule.safe_form, _INDENT)}"
    for title, examples in (("Found", rule.bad), ("Not found", rule.good)):
        for example in _examples(rule, examples):
            by = " (by the trace only)" if example["trace_only"] and title == "Found" else ""
            yield f"{title}{by}:\n\n{textwrap.indent(str(example['code']), _INDENT)}"
            if example["output"]:
                yield f"lint says:\n\n{textwrap.indent(str(example['output']), _INDENT)}"


def _examples(rule: Rule, examples: tuple[Example, ...]) -> list[dict[str, object]]:
    """What they do, and what lint says about it without a database."""
    from notifydb.lint.demonstration import output

    return [
        {"code": each.code, "output": output(rule, each) or None, "trace_only": each.trace_only}
        for each in examples
        if each.code
    ]


def _row(rule: Rule) -> dict[str, object]:
    return {
        "name": rule.name, "family": rule.family, "severity": rule.severity, "opt_in": rule.opt_in,
        "levels": list(rule.levels), "lock": rule.lock and rule.lock.catalog_name,
        "waits": rule.lock and rule.lock.waits, "fix": rule.fix and rule.fix.description,
        "description": rule.documentation, "help": rule.safe_form,
    }  # fmt: skip
