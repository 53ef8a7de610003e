"""`notifydb rules`: what lint knows, and what each rule is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from notifydb import errors
from notifydb.cli.deps import Deps
from notifydb.cli.options import Format, OutputFormat

if TYPE_CHECKING:
    from notifydb.lint.rule import Rule


def rules(
    name: Annotated[str | None, typer.Argument(help="One rule, whole.", metavar="NAME")] = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    """List the lint rules, or explain one."""
    from notifydb.lint.registry import did_you_mean, load_rules

    deps = Deps()
    known = {rule.name: rule for rule in load_rules()}
    if name is not None and name not in known:
        raise errors.UsageError(f"there is no rule {name!r}", hint=did_you_mean([name], known))
    shown = [known[name]] if name else list(known.values())
    if output is OutputFormat.JSON:
        deps.console.json({"rules": [_row(rule) for rule in shown]})
    elif name:
        _explain(deps, known[name])
    else:
        width = max(len(rule.name) for rule in shown)
        for rule in shown:
            deps.console.data(f"{rule.name:{width}}  {rule.severity:7}  {rule.documentation.splitlines()[0]}")


def _explain(deps: Deps, rule: Rule) -> None:
    deps.console.data(
        f"{rule.name} ({rule.family}, {rule.severity})\n\n{rule.documentation}\n\n{rule.safe_form}"
    )


def _row(rule: Rule) -> dict[str, object]:
    return {
        "name": rule.name, "family": rule.family, "severity": rule.severity,
        "description": rule.documentation, "help": rule.safe_form,
    }  # fmt: skip
