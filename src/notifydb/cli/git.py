"""`notifydb git ...`: a merge driver for the head file, and what tells git to use it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notifydb.cli.console import Console
from notifydb.cli.deps import Deps
from notifydb.cli.options import DryRun

if TYPE_CHECKING:
    from notifydb.numbering.mergedriver import DriverPlan


Side = Annotated[Path, typer.Argument(exists=True, dir_okay=False)]


def install(
    uninstall: Annotated[
        bool, typer.Option("--uninstall", help="Take the line and the settings back.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Let git merge the head file by itself where one branch's migration stands on the other's."""
    from notifydb.cli.head_file import configured
    from notifydb.numbering import mergedriver

    deps = Deps()
    path = configured(deps)
    plan = mergedriver.plan_uninstall(path) if uninstall else mergedriver.plan_install(path)
    if not plan:
        installed = "not installed" if uninstall else "installed already"
        deps.console.say(f"nothing to do: the merge driver is {installed}", style="green")
    elif dry_run:
        deps.console.data(str(plan).rstrip("\n"))
    else:
        mergedriver.carry_out(plan)
        _report(deps, plan, uninstall=uninstall)


def _report(deps: Deps, plan: DriverPlan, *, uninstall: bool) -> None:
    from notifydb.reporters.words import relative

    for command in plan.commands():
        deps.console.data(command)
    if plan.before != plan.after:
        verb = "removed" if plan.after is None else "wrote"
        deps.console.data(f"{verb} {relative(plan.attributes, deps.loaded.root)}")
        clones = "" if uninstall else "; in every other clone: notifydb git install"
        deps.console.say(f"next: commit .gitattributes{clones}", style="cyan")


def merge_head_file(
    base: Side,
    ours: Side,
    theirs: Side,
    path: Annotated[Path, typer.Argument()],
    our_label: Annotated[str, typer.Argument()] = "",
    their_label: Annotated[str, typer.Argument()] = "",
) -> None:
    """Merge the head file for git, which calls this with %O %A %B %P %X %Y; exit 1 is a conflict."""
    from notifydb.numbering.headmerge import Sides, head_of_both
    from notifydb.revisions import headfile

    console = Console()
    # Before 2.44, git does not know %X and %Y and hands them on.
    labels = ["" if label.startswith("%") else label for label in (our_label, their_label)]
    sides = Sides(path, base.read_bytes(), ours.read_bytes(), theirs.read_bytes(), *labels)
    head = None
    # Whatever goes wrong here is somebody's merge: it must end in a conflict, not in a traceback.
    with contextlib.suppress(Exception):
        head = head_of_both(sides)
    if head is not None:
        ours.write_bytes(headfile.content(head))
        console.say(f"{path}: {head} stands on the other side's migration")
        return
    ours.write_bytes(sides.conflict())
    console.error(f"{path}: two migrations met, {' and '.join(sides.met)}", hint="notifydb migrate rebase")
    raise typer.Exit(1)
