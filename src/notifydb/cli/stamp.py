"""`notifydb stamp`: writes a revision into the database without running anything."""

from __future__ import annotations

from typing import Annotated

import typer

from notifydb.cli.deps import Deps
from notifydb.cli.options import Confirm, DatabaseUrl, Format, LockWait, OutputFormat


def stamp(
    target: Annotated[str, typer.Argument(help="An id, its beginning, heads, or base.", metavar="REVISION")],
    confirm: Confirm = None,
    lock_wait: LockWait = None,
    database_url: DatabaseUrl = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    """Say that the database is at a revision, without running its migration."""
    from notifydb.guard import Operation
    from notifydb.runner.plan import is_backwards

    deps = Deps(database_url=database_url, lock_wait=lock_wait)
    runner = deps.runner(lambda _: None)
    backwards = is_backwards(deps.history, runner.current(), target)
    permit = deps.permit(Operation.STAMP_BACK, confirm) if backwards else None
    revision = runner.stamp(target, permit)
    if output is OutputFormat.JSON:
        deps.console.json({"stamped": revision})
    else:
        deps.console.say(f"stamped: the database says that it is at {revision}", style="green")
