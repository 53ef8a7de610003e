"""Every way in which a migration can send something: each statement is seen, and has its line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from notifydb.lint.example import Example
from notifydb.lint.probe import Observed, observe
from notifydb.lint.statements import statements_of
from notifydb.migrator import offline
from notifydb.migrator.config import Project
from notifydb.revisions.graph import Revision
from notifydb.revisions.reader import parse_module, read_history
from notifydb.shadow.database import Shadows

pytestmark = pytest.mark.postgres
Seen = tuple[Revision, Observed]
Observe = Callable[[Example], Seen]


@pytest.fixture
def observed(tmp_path: Path, server_url: str) -> Observe:
    def run(example: Example) -> Seen:
        revision = example.write(tmp_path)
        project = Project(tmp_path, tmp_path / "migrations")
        history = read_history(project.versions)
        shadows = Shadows(server_url, project, history, keep=100)
        return history.revisions[revision], observe(shadows, project, history.revisions[revision], rows=10)

    return run


def _lines(seen: Seen) -> list[tuple[str, str]]:
    """Each statement's text, and the comment that ends the line it was attributed to."""
    revision, found = seen
    assert (found.error, [each.failure for each in found.executions if each.failure]) == (None, [])
    source = revision.path.read_text().splitlines()
    statements = statements_of(revision, found.executions, parse_module("\n".join(source), revision.path))
    assert len({id(each.execution) for each in statements}) == len(found.executions)
    return [
        (each.sql, "".join(re.findall(r"# (\w+)$", source[each.location.line - 1]))) for each in statements
    ]


_WAYS = Example(
    """
    bind = op.get_bind()
    op.execute("SELECT 'op'")  # op
    bind.execute(sa.text("SELECT :tag"), {"tag": "bind"})  # bind
    bind.exec_driver_sql("SELECT 'driver_sql'")  # driver_sql
    Session(bind=bind).execute(sa.select(sa.literal("session")))  # session
    with bind.begin_nested():  # savepoint
        bind.execute(sa.text("SELECT 'nested'"))  # nested
    for tag in ("loop", "loop"):
        op.execute(f"SELECT '{tag}'")  # loop
    run("helper")  # helper
    wrapped("decorated")
    list(generated())
    (lambda: op.execute("SELECT 'lambda'"))()  # lambda
    exec("op.execute(\\"SELECT 'exec'\\")")  # exec
    op.bulk_insert(people, [{"id": -1, "name": "bulk"}, {"id": -2, "name": "x"}])  # bulk
    with op.batch_alter_table("users") as batch:  # batch
        batch.add_column(sa.Column("batch", sa.Text))
    teams.create(bind)  # create
    later.append("SELECT 'listener'")
    op.create_table("listener", sa.Column("id", sa.Integer))  # listener
    thread = threading.Thread(target=work, args=(bind,))
    thread.start()
    thread.join()
    sa.Table("users", sa.MetaData(), autoload_with=bind)  # pg_catalog
    raw = bind.connection.cursor()
    raw.execute("SELECT %s, '100 %%'", ("raw",))  # raw
    raw.executemany("INSERT INTO organizations VALUES (%s, %s)", [(-3, "many"), (-4, "y")])  # many
    raw.execute("SELECT 'percent %'")  # percent
    bind.connection.driver_connection.execute("SELECT 'driver'")  # driver
    with raw.copy("COPY organizations (id, name) FROM STDIN") as copy:  # copy
        copy.write_row((-5, "copied"))
    for _ in raw.stream("SELECT 'stream'"):  # stream
        pass
    with bind.connection.driver_connection.cursor("server") as server:
        server.execute("SELECT 'server'")  # server
        server.fetchall()
    with bind.connection.driver_connection.cursor(row_factory=dict_row) as rows:
        rows.execute("SELECT 'rows' AS a")  # rows
    bind.connection.driver_connection.row_factory = dict_row
    op.execute("SELECT 'dict'")  # dict
    with bind.engine.begin() as second:
        second.execute(sa.text("SELECT 'second'"))  # second
    """,
    imports="""
import functools, threading
from psycopg.rows import dict_row
from sqlalchemy.orm import Session
from capture_ways import listen, run

people = sa.table("organizations", sa.column("id", sa.Integer), sa.column("name", sa.Text))
later = []
listen(later)
teams = sa.Table("create", sa.MetaData(), sa.Column("id", sa.Integer))


def logged(function):
    @functools.wraps(function)
    def inner(*args):
        return function(*args)
    return inner


@logged
def wrapped(tag):
    op.execute(f"SELECT '{tag}'")  # decorated


def generated():
    yield op.execute("SELECT 'generated'")  # generated


def work(bind):
    bind.execute(sa.text("SELECT 'thread'"))  # thread
""",
    application={
        "capture_ways.py": """\
            import sqlalchemy as sa
            from alembic import op

            def run(tag):
                op.execute(f"SELECT '{tag}'")

            def listen(later):
                @sa.event.listens_for(sa.Table, "after_create")
                def created(table, conn, **_):
                    while later:
                        conn.exec_driver_sql(later.pop())
            """
    },
)


