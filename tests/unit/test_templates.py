"""Migrations from a file of SQL, and the one that changes data in batches."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot
from sqlalchemy.dialects import postgresql

from notifydb import errors
from notifydb.autogen.templates import data_body, sql_body
from notifydb.migrator.template import Body


class Recording:
    """Stands for `op`: keeps what SQLAlchemy would send, and whether that is in a transaction."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.alone: list[str] = []
        self._into = self.sent

    def execute(self, statement: str) -> None:
        dialect = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
        compiled = sa.text(statement).compile(dialect=dialect)
        assert compiled.params == {}
        self._into.append(str(compiled))

    def get_context(self) -> Recording:
        return self

    @contextlib.contextmanager
    def autocommit_block(self) -> Iterator[None]:
        self._into = self.alone
        yield
        self._into = self.sent


def run(body: str) -> Recording:
    """Runs a body as the function that it becomes in a file."""
    op = Recording()
    lines = body.splitlines()
    names: dict[str, Any] = {"op": op}
    exec("\n".join(["def function():", *(f"    {line}" for line in lines)]), names)
    names["function"]()
    return op


def written(folder: Path, sql: str | bytes) -> Body:
    path = folder / "file.sql"
    path.write_bytes(sql if isinstance(sql, bytes) else sql.encode())
    return sql_body(path)


def test_each_statement_is_an_operation(tmp_path: Path) -> None:
    body = written(
        tmp_path,
        """
        -- comments stay out
        UPDATE users SET name = 'a:b', share = '100%' WHERE at::date = '2026-01-01';
        CREATE INDEX CONCURRENTLY ix ON users (name);
        CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$
          SELECT 1; -- ;
        $$;
        -- Downgrade
        DROP FUNCTION f();
        DROP INDEX CONCURRENTLY ix
        """,
    )
    assert f"{body.upgrade}\n---\n{body.downgrade}" == snapshot("""\
op.execute("UPDATE users SET name = 'a:b', share = '100%' WHERE at::date = '2026-01-01'")
with op.get_context().autocommit_block():
    op.execute("CREATE INDEX CONCURRENTLY ix ON users (name)")
op.execute(
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\\n"
    "          SELECT 1; -- ;\\n"
    "        $$"
)
---
op.execute("DROP FUNCTION f()")
with op.get_context().autocommit_block():
    op.execute("DROP INDEX CONCURRENTLY ix")\
""")


def test_without_a_way_back_the_downgrade_says_so(tmp_path: Path) -> None:
    body = written(tmp_path, "SELECT 1")
    with pytest.raises(NotImplementedError, match=r"no way back: file\.sql has no part after `-- downgrade`"):
        run(body.downgrade)


@pytest.mark.parametrize(
    "sql",
    [
        "VACUUM users", "REINDEX TABLE CONCURRENTLY users", "DROP INDEX CONCURRENTLY ix", "REINDEX DATABASE db",
        "ALTER TYPE state ADD VALUE 'sent'", "ALTER SYSTEM SET work_mem = '1MB'", "CREATE DATABASE other",
        "ALTER TABLE a DETACH PARTITION b CONCURRENTLY",
    ],
)  # fmt: skip
def test_what_cannot_run_in_a_transaction_runs_in_none(sql: str, tmp_path: Path) -> None:
    op = run(written(tmp_path, f"SELECT 1; {sql}; SELECT 2").upgrade)
    assert (op.sent, op.alone) == (["SELECT 1", "SELECT 2"], [sql])


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("", "holds no statement to upgrade with"),
        ("-- downgrade\nSELECT 1", "holds no statement to upgrade with"),
        ("SELECT 1;\n-- downgrade\n", "holds no statement after `-- downgrade`"),
        ("SELECT 1;\n-- downgrade\nSELECT 2;\n-- downgrade\nSELECT 3", "more than one line `-- downgrade`"),
        ("SELECT 1;\n\nSELEC 2;", ':3: syntax error at or near "SELEC"'),
        ("SELECT 1;\n-- downgrade\n\nSELEC 2;", ':4: syntax error at or near "SELEC"'),
        ("SELECT 'é';\n\\d users\n", ":2: a command that begins with a backslash is psql's own"),
        ("SELECT 1;\nCOPY t FROM stdin;\n1\t2\n\\.\n", ":2: COPY FROM STDIN reads what"),
        ("BEGIN;\nSELECT 1;\nCOMMIT;", ":1: the migration has a transaction already"),
        ("SELECT 1;\nCOMMIT;", ":2: the migration has a transaction already"),
        ("SELECT 'open", "unterminated quoted string"),
        (b"SELECT '\xff'", "is no UTF-8 text: byte 8"),
    ],
)
def test_what_is_no_migration(sql: str | bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(errors.UsageError) as refused:
        written(tmp_path, sql)
    assert said in refused.value.message


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(errors.UsageError, match=r"none\.sql cannot be read: No such file"):
        sql_body(tmp_path / "none.sql")


@pytest.mark.parametrize("inside", ["'\n-- downgrade\n'", "$x$\n-- downgrade\n$x$", "/*\n-- downgrade\n*/ 1"])
def test_a_mark_inside_of_a_string_is_none(inside: str, tmp_path: Path) -> None:
    op = run(written(tmp_path, f"SELECT {inside};\n-- downgrade\nSELECT 2").upgrade)
    assert op.sent == [f"SELECT {inside}"]


TEXTS = st.text(st.characters(exclude_characters="\0'$\\", exclude_categories=["Cs"]), max_size=30)
QUOTED = st.one_of(
    TEXTS.map(lambda text: f"'{text}'"),
    TEXTS.map(lambda text: f"$tag$ '{text}\\ {{}} ; $tag$"),
    TEXTS.map(lambda text: f"E'\\\\{text}\\''"),
    st.sampled_from(["now()::date", "'a :b: c'", '"é:x"', "x := 1", "'%s %% :name'"]),
    st.sampled_from(["$$\r\n\t:a\\:b\r\n$$", "a.b[1:2]"]),
)  # fmt: skip


@given(values=st.lists(QUOTED, min_size=1, max_size=4))
@example(values=["'\x85\u2028\x0c\x1c'", "$tag$ \u2029\r$tag$", "E'\\:x'"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_runs_is_what_the_file_says(values: list[str], tmp_path: Path) -> None:
    statements = [f"SELECT f({value})" for value in values]
    body = written(tmp_path, ";\n".join(statements) + ";\n-- downgrade\n" + ";".join(statements))
    assert run(body.upgrade).sent == statements
    assert run(body.downgrade).sent == statements


def test_a_backfill_that_is_not_filled_in_fails() -> None:
    with pytest.raises(NotImplementedError, match="the statement belongs into `backfill`"):
        run(data_body().upgrade)


def test_a_backfill_goes_on_until_no_row_is_left() -> None:
    counts = [1000, 1000, 17, 0]

    class Connection(Recording):
        def get_bind(self) -> Connection:
            return self

        def exec_driver_sql(self, statement: str) -> Connection:
            assert self._into is self.alone
            self._into.append(statement)
            return self

        @property
        def rowcount(self) -> int:
            return counts.pop(0)

    op = Connection()
    exec(data_body().upgrade.replace('backfill = ""', 'backfill = "UPDATE users"'), {"op": op})
    assert (op.alone, counts) == (["UPDATE users"] * 4, [])


def test_a_backfill_has_a_downgrade_that_changes_nothing() -> None:
    op = run(data_body().downgrade)
    assert (op.sent, op.alone) == ([], [])
