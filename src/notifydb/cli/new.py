"""`notifydb migrate new`: the next migration, numbered, from the models' difference to the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from notifydb.cli.deps import Deps
from notifydb.cli.options import DryRun, Format, OutputFormat

if TYPE_CHECKING:
    from notifydb.autogen.compare import Comparison
    from notifydb.autogen.write import NewMigration


def new(
    message: Annotated[str, typer.Option("--message", "-m", help="What it does, in a few words.")],
    empty: Annotated[bool, typer.Option("--empty", help="Compare nothing; write empty bodies.")] = False,
    dry_run: DryRun = False,
    output: Format = OutputFormat.TEXT,
) -> None:
    """Write the next migration: what the models have and the history does not make yet."""
    from notifydb.autogen.write import plan_new
    from notifydb.revisions import changes

    deps = Deps()
    comparison = None if empty else compared(deps)
    if comparison is not None and not comparison.differences:
        _report(deps, None, output, written=False)
        return
    settings = deps.settings
    planned = plan_new(
        deps.project, deps.history, message, comparison,
        width=settings.number_width, head_file=settings.head_file,
    )  # fmt: skip
    if dry_run:
        if output is OutputFormat.TEXT:
            deps.console.data(str(planned.changes).rstrip("\n"))
    else:
        changes.apply(planned.changes)
    _report(deps, planned, output, written=not dry_run, comparison=comparison)


def compared(deps: Deps) -> Comparison:
    """The models against a shadow replay of the whole history."""
    from notifydb.autogen.compare import compare

    shadows = deps.shadows()
    with deps.console.working("replaying the history on a shadow database"):
        return compare(deps.project, shadows, deps.history.head)


def _report(
    deps: Deps,
    planned: NewMigration | None,
    output: OutputFormat,
    *,
    written: bool,
    comparison: Comparison | None = None,
) -> None:
    path = str(planned.path.relative_to(deps.loaded.root)) if planned else None
    differences = [each.description for each in comparison.differences] if comparison else []
    if output is OutputFormat.JSON:
        revision = planned.revision if planned else None
        deps.console.json(
            {"revision": revision, "path": path, "written": written, "differences": differences}
        )
        return
    if planned is None:
        deps.console.say("nothing to write: the history makes just what the models say", style="green")
        return
    for difference in differences:
        deps.console.say(f"  {difference}")
    if planned.shortened:
        deps.console.say("the name was shortened by whole words: a revision id has at most 32 characters")
    if written:
        deps.console.data(path or "")
        deps.console.say("next: read it, then notifydb lint and notifydb upgrade", style="cyan")
