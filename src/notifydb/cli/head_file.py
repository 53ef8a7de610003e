"""`notifydb migrate head-file`: makes the file that names the head, or mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from notifydb import errors
from notifydb.cli.deps import Deps
from notifydb.cli.options import DryRun, Format, OutputFormat

if TYPE_CHECKING:
    from pathlib import Path

    from notifydb.revisions.changes import FileChanges
    from notifydb.revisions.headfile import HeadFile


def head_file(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 if the file does not name the head.")
    ] = False,
    dry_run: DryRun = False,
    output: Format = OutputFormat.TEXT,
) -> None:
    """Make the file that names the head, or mend it: two branches that add a migration conflict in it."""
    from notifydb.revisions import changes

    deps = Deps()
    found = _read(deps)
    plan = None if check or found.problem is None else _plan(deps, found)
    if plan is not None and not dry_run:
        changes.apply(plan)
    if output is OutputFormat.JSON:
        _report_json(deps, found, written=plan is not None and not dry_run)
    else:
        _report(deps, found, plan, dry_run=dry_run)
    if check and found.problem is not None:
        raise typer.Exit(1)


def configured(deps: Deps) -> Path:
    """The head file's path; ConfigurationError where the settings say that there is none."""
    from notifydb.revisions.headfile import HEAD_FILE

    if deps.head_file is None:
        raise errors.ConfigurationError(
            "the settings say that there is no head file",
            hint=f'write head_file = "{HEAD_FILE}", or leave it out of the settings',
        )
    return deps.head_file


def _read(deps: Deps) -> HeadFile:
    """What the file says; of a history without migrations it need not say anything."""
    from notifydb.revisions import headfile
    from notifydb.revisions.headfile import HeadProblem

    found = headfile.read(configured(deps), deps.history)
    nothing_to_name = not deps.history.revisions and found.problem in (HeadProblem.MISSING, HeadProblem.EMPTY)
    return headfile.HeadFile(found.path) if nothing_to_name else found


def _plan(deps: Deps, found: HeadFile) -> FileChanges:
    from notifydb.revisions import headfile
    from notifydb.revisions.changes import FileChanges
    from notifydb.revisions.headfile import HeadProblem

    heads = deps.history.heads
    if len(heads) > 1:
        raise errors.HistoryError(
            f"the history has {len(heads)} heads, and the file names one: {', '.join(heads)}",
            hint="notifydb migrate rebase, which writes the file, too",
        )
    if not heads:
        raise errors.HistoryError(
            f"{found.message}: there are no migrations",
            hint=f"bring them back, or rm {deps.relative(found.path)}",
        )
    if found.problem is HeadProblem.UNREADABLE:
        raise errors.ConfigurationError(found.message, hint=f"ls -ld {deps.relative(found.path)}")
    return FileChanges(deps.project.versions, (headfile.change(found.path, heads[0]),))


def _report(deps: Deps, found: HeadFile, plan: FileChanges | None, *, dry_run: bool) -> None:
    if found.problem is None:
        named = f"names the head, {found.names[0]}" if found.names else "has nothing to name yet"
        deps.console.say(f"{deps.relative(found.path)} {named}", style="green")
    elif plan is None:
        deps.console.error(str(found.message), hint=_mends(deps))
    elif dry_run:
        deps.console.data(plan.diff(deps.loaded.root).rstrip("\n"))
    else:
        deps.console.data(deps.relative(found.path))
        deps.console.say(f"{found.message}; mended: it names {deps.history.head}", style="green")


def _report_json(deps: Deps, found: HeadFile, *, written: bool) -> None:
    deps.console.json(
        {
            "path": deps.relative(found.path),
            "heads": list(deps.history.heads),
            "names": list(found.names),
            "problem": found.problem,
            "message": found.message,
            "written": written,
        }
    )


def _mends(deps: Deps) -> str:
    return "notifydb migrate rebase" if len(deps.history.heads) > 1 else "notifydb migrate head-file"
