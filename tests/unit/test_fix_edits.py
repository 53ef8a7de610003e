"""What a fix changes in a file, for whatever blanks and comments stand in it: the operation, and nothing else."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifydb.findings import Rewrite
from notifydb.fixes import edits
from notifydb.fixes.forms import form_of
from notifydb.fixes.source import NotFixable, Source, operation_of

HEAD = '"""É: a migration"""\n\nfrom alembic import op\nimport sqlalchemy as sa\n\nrevision = "0002"\n\n\n'

blanks = st.sampled_from(
    ["", " ", "  ", "\n", "\n        ", "\n\n\t", "  # a comment\n   ", "\n    # é ü\n\n    "]
)
arguments = st.lists(
    st.sampled_from(["unique=True", 'schema="x"', "postgresql_where=sa.text('a > 1')", "**{}"]),
    unique=True,
    max_size=3,
)
above = st.sampled_from(
    ["", "    # why\n", "\n    # first\n\n    #second\n", '    """Docstring."""\n\n', "    pass\n"]
)
beside = st.sampled_from(["", "  # beside", "\t# é", ";"])


@st.composite
def calls(draw: st.DrawFn) -> str:
    """`op.create_index(...)` in any of the ways in which it can be written."""
    given_ = ['"ix"', '"users"', '["name"]', *draw(arguments)]
    parts = [draw(blanks) + each + draw(blanks) for each in given_]
    ending = "," + draw(blanks) if draw(st.booleans()) else ""
    return f"op.create_index({','.join(parts)}{ending})"


def comments(source: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def keywords(call: ast.Call) -> dict[str | None, str]:
    return {each.arg: ast.unparse(each.value) for each in call.keywords}


def unindented(source: str) -> str:
    return "\n".join(line.strip() for line in source.splitlines())


def fixed(source: str) -> str:
    """The file with its only operation in the concurrent form."""
    found = Source(Path("0002.py"), source.encode())
    ups = found.statements("upgrade")
    (operation,) = [each for statement in ups if (each := operation_of(statement))]
    form = form_of(Rewrite.CONCURRENTLY, found, operation, "CREATE INDEX ix ON users (name)", None)
    up = [new for each in ups for new in (form.later if each is operation.statement else (each,))]
    return found.with_bodies(up, found.statements("downgrade")).decode()


@settings(max_examples=300)
@given(calls(), above, beside, st.sampled_from(["\n", "\r\n"]))
def test_all_but_the_operation_stays_byte_for_byte(call: str, over: str, after: str, newline: str) -> None:
    rest = "\n\n# between\n\ndef downgrade():\n  x = [1,\n   2]   # odd\n  pass\n\n# the end"
    source = f"{HEAD}def upgrade():\n{over}    {call}{after}\n{rest}".replace("\n", newline)
    changed = fixed(source)
    first = source.index("    op.create_index")
    assert changed.startswith(source[:first])
    assert changed.endswith(rest.replace("\n", newline))
    assert comments(changed) == comments(source)
    block = next(node for node in ast.walk(ast.parse(changed)) if isinstance(node, ast.With))
    clear, create = (each.value for each in block.body if isinstance(each, ast.Expr))
    assert ast.unparse(clear) == "op.execute('DROP INDEX CONCURRENTLY IF EXISTS ix')"
    old = ast.parse(call.replace("\t", " ")).body[0]
    assert isinstance(old, ast.Expr)
    assert isinstance(old.value, ast.Call)
    assert isinstance(create, ast.Call)
    assert keywords(create) == {**keywords(old.value), "postgresql_concurrently": "True"}
    assert [ast.unparse(each) for each in create.args] == [ast.unparse(each) for each in old.value.args]


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        ('"CREATE INDEX ix ON users (name)"', '"CREATE INDEX CONCURRENTLY ix ON users (name)"'),
        ("'create  unique index ix on users (name);'", "'create  unique index concurrently ix on users (name);'"),
        (
            '"""\n        -- why: CREATE INDEX\n        CREATE INDEX ix ON users (name)\n    """',
            None,
        ),
        ('sa.text("CREATE INDEX ix " "ON users (name)")', 'sa.text("CREATE INDEX CONCURRENTLY ix " "ON users (name)")'),
        (
            '(\n    "CREATE INDEX ix"  # a\n    " ON users (name)"  # b\n)',
            '(\n    "CREATE INDEX CONCURRENTLY ix"  # a\n    " ON users (name)"  # b\n)',
        ),
        ('f"CREATE INDEX ix ON {table} (name)"', None),
        ('"CREATE " "INDEX ix ON users (name)"', None),
        ('"CREATE INDEX ix ON users (name); SELECT 1"', None),
        ('"CREATE " + "INDEX ix ON users (name)"', None),
        ("SQL", None),
        ('"CREATE INDEX ix ON " f"{table} (name)"', None),
    ],
)  # fmt: skip
def test_the_words_of_a_plain_literal_are_changed_and_no_other(literal: str, expected: str | None) -> None:
    source = f"{HEAD}def upgrade():\n    op.execute({literal})\n\n\ndef downgrade():\n    pass\n"
    if expected is None:
        with pytest.raises(NotFixable):
            fixed(source)
    else:
        assert unindented(f"op.execute({expected})") in unindented(fixed(source))


def test_long_sql_is_written_on_several_lines() -> None:
    source = Source(Path("x.py"), HEAD.encode())
    columns = ", ".join(f"column_{number}" for number in range(12))
    sql = f"ALTER TABLE users ADD CONSTRAINT many CHECK (('a  b' = '') OR ({columns}) IS NOT NULL) NOT VALID"
    code = source.code(edits.execute(source, sql))
    call = ast.parse(code).body[0]
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    assert ast.literal_eval(call.value.args[0]) == sql
    assert max(map(len, code.splitlines())) <= 88
