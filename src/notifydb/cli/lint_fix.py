"""`notifydb lint --fix` and `--diff`: what can be mended by machine is, once it is proved on the shadow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from notifydb import errors
from notifydb.cli.deps import Deps
from notifydb.cli.lint_baseline import left_out
from notifydb.cli.lint_report import LintFormat, show
from notifydb.cli.lint_run import judged, options_of
from notifydb.cli.lint_scope import on_ref

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from notifydb.findings import Finding, Report
    from notifydb.fixes.mending import Mended
    from notifydb.fixes.plan import Plan
    from notifydb.fixes.prove import Prover


Fix = Annotated[bool, typer.Option("--fix", help="Mend what can be, each fix proved on the shadow first.")]
Diff = Annotated[bool, typer.Option("--diff", help="Show what --fix would write.")]
Edited = Annotated[
    bool, typer.Option("--edited", help="With --fix: files with edits that are not committed, too.")
]


def carry_out(
    deps: Deps, asked: Sequence[str], report: Report, output: LintFormat, *, write: bool, edited: bool
) -> None:
    """Mends what the report on the revisions `asked` finds, or shows the diff, and exits as lint does.

    Raises UsageError where git does not know what others have, and for files with uncommitted edits unless
    `edited`; ShadowUnavailable.
    """
    from notifydb.fixes.mending import mend_all

    with deps.console.working("proving the fixes on shadow databases"):
        prover = _prover(deps, report)
        report = left_out(deps, report)
        found = mend_all(prover, report.findings, deps.console.progress)
    if found.plan is not None and not edited:
        _refuse_edits(deps, found.plan)
    if write:
        report = _written(deps, found, asked, report)
        show(deps, report, output, verbose=False)
    elif found.plan is not None:
        deps.console.data(found.plan.changes.diff(deps.loaded.root).rstrip("\n"))
    _tell(deps, found, "fixed" if write else "would fix")
    if found.disproved or report.failed:
        raise typer.Exit(errors.ProofFailed.exit_code if found.disproved else 1)


def _written(deps: Deps, found: Mended, asked: Sequence[str], report: Report) -> Report:
    """Makes the changes, all or none; what lint says then."""
    from notifydb.revisions import changes

    if found.plan is None:
        return report
    changes.apply(found.plan.changes)
    again = Deps(**deps.options)
    return left_out(again, judged(again, [*asked, *(each.revision for each in found.plan.added)], trace=True))


def _prover(deps: Deps, report: Report) -> Prover:
    from notifydb.autogen.formatter import format_source
    from notifydb.fixes.plan import Workshop
    from notifydb.fixes.prove import Prover

    def formatted(source: str, path: Path) -> str:
        return format_source(source, path, deps.loaded.root, deps.settings.autogen.formatter).source

    options = options_of(deps, trace=True, static=False)
    workshop = Workshop(
        deps.project, deps.history,
        shared=on_ref(deps, None) | _applied(deps),
        width=deps.settings.number_width,
        head_file=deps.head_file,
        target_version=options.target_version,
        formatter=formatted,
    )  # fmt: skip
    return Prover(workshop, deps.shadows(), options, report)


def _applied(deps: Deps) -> frozenset[str]:
    """What the configured database has applied; a developer's own can take back what is applied from another file."""
    from notifydb.postgres import failures
    from notifydb.postgres.connect import make_engine
    from notifydb.postgres.version import current
    from notifydb.settings import Environment

    url, own = deps.settings.database_url, (Environment.DEVELOPMENT, Environment.TEST)
    if url is None or deps.settings.environment in own:
        return frozenset()
    try:
        with failures.translated(), make_engine(url.get_secret_value()).connect() as conn:
            heads = [each for each in current(conn) if each in deps.history.revisions]
    except errors.Unavailable as error:
        deps.console.say(f"what the database has applied is not known: {error.message}", style="yellow")
        return frozenset()
    return frozenset(each.id for head in heads for each in deps.history.chain(head))


def _refuse_edits(deps: Deps, plan: Plan) -> None:
    from notifydb.numbering import conflict

    found = conflict.edited_files(deps.project.versions)
    changed = [each.old.name for each in plan.changes.changes if each.old is not None]
    names = [] if isinstance(found, conflict.Unknown) else [name for name in changed if name in found]
    if names:
        raise errors.UsageError(
            f"edits that are not committed would be mixed with the fix: {', '.join(names)}",
            hint="commit or stash them, or fix the files as they are: --edited",
        )


def _tell(deps: Deps, found: Mended, verb: str) -> None:
    say = deps.console.say
    for each in found.plan.mends if found.plan else ():
        say(f"{verb} {_place(deps, each.finding)}: {each.finding.rule}, proved on the shadow", style="green")
    for added in found.plan.added if found.plan else ():
        say(f"{'added' if verb == 'fixed' else 'would add'} {deps.relative(added.path)}", style="green")
    for left in found.left:
        why = "the proof failed: " if left.disproved else ""
        say(
            f"not fixed {_place(deps, left.finding)}: {left.finding.rule}: {why}{left.reason}", style="yellow"
        )
    if found.plan is None and not found.left:
        say("nothing to fix by machine", style="dim")


def _place(deps: Deps, finding: Finding) -> str:
    return f"{deps.relative(finding.location.path)}:{finding.location.line}"
