"""`notifydb upgrade --plan`: what it tells, what it does not know, and that it leaves the database alone."""

# ruff: noqa: E501

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from inline_snapshot import snapshot

from cli.conftest import Notifydb, Outcome, matches_schema
from conftest import MakeDatabase, SmallProject, query
from notifydb.postgres.connect import make_engine

NOWHERE = {"NOTIFYDB_SHADOW_URL": "postgresql://nobody@127.0.0.1:1/x"}


def timeless(outcome: Outcome) -> str:
    """Its answer; how long something takes, and whether that is worth telling, depends on the machine."""
    answer = f"exit {outcome.code}\n{outcome.out}"
    return re.sub(r"for (a moment|about [\d.,]+ \w+|a time that is not known)", "for TIME", answer)


@pytest.fixture
def grown(small_project: SmallProject) -> SmallProject:
    """A base that is applied, and one pending migration of each kind."""
    small_project.add(
        "0001_base",
        """
        op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text),
                        sa.Column("team", sa.Integer))
        op.create_table("teams", sa.Column("id", sa.Integer, primary_key=True), sa.Column("note", sa.Text))
        op.create_table("rates", sa.Column("id", sa.Integer))
        """,
    )
    small_project.add(
        "0002_rewrite",
        """
        op.add_column("users", sa.Column("token", sa.Uuid, server_default=sa.text("gen_random_uuid()")))
        op.create_foreign_key("fk_team", "users", "teams", ["team"], ["id"])
        """,
        """
        op.drop_constraint("fk_team", "users")
        op.drop_column("users", "token")
        """,
    )
    small_project.add(
        "0003_index",
        """
        with op.get_context().autocommit_block():
            op.create_index("ix_name", "users", ["name"], postgresql_concurrently=True)
        op.rename_table("users", "people")
        """,
        """
        op.rename_table("people", "users")
        """,
    )
    drops = small_project.add(
        "0004_drops",
        """
        op.execute("DO $$ BEGIN ALTER TABLE teams DROP COLUMN note; END $$")
        op.drop_table("rates")
        op.execute("DELETE FROM people WHERE id < 0")
        op.create_table("new", sa.Column("id", sa.Integer))
        """,
        "raise NotImplementedError('the rates are gone')",
    )
    drops.write_text(drops.read_text() + '\ndestructive = "nobody reads them"\n')
    small_project.add(
        "0005_backfill", "op.execute(\"UPDATE people SET name = 'x'\")\nop.execute('TRUNCATE new')"
    )
    return small_project


@pytest.fixture
def there(grown: SmallProject, notifydb: Notifydb, database: str, server_url: str) -> dict[str, str]:
    """The variables of a production at `0001_base` with many users."""
    made = {"DATABASE_URL": database, "NOTIFYDB_ENVIRONMENT": "production", "NOTIFYDB_SHADOW_URL": server_url}
    assert notifydb("upgrade", "0001", **made).code == 0
    query(database, "INSERT INTO users SELECT n, 'n', NULL FROM generate_series(1, 25000) n")
    query(database, "ANALYZE")
    return made


def test_all_that_there_is_to_know(there: dict[str, str], notifydb: Notifydb) -> None:
    assert timeless(notifydb("upgrade", "--plan", **there)) == snapshot("""\
exit 0
0002_rewrite: one transaction, 2 statements
  ACCESS EXCLUSIVE on users: 25,000 rows, 1 MB; rewritten, scanned; every read and write of the table waits for TIME
  small tables: SHARE ROW EXCLUSIVE on teams
  way back: yes, tried on the shadow

0003_index: leaves its transaction at line 16, 2 statements
  ACCESS EXCLUSIVE on users: 25,000 rows, 1 MB; every read and write of the table waits for TIME
  SHARE UPDATE EXCLUSIVE on users: 25,000 rows, 1 MB; scanned
  way back: broken: index ix_name is left behind

0004_drops: one transaction, 4 statements
  ROW EXCLUSIVE on people: 25,000 rows, 1 MB
  small tables: ACCESS EXCLUSIVE on rates, teams
  destroys: drops column public.teams.note, drops table public.rates, deletes rows of public.people
    it says why: nobody reads them
  way back: none: downgrade() refuses
  not checked: line 15: whether DO deletes rows depends on the rows

0005_backfill: one transaction, 2 statements
  ROW EXCLUSIVE on people: 25,000 rows, 1 MB; scanned, rows changed
  destroys: truncates public.new
    refused here: the environment is production (NOTIFYDB_ENVIRONMENT), and destructive operations are not allowed by the settings (allow_destructive)
  way back: broken: downgrade() is empty: the stamp goes back, and what upgrade() did stays
  not checked: teams: not filled with synthetic rows: only 5 of 1000 synthetic rows satisfy its constraints

4 migrations pending on TESTDB, up to 0005_backfill
  0002_rewrite: every read and write of users (25,000 rows) waits for TIME
  0003_index: every read and write of users (25,000 rows) waits for TIME
  destroys, and is refused here: 0005_backfill
  destroys: 0004_drops
  no way back: 0003_index, 0004_drops, 0005_backfill
""")