def test_each_way_has_its_line(observed: Observe) -> None:
    """A statement and its line bear the same word, in every word's line there is one."""
    lines = _lines(observed(_WAYS))
    assert [(sql, word) for sql, word in lines if not word or word not in sql.lower()] == []
    assert {word for _, word in lines} == set(re.findall(r"# (\w+)$", _WAYS.upgrade + _WAYS.imports, re.M))


def test_what_is_sent_behind_the_back_of_the_migration_is_its_upgrades(observed: Observe) -> None:
    """A thread, a hook of the session's end and a pipeline: no frame is the migration's, and none is lost."""
    seen = observed(
        Example(
            """
            in_a_thread(op.get_bind())
            at_the_end(op.get_bind())
            """,
            imports="from capture_behind import at_the_end, in_a_thread",
            application={
                "capture_behind.py": """\
                    import threading
                    import sqlalchemy as sa

                    def in_a_thread(bind):
                        thread = threading.Thread(target=bind.exec_driver_sql, args=("SELECT 'thread'",))
                        thread.start()
                        thread.join()

                    def at_the_end(bind):
                        @sa.event.listens_for(bind, "commit")
                        def committed(conn):
                            conn.connection.cursor().execute("SELECT 'end'")
                    """
            },
        )
    )
    revision, found = seen
    head = revision.path.read_text().splitlines().index("def upgrade():") + 1
    assert [(each.sql, each.frames[0].line) for each in found.executions] == [
        ("SELECT 'thread'", head),
        ("SELECT 'end'", head),
    ]


def test_an_upgrade_of_another_module_begins_at_the_files_head(tmp_path: Path) -> None:
    example = Example(
        "pass",
        imports="from capture_shared import upgrade as shared",
        application={
            "capture_shared.py": "from alembic import op\n\n\ndef upgrade():\n    op.execute('SELECT 1')\n"
        },
    )
    revision = example.write(tmp_path)
    path = tmp_path / "migrations" / "versions" / f"{revision}.py"
    path.write_text(re.sub(r"def upgrade\(\):\n    pass", "upgrade = shared", path.read_text()))
    project = Project(tmp_path, tmp_path / "migrations")
    history = read_history(project.versions)
    (captured,) = offline.capture(project, history, history.revisions[revision])
    assert [(each.path.name, each.line) for each in captured.frames] == [
        ("0002_example.py", 1),
        ("capture_shared.py", 5),
    ]


def test_statements_on_the_version_table_count_if_the_migration_sends_them(observed: Observe) -> None:
    lines = _lines(
        observed(Example('op.execute("ALTER TABLE alembic_version ALTER version_num TYPE varchar(64)")'))
    )
    assert len(lines) == 1


def test_a_failure_that_the_migration_survives(observed: Observe) -> None:
    _, found = observed(
        Example("""
            try:
                op.get_bind().connection.cursor().execute("SELECT nothing")
            except Exception:
                op.execute("ROLLBACK")
            with op.get_bind().connection.driver_connection.pipeline():
                op.get_bind().connection.cursor().execute("SELECT 1")
                op.get_bind().connection.cursor().execute("SELECT 2")
            """)
    )
    assert found.error is None
    assert [(each.sql, each.failure is None) for each in found.executions] == [
        ("SELECT nothing", False),
        ("ROLLBACK", True),
        ("SELECT 1", True),
        ("SELECT 2", True),
    ]
