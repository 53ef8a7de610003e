"""`notifydb doctor`: what is half done or would not work here, and what mends it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Final

import typer

from notifydb.cli.deps import Deps
from notifydb.cli.options import DatabaseUrl, Format, OutputFormat

if TYPE_CHECKING:
    from pathlib import Path

    from notifydb.runner.doctor.ailment import Ailment, Diagnosis
    from notifydb.runner.doctor.examine import Examined

_STYLES: Final = {"error": "bold red", "warning": "yellow", "info": "dim"}
_WORDS: Final = {"error": "error", "warning": "warning", "info": "note"}


def doctor(
    no_shadow: Annotated[
        bool, typer.Option("--no-shadow", help="Replay nothing: the catalog is not compared.")
    ] = False,
    database_url: DatabaseUrl = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    """Find what is half done or would not work, and print what mends it (exit 1 if there is something).

    Nothing is written: neither to the database nor to the files.
    """
    from notifydb.runner.doctor.diagnose import diagnose

    deps = Deps(database_url=database_url)
    found = _examined(deps, no_shadow=no_shadow)
    diagnosis = diagnose(found)
    if output is OutputFormat.JSON:
        deps.console.json(_document(found, diagnosis))
    else:
        for each in diagnosis.ailments:
            _show(deps, each)
    _summarize(deps, found, diagnosis)
    if not diagnosis.is_healthy:
        raise typer.Exit(1)


def _examined(deps: Deps, *, no_shadow: bool) -> Examined:
    from notifydb.runner.doctor.examine import Examiner
    from notifydb.settings.environment import strictest

    runner = deps.runner(lambda _: None)
    shadows = None if no_shadow else deps.shadows
    examiner = Examiner(runner, strictest(deps.loaded.voices), shadows, _committed)
    with deps.console.working("comparing with a replay of the history"):
        return examiner.examine()


def _committed(path: Path, digest: str) -> tuple[str, bytes] | None:
    """The newest commit in which the file held what has this SHA-256, and its bytes."""
    import hashlib

    from notifydb.numbering import git

    commits = git.run(path.parent, "log", "--format=%h", "--", path.name)
    for commit in commits.decode().split() if isinstance(commits, bytes) else ():
        source = git.run(path.parent, "cat-file", "blob", f"{commit}:./{path.name}")
        if isinstance(source, bytes) and hashlib.sha256(source).hexdigest() == digest:
            return commit, source
    return None


def _show(deps: Deps, ailment: Ailment) -> None:
    deps.console.data(f"{_WORDS[ailment.severity]}: {ailment.what}", style=_STYLES[ailment.severity])
    for line in ailment.why.splitlines():
        deps.console.data(f"  {line}")
    first = "next" if ailment.severity == "info" else "mend"
    for word, lines in ((first, ailment.mend), ("or", ailment.otherwise)):
        for number, line in enumerate(lines):
            label = f"{word}:" if number == 0 else ""
            indented = line.replace("\n", "\n        ")
            deps.console.data(f"  {label:<5} {indented}", style="cyan")


def _summarize(deps: Deps, found: Examined, diagnosis: Diagnosis) -> None:
    from notifydb.reporters.words import count

    reasons: dict[str, list[str]] = {}
    for each in diagnosis.not_run:
        reasons.setdefault(each.reason, []).append(each.check)
    for reason, checks in reasons.items():
        deps.console.say(f"not checked: {', '.join(checks)}: {reason}", style="yellow")
    severities = Counter(_WORDS[each.severity] for each in diagnosis.ailments)
    told = ", ".join(count(severities[word], word) for word in _WORDS.values() if severities[word])
    left_out = f", {len(diagnosis.not_run)} did not run" if diagnosis.not_run else ""
    place = ", ".join(found.standing.current) or "no revision"
    style = "bold red" if not diagnosis.is_healthy else "yellow" if left_out else "green"
    asked = count(diagnosis.checks, "check")
    deps.console.say(
        f"{told or 'nothing found'} in {asked}{left_out}; the database is at {place}", style=style
    )


def _document(found: Examined, diagnosis: Diagnosis) -> dict[str, object]:
    return {
        "current": list(found.standing.current),
        "healthy": diagnosis.is_healthy,
        "found": [_row(each) for each in diagnosis.ailments],
        "not_run": [{"check": each.check, "reason": each.reason} for each in diagnosis.not_run],
        "checks": diagnosis.checks,
    }


def _row(ailment: Ailment) -> dict[str, object]:
    return {
        "check": ailment.name, "severity": ailment.severity, "what": ailment.what, "why": ailment.why,
        "mend": list(ailment.mend), "otherwise": list(ailment.otherwise),
    }  # fmt: skip