def test_one_migration_that_somebody_else_has_run(
    there: dict[str, str], notifydb: Notifydb, make_database: MakeDatabase, tmp_path: Path
) -> None:
    staging = make_database()
    assert notifydb("upgrade", "0003", DATABASE_URL=staging, NOTIFYDB_ENVIRONMENT="staging").code == 0
    history = notifydb("history", "--database", "--format", "json", DATABASE_URL=staging)
    document = history.json
    for entry in document["entries"]:
        entry.update(seconds=3.25, finished_at="2026-11-02T10:00:00+00:00")
    (tmp_path / "staging.json").write_text(json.dumps(document))
    shown = notifydb("upgrade", "--plan", "--one", "--from-history", str(tmp_path / "staging.json"), **there)
    assert timeless(shown) == snapshot("""\
exit 0
0002_rewrite: one transaction, 2 statements, took N s elsewhere on 2026-11-02
  ACCESS EXCLUSIVE on users: 25,000 rows, 1 MB; rewritten, scanned; every read and write of the table waits for TIME
  small tables: SHARE ROW EXCLUSIVE on teams
  way back: yes, tried on the shadow

1 migration pending on TESTDB, up to 0002_rewrite
  0002_rewrite: every read and write of users (25,000 rows) waits for TIME
""")
    piped = notifydb("upgrade", "--plan", "+2", "--from-history", "-", stdin=json.dumps(document), **there)
    assert "0003_index: leaves its transaction at line 16, 2 statements, took N s elsewhere" in piped.out


def test_the_promised_json(there: dict[str, str], notifydb: Notifydb) -> None:
    document = notifydb("upgrade", "--plan", "--format", "json", **there).json
    assert matches_schema("upgrade-plan", document)
    first, index, *_ = document["migrations"]
    assert first["tables"][0] | {"held_ms": 1, "bytes": 2} == snapshot(
        {
            "table": "public.users",
            "lock": "ACCESS EXCLUSIVE",
            "transaction": 1,
            "blocks": True,
            "waits": "every read and write of the table waits",
            "held_ms": 1,
            "rows": 25000,
            "bytes": 2,
            "rewritten": True,
            "scanned": True,
            "changed": False,
        }
    )
    assert (index["transactional"], index["leaves_transaction_at"]) == (False, [16])
    done = notifydb("upgrade", "0001", "--plan", "--format", "json", **there).json
    assert matches_schema("upgrade-plan", done)
    assert done["migrations"] == []
    blind = notifydb("upgrade", "--plan", "--format", "json", **{**there, **NOWHERE}).json
    assert matches_schema("upgrade-plan", blind)
    assert {each["seen"] for each in blind["migrations"]} == {"statement"}


def test_without_a_shadow(there: dict[str, str], notifydb: Notifydb, grown: SmallProject) -> None:
    grown.add("0006_asks", 'op.get_bind().execute(sa.text("SELECT 1")).scalar()')
    assert timeless(notifydb("upgrade", "--plan", **{**there, **NOWHERE})) == snapshot("""\
exit 0
0002_rewrite: one transaction, 2 statements
  ACCESS EXCLUSIVE on users: 25,000 rows, 1 MB; every read and write of the table waits for TIME
  small tables: SHARE ROW EXCLUSIVE on teams
  way back: downgrade(), not tried

0003_index: leaves its transaction at line 16, 2 statements
  ACCESS EXCLUSIVE on users: 25,000 rows, 1 MB; every read and write of the table waits for TIME
  SHARE UPDATE EXCLUSIVE on users: 25,000 rows, 1 MB
  way back: downgrade(), not tried

0004_drops: one transaction, 4 statements
  ROW EXCLUSIVE on people: 25,000 rows, 1 MB
  small tables: ACCESS EXCLUSIVE on rates
  destroys: drops table public.rates, deletes rows of public.people
    it says why: nobody reads them
  way back: none: downgrade() refuses
  not checked: line 15: what DO does

0005_backfill: one transaction, 2 statements
  ROW EXCLUSIVE on people: 25,000 rows, 1 MB
  destroys: truncates public.new
    refused here: the environment is production (NOTIFYDB_ENVIRONMENT), and destructive operations are not allowed by the settings (allow_destructive)
  way back: broken: downgrade() is empty: the stamp goes back, and what upgrade() did stays

0006_asks: what it sends is not known
  way back: broken: downgrade() is empty: the stamp goes back, and what upgrade() did stays
  not checked: 0006_asks does not run offline: AttributeError: 'NoneType' object has no attribute 'scalar'

5 migrations pending on TESTDB, up to 0006_asks
  not run on a shadow: all; locks are the documented ones, not measured
  0002_rewrite: every read and write of users (25,000 rows) waits for TIME
  0003_index: every read and write of users (25,000 rows) waits for TIME
  destroys, and is refused here: 0005_backfill
  destroys: 0004_drops
  no way back: 0004_drops, 0005_backfill, 0006_asks
  not checked: the server cannot be used for shadow databases: connection failed: connection to server at "127.0.0.1", port 1 failed: Connection refused
""")


