"""`notifydb upgrade --plan`: what each pending migration would lock, move and take away, before it does."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from notifydb import errors
from notifydb.cli.deps import Deps
from notifydb.cli.options import OutputFormat

if TYPE_CHECKING:
    from notifydb.lint.statement import Statement
    from notifydb.runner.elsewhere import Ran
    from notifydb.runner.forecast import Forecast, World
    from notifydb.runner.plan import Plan
    from notifydb.runner.touched import Touched
    from notifydb.runner.upgrade import Runner
    from notifydb.shadow.database import Shadows

AsPlan = Annotated[
    bool, typer.Option("--plan", help="Only show what each would lock, how long, and take away.")
]
FromHistory = Annotated[
    str | None,
    typer.Option(
        "--from-history",
        help="With --plan: what history --database --format json wrote elsewhere (-: stdin).",
        metavar="FILE",
    ),
]
_STDIN: Final = "-"


def check_options(given: Mapping[str, bool], from_history: str | None) -> None:
    """Raises UsageError for options that do not go together."""
    names = [name for name, is_given in given.items() if is_given]
    if len(names) > 1:
        raise errors.UsageError(f"{' and '.join(names)} do not go together")
    if from_history is not None and not given["--plan"]:
        raise errors.UsageError("--from-history is for --plan")


def show_plan(deps: Deps, target: str, from_history: str | None, output: OutputFormat) -> None:
    """Shows the plan; the target database is only read."""
    from notifydb.cli.forecast_text import page
    from notifydb.runner.forecast import forecast

    ran = _ran(from_history)
    runner = deps.runner(lambda _: None)
    plan = runner.plan_upgrade(target)
    found: list[Forecast] = []
    if plan.steps:
        with deps.console.working("looking ahead"):
            world = _world(deps, runner, ran)
            found += forecast(plan.steps, world, lambda each: deps.console.progress(f"{each.id} ..."))
    if output is OutputFormat.JSON:
        deps.console.json(_document(deps, plan, found))
        return
    few = deps.settings.lint.small_table_rows
    target = plan.target if plan.steps else plan.place
    for text, style in page(found, target, runner.destruction.target.database, few):
        deps.console.data(text, style)


def _ran(source: str | None) -> Mapping[str, Ran]:
    from notifydb.runner.elsewhere import read

    if source is None:
        return {}
    try:
        text = sys.stdin.read() if source == _STDIN else Path(source).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise errors.ConfigurationError(f"the history {source} cannot be read: {why}") from None
    return read(text, "of stdin" if source == _STDIN else source)


def _world(deps: Deps, runner: Runner, ran: Mapping[str, Ran]) -> World:
    from notifydb.lint.options import Options
    from notifydb.postgres import failures, own
    from notifydb.postgres.connect import make_engine
    from notifydb.postgres.measure import read_sizes
    from notifydb.runner.forecast import World

    sizes = read_sizes(runner.url)
    with failures.translated(), make_engine(runner.url).connect() as conn:
        is_empty = own.is_empty(conn)
    settings = deps.settings.lint
    options = Options(rows=settings.rows, small_table_rows=settings.small_table_rows, production=sizes.tables)
    shadows, no_shadow = _shadows(deps)
    return World(
        deps.project, deps.history, shadows, no_shadow, options, runner.destruction, is_empty, ran
    )  # fmt: skip


def _shadows(deps: Deps) -> tuple[Shadows | None, str]:
    try:
        return deps.shadows(), ""
    except errors.ShadowUnavailable as error:
        return None, error.message


def _document(deps: Deps, plan: Plan, found: list[Forecast]) -> dict[str, object]:
    return {
        "current": list(plan.current),
        "target": plan.target,
        "migrations": [_migration(deps, each) for each in found],
    }


def _migration(deps: Deps, each: Forecast) -> dict[str, object]:
    return {
        "revision": each.revision.id,
        "path": deps.relative(each.revision.path),
        "seen": each.level,
        "transactional": None if each.level == "source" else not each.outside,
        "leaves_transaction_at": sorted({statement.location.line for statement in each.outside}),
        "statements": [
            _statements(list(those)) for _, those in itertools.groupby(each.statements, key=_place)
        ],
        "tables": [_table(table) for table in each.tables],
        "destroys": list(each.losses),
        "destructive": each.reason,
        "refused": list(each.refusals),
        "way_back": {"kind": each.back.kind, "why": each.back.why},
        "ran": each.ran and {"seconds": each.ran.seconds, "finished_at": each.ran.finished_at.isoformat()},
        "failure": each.failure,
        "unchecked": list(each.unchecked),
    }


def _place(statement: Statement) -> tuple[int, int | None]:
    return statement.location.line, statement.execution.transaction


def _statements(those: list[Statement]) -> dict[str, object]:
    """Of what a line sends many times, the first: there may be one for each row."""
    line, transaction = _place(those[0])
    return {"line": line, "transaction": transaction, "sql": those[0].sql, "times": len(those)}


def _table(table: Touched) -> dict[str, object]:
    size = table.size
    return {
        "table": ".".join(table.table.key),
        "lock": str(table.lock),
        "transaction": table.transaction,
        "blocks": table.blocks,
        "waits": table.lock.waits,
        "held_ms": table.held_ms and round(table.held_ms, 1),
        "rows": size and size.rows,
        "bytes": size and size.total_bytes,
        "rewritten": table.rewritten,
        "scanned": table.scanned,
        "changed": table.changed,
    }
