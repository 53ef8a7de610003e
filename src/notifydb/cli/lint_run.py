"""What a lint run needs, made from the settings: the shadows, or why there are none, and the options."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from notifydb import errors
from notifydb.cli.deps import Deps
from notifydb.cli.lint_stats import production, tell_doubts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from notifydb.findings import Report, Severity
    from notifydb.lint.options import Options
    from notifydb.lint.script import Script
    from notifydb.migrator.config import Project
    from notifydb.revisions.graph import History
    from notifydb.shadow.database import Shadows

_STATIC = "--static was given"
#: Read without being asked for, where it is beside the project's settings.
_HISTORY = "notifydb-history.json"


def judged(
    deps: Deps,
    revisions: Sequence[str],
    scripts: Sequence[Script] = (),
    *,
    trace: bool = False,
    static: bool = False,
) -> Report:
    """The report on these revisions (full ids) and scripts."""
    from notifydb.lint.engine import Progress, lint

    world = _world(deps, only_sql=bool(scripts) and not revisions, trace=trace, static=static)
    options = options_of(deps, trace=trace, static=static, in_project=world.is_project)

    def listen(progress: Progress) -> None:
        deps.console.progress(f"{progress.number}/{progress.total} {progress.revision}")

    with deps.console.working("linting"):
        report = lint(
            world.history, revisions, world.project, scripts=scripts,
            shadows=world.shadows, no_shadow=world.no_shadow, options=options, listen=listen,
        )  # fmt: skip
    tell_doubts(deps, report)
    return report


@dataclasses.dataclass(frozen=True, slots=True)
class _World:
    """What is judged against; `no_shadow` is why `shadows` is None."""

    history: History
    project: Project
    shadows: Shadows | None = None
    no_shadow: str = ""
    is_project: bool = True


def _world(deps: Deps, *, only_sql: bool, trace: bool, static: bool) -> _World:
    """Plain SQL needs no project; without one there is no state to run it on."""
    if static and only_sql:
        return _nowhere(deps, _STATIC)
    try:
        history, project = deps.history, deps.project
    except errors.UsageError as error:
        if trace or not only_sql:
            raise
        return _nowhere(deps, error.message)
    try:
        shadows, reason = (None, _STATIC) if static else (deps.shadows(), "")
    except errors.ShadowUnavailable as error:
        if trace:
            raise
        shadows, reason = None, error.message
    return _World(history, project, shadows, reason)


def _nowhere(deps: Deps, reason: str) -> _World:
    from notifydb.migrator.config import Project
    from notifydb.revisions.graph import History

    here = Project(deps.loaded.root, deps.loaded.root)
    return _World(History(()), here, no_shadow=reason, is_project=False)


def options_of(deps: Deps, *, trace: bool, static: bool, in_project: bool = True) -> Options:
    from notifydb.lint.options import Options

    settings, sizes = deps.settings.lint, production(deps)
    return Options(
        mode="trace" if trace else "static" if static else "auto",
        rows=settings.rows,
        small_table_rows=settings.small_table_rows,
        lock_timeout=settings.lock_timeout,
        head_file=deps.head_file if in_project else None,
        applied=_applied(deps),
        merged=_merged(deps) if in_project else {},
        production=sizes.tables if sizes else {},
        target_version=settings.target_version
        or deps.settings.autogen.target_version
        or (sizes.server_version // 10_000 if sizes else None),
        select=frozenset(settings.select) or None,
        extend_select=frozenset(settings.extend_select),
        ignore=frozenset(settings.ignore),
        severities={name: _severity(name, *values) for name, values in settings.severity},
        per_file={pattern: frozenset(names) for pattern, names in settings.per_file},
    )


def _applied(deps: Deps) -> dict[str, str]:
    """The SHA-256 of what production has applied, where its history is known."""
    from notifydb.runner.elsewhere import read

    given = deps.settings.lint.history
    path = deps.loaded.root / (given or _HISTORY)
    if not given and not path.is_file():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise errors.ConfigurationError(f"the history {path.name} cannot be read: {error}") from None
    return {name: ran.source_sha256 for name, ran in read(text, path.name).items() if ran.source_sha256}


def _merged(deps: Deps) -> dict[str, bytes]:
    """The main branch's files that are others here, by revision; none where git does not know."""
    from notifydb.numbering import conflict

    versions = deps.project.versions
    main = conflict.main_branch(versions, deps.settings.main_branch)
    found = conflict.others_on(main, versions) if isinstance(main, str) else main
    if isinstance(found, conflict.Unknown):
        return {}
    names = {each.path.name: each.id for each in deps.history.ordered()}
    return {names[name]: content for name, content in found.items() if name in names}


def _severity(name: str, *values: str) -> Severity:
    from notifydb.findings import Severity

    try:
        (value,) = values
        return Severity(value)
    except ValueError:
        raise errors.ConfigurationError(
            f"lint.severity of {name} is {', '.join(values) or 'empty'}", hint="error, warning or info"
        ) from None
