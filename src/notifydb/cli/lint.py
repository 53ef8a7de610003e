"""`notifydb lint`: what a migration would do to a busy database, judged by running it on a shadow."""

from __future__ import annotations

import dataclasses
import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notifydb import errors
from notifydb.cli.deps import Deps

if TYPE_CHECKING:
    from collections.abc import Container

    from notifydb.findings import Finding, Report
    from notifydb.lint.options import Options
    from notifydb.shadow.database import Shadows


class LintFormat(enum.StrEnum):
    """For people, programs, GitHub's annotations, or code scanning."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"


def lint(
    revisions: Annotated[
        list[str] | None,
        typer.Argument(help="Ids, their beginnings, or files; default: what main does not have."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every migration of the history.")] = False,
    since: Annotated[str | None, typer.Option("--since", help="What this git ref does not have.")] = None,
    trace: Annotated[
        bool, typer.Option("--trace", help="Demand the trace: exit 4 without a shadow.")
    ] = False,
    static: Annotated[
        bool, typer.Option("--static", help="Judge what it would send; needs no database.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="What could not be checked fails, too.")] = False,
    rows: Annotated[
        int | None, typer.Option("--rows", min=0, help="Synthetic rows per table of the shadow.")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also what was refuted or not checked.")
    ] = False,
    output: Annotated[LintFormat, typer.Option("--format", help="How to report.")] = LintFormat.TEXT,
) -> None:
    """Judge migrations: locks, rewrites, lost data, broken deploys (exit 1 on findings)."""
    if trace and static:
        raise errors.UsageError("--trace and --static exclude each other")
    deps = Deps(**{"lint.rows": rows})
    chosen = _chosen(deps, revisions or [], since, all_=all_)
    report = judged(deps, chosen, trace=trace, static=static)
    _show(deps, report, output, verbose=verbose)
    if report.failed or (strict and report.skipped):
        raise typer.Exit(1)


def judged(deps: Deps, revisions: list[str], *, trace: bool = False, static: bool = False) -> Report:
    """The report on these revisions (full ids)."""
    from notifydb.lint.engine import Progress, lint

    shadows, reason = (None, "--static was given") if static else _shadows(deps, demanded=trace)

    def listen(progress: Progress) -> None:
        deps.console.progress(f"{progress.number}/{progress.total} {progress.revision}")

    with deps.console.working("linting"):
        return lint(
            deps.history, revisions, deps.project,
            shadows=shadows, no_shadow=reason, options=_options(deps, trace=trace, static=static), listen=listen,
        )  # fmt: skip


def _chosen(deps: Deps, names: list[str], since: str | None, *, all_: bool) -> list[str]:
    history = deps.history
    if all_:
        return list(history.revisions)
    if names:
        files = {each.path.resolve(): each for each in history.ordered()}
        named = [name for name in names if not _is_helper(deps, Path(name).resolve(), files)]
        found = [files.get(Path(name).resolve()) or history.get(name) for name in named]
        return list(dict.fromkeys(each.id for each in found if each is not None))
    old = _on_ref(deps, since)
    return [each for each in history.revisions if each not in old]


def _is_helper(deps: Deps, path: Path, migrations: Container[Path]) -> bool:
    """Whether a file of the versions folder holds no migration: a hook passes on all that has changed."""
    helper = path.parent == deps.project.versions.resolve() and path.is_file() and path not in migrations
    if helper:
        deps.console.say(f"{path.name} holds no migration", style="dim")
    return helper


def _on_ref(deps: Deps, since: str | None) -> frozenset[str]:
    """The ids that a ref, by default the main branch, has already."""
    from notifydb.numbering import conflict

    versions = deps.project.versions
    ref = since or conflict.main_branch(versions, deps.settings.main_branch)
    found = conflict.revisions_on(ref, versions) if isinstance(ref, str) else ref
    if isinstance(found, conflict.Unknown):
        raise errors.UsageError(
            f"git does not know what is new: {found.reason}",
            hint="name the revisions, or a ref with --since, or give --all",
        )
    return found.ids


def _shadows(deps: Deps, *, demanded: bool) -> tuple[Shadows | None, str]:
    try:
        return deps.shadows(), ""
    except errors.ShadowUnavailable as error:
        if demanded:
            raise
        deps.console.say(f"without a trace: {error.message}", style="yellow")
        return None, error.message


def _options(deps: Deps, *, trace: bool, static: bool) -> Options:
    from notifydb.lint.options import Options

    settings = deps.settings.lint
    return Options(
        mode="trace" if trace else "static" if static else "auto",
        rows=settings.rows,
        small_table_rows=settings.small_table_rows,
        head_file=deps.head_file,
        select=frozenset(settings.select) or None,
        ignore=frozenset(settings.ignore),
    )


def _show(deps: Deps, report: Report, output: LintFormat, *, verbose: bool) -> None:
    from notifydb.reporters import REPORTERS, View
    from notifydb.settings import redact

    view = View(deps.loaded.root, color=deps.console.colors and output is LintFormat.TEXT, verbose=verbose)
    render = REPORTERS["terminal" if output is LintFormat.TEXT else output.value]
    text = render(_without_secrets(report), view)
    # The terminal's text shows lines of the file, too.
    deps.console.raw(redact(text) if output is LintFormat.TEXT else text)


def _without_secrets(report: Report) -> Report:
    """Redacted value by value: in a finished JSON document a cut could take a quote along."""
    from notifydb.settings import redact

    def clean(finding: Finding) -> Finding:
        sql = finding.sql and redact(finding.sql)
        return dataclasses.replace(finding, message=redact(finding.message), sql=sql)

    return dataclasses.replace(
        report,
        findings=tuple(map(clean, report.findings)),
        refuted=tuple(map(clean, report.refuted)),
        skipped=tuple(dataclasses.replace(each, reason=redact(each.reason)) for each in report.skipped),
    )