def test_what_fails_on_the_shadow_and_what_comes_after_it(
    grown: SmallProject, there: dict[str, str], notifydb: Notifydb
) -> None:
    (grown.project.versions / "0003_index.py").unlink()
    for path in grown.project.versions.glob("000[45]*"):
        path.unlink()
    grown.add("0003_fails", 'op.drop_column("users", "nick")')
    grown.add("0004_after", 'op.drop_column("users", "name")')
    assert timeless(notifydb("upgrade", "--plan", **there)) == snapshot("""\
exit 0
0002_rewrite: one transaction, 2 statements
  ACCESS EXCLUSIVE on users: 25,000 rows, 1 MB; rewritten, scanned; every read and write of the table waits for TIME
  small tables: SHARE ROW EXCLUSIVE on teams
  way back: yes, tried on the shadow

0003_fails: one transaction, 1 statement
  fails on the shadow: column "nick" of relation "users" does not exist
  ACCESS EXCLUSIVE on users: 25,000 rows, 1 MB; every read and write of the table waits for TIME
  destroys: drops column public.users.nick
    refused here: the environment is production (NOTIFYDB_ENVIRONMENT), and destructive operations are not allowed by the settings (allow_destructive)
  way back: broken: downgrade() is empty: the stamp goes back, and what upgrade() did stays

0004_after: one transaction, 1 statement
  ACCESS EXCLUSIVE on users: 25,000 rows, 1 MB; every read and write of the table waits for TIME
  destroys: drops column public.users.name
    refused here: the environment is production (NOTIFYDB_ENVIRONMENT), and destructive operations are not allowed by the settings (allow_destructive)
  way back: broken: downgrade() is empty: the stamp goes back, and what upgrade() did stays
  not checked: 0003_fails, which comes before it, fails on the shadow

3 migrations pending on TESTDB, up to 0004_after
  not run on a shadow: 0004_after; locks are the documented ones, not measured
  0002_rewrite: every read and write of users (25,000 rows) waits for TIME
  0003_fails: every read and write of users (25,000 rows) waits for TIME
  0004_after: every read and write of users (25,000 rows) waits for TIME
  fails on the shadow: 0003_fails
  destroys, and is refused here: 0003_fails, 0004_after
  no way back: 0003_fails, 0004_after
""")


def test_nothing_to_plan(there: dict[str, str], notifydb: Notifydb) -> None:
    assert str(notifydb("upgrade", "0001", "--plan", **there)) == snapshot("""\
exit 0
[out]
nothing to do: the database is at 0001_base
""")


def test_the_database_is_only_read_and_nothing_there_is_waited_for(
    there: dict[str, str], notifydb: Notifydb, database: str
) -> None:
    before = query(database, "SELECT count(*), max(id) FROM notifydb.history")
    name = sa.make_url(database).database
    query(database, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    with make_engine(database).connect() as conn:
        conn.exec_driver_sql("LOCK users, teams, rates IN ACCESS EXCLUSIVE MODE")
        shown = notifydb("upgrade", "--plan", **there)
    assert shown.code == 0, shown.err
    assert query(database, "SELECT count(*), max(id) FROM notifydb.history") == before


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"version": 2, "entries": []}',
        '{"version": 1}',
        '{"version": 1, "entries": [1]}',
        '{"version": 1, "entries": [{"operation": "upgrade", "outcome": "done", "revision": "a", "seconds": 1}]}',
        '{"version": 1, "entries": [{"operation": "upgrade", "outcome": "done", "revision": "a", "seconds": 1, "finished_at": "2026-11-02"}]}',
    ],
)
def test_a_history_that_is_none(text: str, grown: SmallProject, notifydb: Notifydb) -> None:
    refused = notifydb("upgrade", "--plan", "--from-history", "-", stdin=text)
    assert refused.code == 2
    assert "error: the history of stdin cannot be read: " in refused.err
    assert "notifydb history --database --format json" in refused.err


def test_options_that_do_not_go_together(grown: SmallProject, notifydb: Notifydb) -> None:
    assert str(notifydb("upgrade", "--plan", "--sql")) == snapshot("""\
exit 2
[err]
error: --plan and --sql do not go together
""")
    assert str(notifydb("upgrade", "--from-history", "x.json")) == snapshot("""\
exit 2
[err]
error: --from-history is for --plan
""")
    assert str(notifydb("upgrade", "--plan", "--from-history", "x.json")) == snapshot("""\
exit 2
[err]
error: the history x.json cannot be read: No such file or directory
""")
    assert str(notifydb("upgrade", "--sql", "--take-back")) == snapshot("""\
exit 2
[err]
error: --sql and --take-back do not go together
""")


def test_on_an_empty_database_there_is_nothing_to_refuse(
    grown: SmallProject, notifydb: Notifydb, database: str, server_url: str
) -> None:
    grown.add("0006_drops", 'op.drop_table("teams")')
    shown = notifydb("upgrade", "--plan", DATABASE_URL=database, NOTIFYDB_SHADOW_URL=server_url)
    assert "refused" not in shown.out
    assert "nobody waits" in shown.out
