"""What a lint run needs, made from the settings: the shadows, or why there are none, and the options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from notifydb import errors
from notifydb.cli.deps import Deps

if TYPE_CHECKING:
    from notifydb.findings import Report, Severity
    from notifydb.lint.options import Options
    from notifydb.shadow.database import Shadows


def judged(deps: Deps, revisions: list[str], *, trace: bool = False, static: bool = False) -> Report:
    """The report on these revisions (full ids)."""
    from notifydb.lint.engine import Progress, lint

    shadows, reason = (None, "--static was given") if static else _shadows(deps, demanded=trace)

    def listen(progress: Progress) -> None:
        deps.console.progress(f"{progress.number}/{progress.total} {progress.revision}")

    with deps.console.working("linting"):
        return lint(
            deps.history, revisions, deps.project,
            shadows=shadows, no_shadow=reason, options=options_of(deps, trace=trace, static=static), listen=listen,
        )  # fmt: skip


def _shadows(deps: Deps, *, demanded: bool) -> tuple[Shadows | None, str]:
    try:
        return deps.shadows(), ""
    except errors.ShadowUnavailable as error:
        if demanded:
            raise
        deps.console.say(f"without a trace: {error.message}", style="yellow")
        return None, error.message


def options_of(deps: Deps, *, trace: bool, static: bool) -> Options:
    from notifydb.lint.options import Options

    settings = deps.settings.lint
    return Options(
        mode="trace" if trace else "static" if static else "auto",
        rows=settings.rows,
        small_table_rows=settings.small_table_rows,
        head_file=deps.head_file,
        target_version=settings.target_version or deps.settings.autogen.target_version,
        select=frozenset(settings.select) or None,
        extend_select=frozenset(settings.extend_select),
        ignore=frozenset(settings.ignore),
        severities={name: _severity(name, *values) for name, values in settings.severity},
        per_file={pattern: frozenset(names) for pattern, names in settings.per_file},
    )


def _severity(name: str, *values: str) -> Severity:
    from notifydb.findings import Severity

    try:
        (value,) = values
        return Severity(value)
    except ValueError:
        raise errors.ConfigurationError(
            f"lint.severity of {name} is {', '.join(values) or 'empty'}", hint="error, warning or info"
        ) from None
