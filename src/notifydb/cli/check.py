"""`notifydb check`: the folder is one line, and it makes what the models say."""

from __future__ import annotations

import typer

from notifydb.cli.deps import Deps
from notifydb.cli.new import compared
from notifydb.cli.options import Format, OutputFormat


def check(output: Format = OutputFormat.TEXT) -> None:
    """Check that a replay of the history makes just what the models say (exit 1 if not)."""
    deps = Deps()
    differences = compared(deps).differences
    if output is OutputFormat.JSON:
        rows = [
            {"kind": each.kind, "table": each.table, "description": each.description} for each in differences
        ]
        deps.console.json({"head": deps.history.head, "differences": rows})
    else:
        for each in differences:
            deps.console.data(each.description)
    if differences:
        deps.console.error(
            f"the models and the history differ in {len(differences)} places",
            hint='notifydb migrate new -m "..." writes the migration that is missing',
        )
        raise typer.Exit(1)
    if output is OutputFormat.TEXT:
        deps.console.say("the history makes just what the models say", style="green")
