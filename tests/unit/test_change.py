"""A statement in a migration's file is the statement that runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.autogenerate import render_op_text
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from notifydb.autogen.change import Sql


class Executed:
    """Stands for `op`: keeps what it is given to execute, as SQLAlchemy sends it."""

    def execute(self, statement: str) -> None:
        dialect = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
        compiled = sa.text(statement).compile(dialect=dialect)
        assert compiled.params == {}
        self.sql = str(compiled)


@given(st.text(st.sampled_from(list(":\\\\$a1_ '\"%={}()é\n")), min_size=1))
@example(r"SELECT E'\:x :y', ':a:', '::', a::int, x := 1, '{\"a\":1}'")
@example(":na$me:")
def test_text_runs_as_it_was(sql: str) -> None:
    sql = f"SELECT {sql};"
    op = Executed()
    context = AutogenContext(MigrationContext.configure(dialect_name="postgresql"))
    exec(render_op_text(context, Sql(sql)), {"op": op})
    assert op.sql.strip() == sql.strip()
