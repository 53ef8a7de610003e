"""The sizes of production's tables: exported there, read by `notifydb lint` everywhere else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from notifydb import errors
from notifydb.cli.deps import Deps

if TYPE_CHECKING:
    from notifydb.findings import Report
    from notifydb.postgres.sizes import Sizes

Stats = Annotated[
    Path | None, typer.Option("--stats", help="Production's table sizes; default: notifydb-stats.json.")
]
Export = Annotated[
    str | None,
    typer.Option("--export-stats", metavar="FILE", help="Only write the database's table sizes (-: stdout)."),
]
#: Read without being asked for, where it is beside the project's settings.
DEFAULT: Final = "notifydb-stats.json"
_STDOUT: Final = "-"


def export(deps: Deps, target: str) -> None:
    """Writes the sizes of the configured database's tables to a file, or to stdout for `-`."""
    from notifydb.lint import production
    from notifydb.postgres.measure import read_sizes
    from notifydb.reporters.words import count

    sizes = read_sizes(deps.database.url)
    text = production.dump(sizes)
    if target == _STDOUT:
        deps.console.raw(text)
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise errors.UsageError(f"{target} cannot be written: {error.strerror}") from None
    deps.console.say(f"wrote {target}: the sizes of {count(len(sizes.tables), 'table')}, no data")
    if Path(target).name != DEFAULT:
        deps.console.say(
            f"next: notifydb lint --stats {target}, or keep it as {DEFAULT} beside the settings", "cyan"
        )


def production(deps: Deps) -> Sizes | None:
    """What is known of production; raises ConfigurationError for a file that cannot be read."""
    from notifydb.lint.production import read

    path = _path(deps)
    return read(path) if deps.settings.lint.stats or path.is_file() else None


def tell_doubts(deps: Deps, report: Report) -> None:
    """Why the statistics may not be true any more, or not of what was measured."""
    from notifydb.lint.production import FRESH

    sizes, name = production(deps), _path(deps).name
    if sizes is None:
        return
    age = datetime.now(UTC) - sizes.taken
    if age > FRESH:
        deps.console.say(
            f"{name} is {age.days} days old; next: notifydb lint --export-stats {name}, in production",
            style="yellow",
        )
    theirs = sizes.server_version // 10_000
    if report.server_version not in (None, theirs):
        deps.console.say(
            f"measured on PostgreSQL {report.server_version}, but the statistics are of PostgreSQL {theirs}:"
            " NOTIFYDB_SHADOW_URL can name a server of that version",
            style="yellow",
        )


def _path(deps: Deps) -> Path:
    return deps.loaded.root / (deps.settings.lint.stats or DEFAULT)
