"""`upgrade --sql`: what psql makes of the script is what the migrations make."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from inline_snapshot import snapshot

from conftest import ROOT, MakeDatabase, SmallProject, query
from notifydb import errors
from notifydb.migrator import execute
from notifydb.migrator.config import Project
from notifydb.postgres.catalog import catalog_at, compare
from notifydb.postgres.connect import make_engine
from notifydb.revisions.graph import History
from notifydb.revisions.reader import read_history
from notifydb.runner.plan import plan_upgrade
from notifydb.runner.script import Script, write
from notifydb.runner.tape import record
from notifydb.shadow.database import Shadows
from notifydb.shadow.server import Server

pytestmark = pytest.mark.postgres
NOTIFY = Project(ROOT, ROOT / "alembic", metadata="notifydb.models:metadata")


def no_shadows() -> Shadows:
    raise errors.ShadowUnavailable("there is no server for shadow databases")


Psql = Callable[[str, Script], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def psql(server: Server, tmp_path: Path) -> Psql:
    """Runs the script on a database as its head says."""

    def run(url: str, script: Script) -> subprocess.CompletedProcess[str]:
        (tmp_path / "script.sql").write_text(script.text, encoding="utf-8")
        plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        return subprocess.run(
            [server.binaries / "psql", "--no-psqlrc", "--quiet", "-d", plain, "-f", tmp_path / "script.sql"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


def rows(url: str) -> dict[str, set[tuple[object, ...]]]:
    """What is in each table, as text, in no order."""
    tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    return {str(name): set(query(url, f'SELECT t::text FROM "{name}" t')) for (name,) in query(url, tables)}


def written(project: Project, server_url: str, current: tuple[str, ...] = ()) -> Script:
    history = read_history(project.versions)
    plan = plan_upgrade(history, current)
    return write(project, history, plan, lambda: Shadows(server_url, project, history))


def same(psql: Psql, project: Project, server_url: str, ordinary: str, ours: str) -> Script:
    """The script, once an ordinary upgrade and psql have made the same of two empty databases."""
    script = written(project, server_url)
    done = psql(ours, script)
    assert done.returncode == 0, done.stderr
    execute.upgrade(make_engine(ordinary), project)
    assert compare(catalog_at(ordinary), catalog_at(ours)) == ()
    assert rows(ours).keys() == rows(ordinary).keys()
    assert {table: len(held) for table, held in rows(ours).items()} == {
        table: len(held) for table, held in rows(ordinary).items()
    }
    return script


def test_the_notify_history(psql: Psql, server_url: str, make_database: MakeDatabase) -> None:
    script = same(psql, NOTIFY, server_url, make_database(), make_database())
    assert [revision[:4] for revision, _ in script.taken_down] == snapshot(
        ["0014", "0021", "0051", "0068", "0093", "0103"]
    )
    assert script.text.count("UPDATE alembic_version") == len(read_history(NOTIFY.versions).revisions) - 1


def test_from_where_the_database_is(
    psql: Psql, server_url: str, make_database: MakeDatabase, history: History
) -> None:
    ordinary, ours = make_database(), make_database()
    for url in (ordinary, ours):
        execute.upgrade(make_engine(url), NOTIFY, "0060")
    script = written(NOTIFY, server_url, (history.get("0060").id,))  # type: ignore[union-attr]
    done = psql(ours, script)
    assert done.returncode == 0, done.stderr
    execute.upgrade(make_engine(ordinary), NOTIFY)
    assert compare(catalog_at(ordinary), catalog_at(ours)) == ()
    again = psql(ours, script)
    assert again.returncode == 3
    assert "this script begins at 0060_" in again.stderr


@pytest.fixture(scope="module")
def history() -> History:
    return read_history(NOTIFY.versions)


AWKWARD = {
    "0001_texts": r'''
        table = op.create_table("texts", sa.Column("a%b", sa.Text, server_default="50%\\n\t"))
        op.execute("INSERT INTO texts VALUES ('100% \\: \\:x \t|'), ('q''q'), ('\\\\')")
        op.bulk_insert(table, [{"a%b": "it's\\ 5% :x\t$$\n-- no; comment\n\\q"}, {"a%b": None}])
        op.execute("INSERT INTO texts VALUES (E'\\\\x41'), ($a$it's; $$ -- \\q$a$) -- the end; of it")
        op.execute("""
            CREATE FUNCTION tell(x int) RETURNS text LANGUAGE plpgsql AS $$
            BEGIN
                -- it's 5%; \\q
                RETURN format('%s;%%', x % 7);
            END;
            $$;
        """)
        op.execute("CREATE VIEW sliced AS SELECT (ARRAY[1,2,3])[1\\:2]\\:\\:text AS a, 'DBNAME\\:x' AS b")
    ''',
    "0002_needs_a_database": r'''
        bind = op.get_bind()
        found = bind.execute(sa.text("SELECT count(*) FROM texts")).scalar()
        bind.execute(sa.text("INSERT INTO texts VALUES (:v)"), [{"v": f"{found}% \\ :x 'q' $$\t\n;"}, {"v": "é"}])
        bind.exec_driver_sql("INSERT INTO texts SELECT '7%' WHERE 7 % 2 = 1")
        sa.Enum("a'b", "5%", name="kinds").create(bind)
        if "texts" in sa.inspect(bind).get_table_names():
            op.add_column("texts", sa.Column("kind", sa.Enum("a'b", "5%", name="kinds", create_type=False)))
        bind.execute(sa.text("SELECT setval('numbers', 41)")) if False else None
    ''',
    "0003_out_of_its_transaction": '''
        op.get_bind().execute(sa.text("SELECT 1")).scalar()
        op.create_index("ix_inside", "texts", ["kind"])
        with op.get_context().autocommit_block():
            op.execute("ALTER TYPE kinds ADD VALUE 'new'")
            op.create_index("ix_texts", "texts", ["kind"], postgresql_concurrently=True)
        op.execute("INSERT INTO texts (kind) VALUES ('new')")
    ''',
    "0004_raw_commit": '''
        op.execute("CREATE TABLE before_it (id int)")
        op.execute("COMMIT")
        op.execute("CREATE INDEX CONCURRENTLY ix_raw ON before_it (id)")
        op.execute("INSERT INTO before_it VALUES (1); INSERT INTO before_it VALUES (2)")
    ''',
    "0005_raw_commit_online": '''
        op.get_bind().execute(sa.text("CREATE TABLE online (id int)"))
        op.execute("COMMIT")
        op.execute("CREATE INDEX CONCURRENTLY ix_online ON online (id)")
        op.execute("BEGIN")
        op.execute("INSERT INTO online VALUES (1)")
    ''',
    "0006_what_failed_on_purpose": '''
        bind = op.get_bind()
        try:
            with bind.begin_nested():
                bind.execute(sa.text("INSERT INTO online VALUES (7)"))
                bind.execute(sa.text("SELECT 1/0"))
        except sa.exc.DBAPIError:
            bind.execute(sa.text("INSERT INTO online VALUES (8)"))
    ''',
}  # fmt: skip


def test_what_is_awkward_to_write(
    psql: Psql, small_project: SmallProject, server_url: str, make_database: MakeDatabase
) -> None:
    small_project.add_all(AWKWARD)
    ordinary, ours = make_database(), make_database()
    script = same(psql, small_project.project, server_url, ordinary, ours)
    assert rows(ours) == rows(ordinary)
    assert [revision for revision, _ in script.taken_down] == snapshot(
        ["0002_needs_a_database", "0003_out_of_its_transaction", "0006_what_failed_on_purpose"]
    )


def test_what_is_rolled_back_or_only_read_is_not_taken_down(
    small_project: SmallProject, server_url: str
) -> None:
    small_project.add("0001_t", 'op.create_table("t", sa.Column("id", sa.Integer))')
    small_project.add(
        "0002_odd",
        """
        bind = op.get_bind()
        bind.exec_driver_sql("INSERT INTO t VALUES (1)")
        bind.exec_driver_sql("SELECT count(*) FROM t")
        with bind.engine.connect() as second:
            second.exec_driver_sql("SELECT 2")
        bind.exec_driver_sql("INSERT INTO t VALUES (2)")
        """,
    )
    history = read_history(small_project.project.versions)
    shadows = Shadows(server_url, small_project.project, history)
    sent = record(shadows, small_project.project, history.revisions["0002_odd"])
    assert [each.sql for each in sent] == ["INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)"]
    assert sent[0].transaction == sent[1].transaction


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (
            """
            with op.get_bind().connection.cursor() as cursor, cursor.copy("COPY t FROM STDIN") as copy:
                copy.write_row((1,))
            """,
            "it loads rows with COPY, which only the driver can send",
        ),
        (
            """
            op.get_bind().exec_driver_sql("INSERT INTO t VALUES (1)")
            with op.get_bind().engine.begin() as second:
                second.exec_driver_sql("CREATE TABLE u (id int)")
            """,
            "it works on two connections at once",
        ),
        ("op.get_bind().exec_driver_sql('SELECT 1/0')", "0002_odd failed in upgrade() at 0002_odd.py:15"),
    ],
)
def test_what_no_script_can_repeat(body: str, why: str, small_project: SmallProject, server_url: str) -> None:
    small_project.add("0001_t", 'op.create_table("t", sa.Column("id", sa.Integer))')
    small_project.add("0002_odd", body)
    with pytest.raises(
        errors.MigrationFailed, match=r"0002_odd does not run offline: .*; nor can it be taken down"
    ) as failed:
        written(small_project.project, server_url)
    assert why in failed.value.message


def test_what_needs_a_shadow_and_has_none(small_project: SmallProject) -> None:
    small_project.add("0001_t", 'op.create_table("t", sa.Column("id", sa.Integer))')
    history = read_history(small_project.project.versions)
    assert write(small_project.project, history, plan_upgrade(history, ()), no_shadows).taken_down == ()
    small_project.add("0002_asks", "op.get_bind().execute(sa.text('SELECT :v'), {'v': 1})")
    history = read_history(small_project.project.versions)
    with pytest.raises(errors.ShadowUnavailable, match="there is no server for shadow databases"):
        write(small_project.project, history, plan_upgrade(history, ()), no_shadows)


def test_branches_and_their_merge_are_stamped_as_alembic_does(
    psql: Psql, small_project: SmallProject, server_url: str, make_database: MakeDatabase
) -> None:
    for name, down in {"0001_a": None, "0002_b": "0001_a", "0002_c": "0001_a"}.items():
        small_project.add(name, f'op.create_table("t_{name}", sa.Column("id", sa.Integer))', down=down)
    merge = small_project.add("0003_merge", "pass", down="0002_b")
    merge.write_text(merge.read_text().replace("'0002_b'", "('0002_b', '0002_c')"))
    ours = make_database()
    script = same(psql, small_project.project, server_url, make_database(), ours)
    assert query(ours, "SELECT version_num FROM alembic_version") == [("0003_merge",)]
    stamps = [line for line in script.text.splitlines() if "alembic_version" in line]
    assert stamps[-5:] == [
        "INSERT INTO alembic_version (version_num) VALUES ('0001_a');",
        "UPDATE alembic_version SET version_num = '0002_b' WHERE version_num = '0001_a';",
        "INSERT INTO alembic_version (version_num) VALUES ('0002_c');",
        "UPDATE alembic_version SET version_num = '0003_merge' WHERE version_num = '0002_b';",
        "DELETE FROM alembic_version WHERE version_num = '0002_c';",
    ]
