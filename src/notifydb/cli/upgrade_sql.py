"""`notifydb upgrade --sql`: the upgrade as a script for psql, and where an upgrade goes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from notifydb import errors
from notifydb.cli.deps import Deps

if TYPE_CHECKING:
    from notifydb.runner.plan import Plan
    from notifydb.runner.script import Script

Target = Annotated[
    str | None,
    typer.Argument(
        help="An id, its beginning, +N, or heads (which it is); with --sql also FROM:TO.", metavar="REVISION"
    ),
]
To = Annotated[str | None, typer.Option("--to", help="The same as the argument.", metavar="REVISION")]
One = Annotated[bool, typer.Option("--one", help="The next migration only, as +1.")]
AsSql = Annotated[bool, typer.Option("--sql", help="Only write a script for psql.")]


def target_of(argument: str | None, to: str | None, *, one: bool) -> str:
    """The one target that was named, in whichever way; raises UsageError where they contradict each other."""
    named = {each for each in (argument, to, "+1" if one else None) if each is not None}
    if len(named) > 1:
        raise errors.UsageError(f"the target is given as {' and as '.join(sorted(named))}", hint="name one")
    return named.pop() if named else "heads"


def write_sql(deps: Deps, target: str) -> None:
    """Writes the script to stdout; a range FROM:TO needs no database where offline mode suffices."""
    from notifydb.runner.script import write

    is_range = ":" in target
    plan = _range(deps, target) if is_range else deps.runner(lambda _: None).plan_upgrade(target)
    if not plan.steps:
        deps.console.say(
            f"nothing to do: {'it' if is_range else 'the database'} is at {plan.place}", style="green"
        )
        return
    with deps.console.working("writing the script"):
        script = write(deps.project, deps.history, plan, deps.shadows)
    deps.console.raw(script.text)
    _tell(deps, plan, script)


def _range(deps: Deps, target: str) -> Plan:
    """From a revision that some database is at, as it is named."""
    from notifydb.runner.plan import plan_upgrade

    lower, _, upper = target.partition(":")
    begin, end = deps.history.get(lower or "base"), deps.history.get(upper or "heads")
    if begin is not None and end is not None:
        deps.history.between(begin.id, end.id)
    return plan_upgrade(deps.history, (begin.id,) if begin else (), end.id if end else "base")


def _tell(deps: Deps, plan: Plan, script: Script) -> None:
    from notifydb.reporters.words import count

    deps.console.say(f"{count(len(plan.steps), 'migration')} written, up to {plan.target}")
    for _, reason in script.taken_down:
        deps.console.say(f"warning: {reason}; taken down on an empty database", style="yellow")
    deps.console.say("next: read it, then psql --no-psqlrc -f FILE", style="cyan")
