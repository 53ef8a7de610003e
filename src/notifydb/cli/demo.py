"""`notifydb demo`: the whole story on an embedded Postgres, told with real commands."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from notifydb.cli.stage import Stage

_PREFIX = "notify-tests-preview"
_NEW_COLUMN = '\nmetadata.tables["users"].append_column(sa.Column("last_seen_at", sa.DateTime()))\n'


def demo(
    svg: Annotated[Path | None, typer.Option("--svg", help="Also record what is shown as a picture.")] = None,
) -> None:
    """Show the main jobs on an embedded Postgres with the Notify data model, in under a minute."""
    from rich.console import Console

    from notifydb.cli.stage import seconds_since, staged

    console = Console(record=svg is not None, width=118 if svg else None)
    began = time.monotonic()
    with staged(console) as stage:
        for scene in (_upgrade, _rows, _new_migration, _two_branches, _lint, _purge, _production):
            scene(stage)
    console.print(f"\nDone in {seconds_since(began)}; nothing is left behind.", style="bold", highlight=False)
    if svg is not None:
        # Without the web fonts that rich links to: a page that shows the picture must not call elsewhere.
        picture = re.sub(
            r"@font-face\s*\{.*?\}\s*", "", console.export_svg(title="notifydb demo"), flags=re.DOTALL
        )
        svg.write_text(picture, encoding="utf-8")


def _upgrade(stage: Stage) -> None:
    stage.tell(
        "1. From nothing to the head",
        "An embedded Postgres is started, and the Notify history is applied: one transaction per migration, "
        "one runner at a time, each step recorded with its stamp.",
    )
    stage.run("db", "start")
    stage.run("upgrade")


def _rows(stage: Stage) -> None:
    from notifydb.cli import demo_data
    from notifydb.postgres.connect import make_engine

    stage.tell(
        "2. Functional tests have run", "They leave users behind, with services, templates and messages."
    )
    with make_engine(stage.database_url()).begin() as conn:
        rows = demo_data.load(conn)
    stage.console.print(f"{rows:,} rows loaded, most of them test data, some of real teams", highlight=False)


def _new_migration(stage: Stage) -> None:
    stage.tell(
        "3. A model changes",
        "The models are compared with a replay of the history on a shadow database, never with a developer's own "
        "database. The next number, the parent and the body come by themselves.",
    )
    models = stage.folder / "models.py"
    models.write_text(models.read_text(encoding="utf-8") + _NEW_COLUMN, encoding="utf-8")
    stage.run("check", expect=1)
    written = stage.run("migrate", "new", "-m", "add last seen").split("alembic/versions/")[1].split()[0]
    stage.show_file(stage.versions / written, first="def upgrade")
    stage.run("upgrade")


def _two_branches(stage: Stage) -> None:
    stage.tell(
        "4. A second branch lands on the same parent",
        "Two heads are put into one line: ours is applied and stays, theirs moves on top. Ids, file names, parents "
        "and docstrings are rewritten by position, everything else stays byte for byte.",
    )
    stage.write_migration("0121_welcome_text", "0120_rate_precision",
                          'op.add_column("services", sa.Column("welcome_text", sa.Text()))')  # fmt: skip
    stage.run("heads", expect=1)
    stage.run("migrate", "rebase", "0121_welcome_text")
    stage.run("heads")


def _lint(stage: Stage) -> None:
    stage.tell(
        "5. A dangerous migration",
        "It is run on a shadow with rows in it: the finding names the line, the lock that was really taken, and "
        "the safe form to paste.",
    )
    stage.write_migration("0123_index_client_reference", "0122_welcome_text",
                          'op.create_index("ix_notifications_to", "notifications", ["to"])')  # fmt: skip
    stage.run("lint", "0123", expect=1, whole=True)


def _purge(stage: Stage) -> None:
    stage.tell(
        "6. Purge what the tests left",
        "The plan follows the foreign keys from the matched users, and knows owners from actors. The purge wants "
        "the database's name, archives what it deletes, and proves that nothing is left over or orphaned before it "
        "commits.",
    )
    stage.run("purge", "--prefix", _PREFIX, "--dry-run", whole=True)
    told = stage.run("purge", "--prefix", _PREFIX, "--confirm", "notifydb")
    stage.tell(
        "7. It was too early", "All of it comes back from the archive, in one transaction, or nothing does."
    )
    stage.run("restore", told.rpartition("notifydb restore ")[2].split()[0], "--confirm", "notifydb")


def _production(stage: Stage) -> None:
    stage.tell("8. The same in production", "No option, no variable and no combination of them allows it.")
    stage.run("purge", "--prefix", _PREFIX, "--confirm", "notifydb", expect=3, whole=True,
              DATABASE_URL=stage.url, NOTIFYDB_ENVIRONMENT="production",
              NOTIFYDB_ALLOW_DESTRUCTIVE="true")  # fmt: skip
