"""`notifydb lint`: what a migration would do to a busy database, judged by running it on a shadow."""

from __future__ import annotations

from typing import Annotated

import typer

from notifydb import errors
from notifydb.cli import lint_fix, lint_stats
from notifydb.cli.deps import Deps
from notifydb.cli.lint_baseline import left_out, record
from notifydb.cli.lint_report import LintFormat, show
from notifydb.cli.lint_run import judged
from notifydb.cli.lint_scope import chosen

_Rows = Annotated[int | None, typer.Option("--rows", min=0, help="Synthetic rows per table of the shadow.")]
_Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Also what was refuted or not checked.")]
_TargetVersion = Annotated[
    int | None, typer.Option("--target-version", min=13, help="Production's major version of Postgres.")
]
_SingleTransaction = Annotated[
    bool | None, typer.Option("--single-transaction", help="A file of SQL runs in one, as with psql -1.")
]


def lint(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WHAT]...",
            help="Migrations (ids, their beginnings, files, folders, ranges such as 0410:0415), files of SQL, "
            "or - for stdin; default: what main does not have.",
        ),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every migration of the history.")] = False,
    since: Annotated[str | None, typer.Option("--since", help="What this git ref does not have.")] = None,
    trace: Annotated[
        bool, typer.Option("--trace", help="Demand the trace: exit 4 without a shadow.")
    ] = False,
    static: Annotated[
        bool, typer.Option("--static", help="Judge what it would send; needs no database.")
    ] = False,
    baseline: Annotated[
        bool, typer.Option("--baseline", help="Record what is found: later runs leave it out.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="What could not be checked fails, too.")] = False,
    rows: _Rows = None,
    target_version: _TargetVersion = None,
    single_transaction: _SingleTransaction = None,
    stats: lint_stats.Stats = None,
    export_stats: lint_stats.Export = None,
    verbose: _Verbose = False,
    fix: lint_fix.Fix = False,
    diff: lint_fix.Diff = False,
    edited: lint_fix.Edited = False,
    output: Annotated[LintFormat, typer.Option("--format", help="How to report.")] = LintFormat.TEXT,
) -> None:
    """Judge migrations: locks, rewrites, lost data, broken deploys (exit 1 on findings)."""
    _refuse_contradictions(trace=trace, static=static, baseline=baseline, fix=fix, diff=diff)
    deps = Deps(
        **{
            "lint.rows": rows,
            "lint.target_version": target_version,
            "lint.single_transaction": single_transaction,
            "lint.stats": stats and stats.resolve(),
        }
    )
    if export_stats is not None:
        lint_stats.export(deps, export_stats)
        return
    # A baseline is of the history, unless it is to be recorded anew for some of it.
    asked = chosen(deps, names or [], since, all_=all_ or (baseline and not names and not since))
    if asked.scripts and (fix or diff or baseline):
        raise errors.UsageError("--fix, --diff and --baseline are for migrations, not for files of SQL")
    report = judged(deps, asked.revisions, asked.scripts, trace=trace or fix or diff, static=static)
    if baseline:
        record(deps, report)
        return
    if fix or diff:
        lint_fix.carry_out(deps, asked.revisions, report, output, write=fix, edited=edited)
        return
    report = left_out(deps, report)
    show(deps, report, output, verbose=verbose)
    if report.failed or (strict and report.skipped):
        raise typer.Exit(1)


def _refuse_contradictions(*, trace: bool, static: bool, baseline: bool, fix: bool, diff: bool) -> None:
    if trace and static:
        raise errors.UsageError("--trace and --static exclude each other")
    if static and (fix or diff):
        raise errors.UsageError(
            "--static proves nothing, and only what is proved is fixed", hint="leave it out"
        )
    if fix + diff + baseline > 1:
        raise errors.UsageError("--fix, --diff and --baseline exclude each other")
