"""The kinds of migrations that the generated history has, as users write them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Final

#: Lines of an `upgrade()`, not indented.
Body = list[str]

ROWS: Final = 120
TABLES: Final = ("accounts", "orders", "items")
#: An index or a check that calls it takes a while, so that a fault can land inside of its statement.
_SLOW: Final = (
    "CREATE FUNCTION slow(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
    " 'BEGIN PERFORM pg_sleep(0.0003); RETURN n; END'"
)
BEGINNING: Final[Body] = [
    f"op.execute({_SLOW!r})",
    'op.execute("CREATE TABLE applied (revision text)")',
    "op.execute(\"CREATE TYPE mood AS ENUM ('calm')\")",
    f"for table in {TABLES!r}:",
    '    op.create_table(table, sa.Column("id", sa.Integer, primary_key=True), sa.Column("amount", sa.Integer),',
    '                    sa.Column("note", sa.Text))',
    '    op.execute(f"ALTER TABLE {table} ADD COLUMN mood mood")',
    f"    op.execute(f\"INSERT INTO {{table}} SELECT n, n % 17, 'row ' || n FROM generate_series(1, {ROWS}) n\")",
]


class Maker:
    """What the history has made so far; each of its choices comes from the seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.number = 0
        self.indexes: list[tuple[str, str]] = []
        self.columns: list[tuple[str, str]] = []
        self.tables: list[str] = []

    def table(self) -> str:
        return self.random.choice(TABLES)

    def named(self, stem: str) -> str:
        """A name that only this migration gives."""
        return f"{stem}_{self.number}"

    def column(self, table: str) -> str:
        """The name of a column that the migration adds."""
        name = self.named("c")
        self.columns.append((table, name))
        return name

    def index(self, table: str, stem: str = "ix") -> str:
        """The name of an index that the migration builds, and a later one may drop."""
        name = self.named(f"{stem}_{table}")
        self.indexes.append((table, name))
        return name

    def expression(self) -> str:
        """What is indexed; the number makes it this migration's own."""
        return self.random.choice(
            [f"slow(amount + {self.number})", "note, amount", f"(amount - {self.number})"]
        )

    def pause(self) -> Body:
        """A moment for a fault to land in: inside of a statement, between two, or none."""
        seconds = round(self.random.uniform(0.005, 0.06), 3)
        return self.random.choice([[sql(f"SELECT pg_sleep({seconds})")], [f"time.sleep({seconds})"], []])

    def paused(self, *bodies: Body) -> Body:
        """The bodies, each with a pause behind it."""
        return [line for body in bodies for line in (*body, *self.pause())]


Kind = Callable[[Maker], Body]


def sql(text: str) -> str:
    """A statement as a migration sends it."""
    return f"op.execute({text!r})"


def indented(lines: Iterable[str]) -> Body:
    return [f"    {line}" for line in lines]


def block(body: Body) -> Body:
    """The body, in an autocommit block."""
    return ["with op.get_context().autocommit_block():", *indented(body)]


def _add(table: str, column: str, type_: str = "Integer") -> str:
    return f"op.add_column({table!r}, sa.Column({column!r}, sa.{type_}))"


def ddl_in_its_transaction(make: Maker) -> Body:
    table = make.table()
    column = make.column(table)
    return make.paused(
        [_add(table, column)],
        [sql(f"UPDATE {table} SET {column} = amount + {make.number}")],
        [f"op.create_index({make.index(table)!r}, {table!r}, [{column!r}])"],
    )


def table_with_rows(make: Maker) -> Body:
    table, parent = make.named("t"), make.table()
    make.tables.append(table)
    rows = [{"id": each, "parent": each} for each in range(1, 30)]
    return make.paused(
        [
            "id, parent = sa.Column('id', sa.Integer, primary_key=True), sa.Column('parent', sa.Integer)",
            f"made = op.create_table({table!r}, id, parent)",
        ],
        [f"op.bulk_insert(made, {rows!r})"],
        [f"op.create_foreign_key({make.named('fk')!r}, {table!r}, {parent!r}, ['parent'], ['id'])"],
    )


def build(make: Maker) -> Body:
    table = make.table()
    columns = make.random.choice(["['note', 'amount']", f"[sa.text('slow(amount + {make.number})')]"])
    line = f"op.create_index({make.index(table)!r}, {table!r}, {columns}, postgresql_concurrently=True)"
    return block(make.paused([line]))


def build_unique(make: Maker) -> Body:
    table = make.table()
    what = f"{make.index(table, 'uq')} ON {table} (slow(id), (amount + {make.number})) WHERE id % 2 = 0"
    return block(make.paused([sql(f"CREATE UNIQUE INDEX CONCURRENTLY {what}")]))


def build_if_not_exists(make: Maker) -> Body:
    table = make.table()
    name = make.index(table)
    raw = sql(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {table} ({make.expression()})")
    line = (
        f"op.create_index({name!r}, {table!r}, [sa.text('slow(id + {make.number})')],"
        " postgresql_concurrently=True, if_not_exists=True)"
    )
    return block(make.paused([make.random.choice([raw, line])]))


def build_unnamed(make: Maker) -> Body:
    table = make.table()
    return block(make.paused([sql(f"CREATE INDEX CONCURRENTLY ON {table} ({make.expression()}, id)")]))


def build_several(make: Maker) -> Body:
    table, other = make.table(), make.table()
    return block(
        make.paused(
            [sql("SET lock_timeout = '4s'")],
            [sql(f"CREATE INDEX CONCURRENTLY {make.index(table, 'a')} ON {table} ({make.expression()})")],
            [sql(f"VACUUM ANALYZE {other}")],
            [sql(f"CREATE INDEX CONCURRENTLY {make.index(other, 'b')} ON {other} ({make.expression()})")],
            [sql(f"CREATE INDEX CONCURRENTLY ON {table} ((amount * {make.number}))")],
        )
    )


def drop(make: Maker) -> Body:
    if not make.indexes:
        return build(make)
    table, name = make.indexes.pop(make.random.randrange(len(make.indexes)))
    forms = [
        f"op.drop_index({name!r}, table_name={table!r}, postgresql_concurrently=True)",
        sql(f"DROP INDEX CONCURRENTLY {name}"),
        sql(f"DROP INDEX CONCURRENTLY IF EXISTS {name}"),
    ]
    return block(make.paused([make.random.choice(forms)]))


def swap_indexes(make: Maker) -> Body:
    table = make.table()
    old, new = make.named("old"), make.index(table, "new")
    return make.paused(
        [sql(f"CREATE INDEX {old} ON {table} (amount)")],
        block(
            make.paused(
                [sql(f"CREATE INDEX CONCURRENTLY {new} ON {table} ({make.expression()})")],
                [sql(f"DROP INDEX CONCURRENTLY {old}")],
            )
        ),
        [sql(f"ALTER INDEX {new} RENAME TO {new}_x")],
        [sql(f"ALTER INDEX {new}_x RENAME TO {new}")],
    )


def reindex(make: Maker) -> Body:
    names = [name for _, name in make.indexes] or [f"{make.table()}_pkey"]
    return block(make.paused([sql(f"REINDEX INDEX CONCURRENTLY {make.random.choice(names)}")]))


def batches_by_rowcount(make: Maker) -> Body:
    table = make.table()
    column = make.column(table)
    update = (
        f"UPDATE {table} SET {column} = amount * 2 WHERE id IN "
        f"(SELECT id FROM {table} WHERE {column} IS NULL ORDER BY id LIMIT 30)"
    )
    return make.paused(
        [_add(table, column)],
        block(
            [
                f"while op.get_bind().execute(sa.text({update!r})).rowcount:",
                *indented(make.pause() or ["pass"]),
            ]
        ),
        [f"op.alter_column({table!r}, {column!r}, nullable=False, server_default='0')"],
    )


def batches_by_range(make: Maker) -> Body:
    """Each batch counts: one that ran twice, or never, shows."""
    table = make.table()
    return block(
        [
            f"for low in range(0, {ROWS}, 30):",
            f'    op.execute(f"UPDATE {table} SET amount = amount + 1 WHERE id > {{low}} AND id <= {{low}} + 30")',
            *indented(make.pause()),
        ]
    )


def batches_by_key(make: Maker) -> Body:
    table = make.table()
    query = f"SELECT id FROM {table} WHERE id > :last ORDER BY id LIMIT 40"
    update = f"UPDATE {table} SET amount = amount + 1 WHERE id = :id"
    return block(
        [
            "last, bind = 0, op.get_bind()",
            f"while ids := bind.scalars(sa.text({query!r}), {{'last': last}}).all():",
            f"    bind.execute(sa.text({update!r}), [{{'id': each}} for each in ids])",
            "    last = ids[-1]",
            *indented(make.pause()),
        ]
    )


def commit_between_batches(make: Maker) -> Body:
    table = make.table()
    again = make.random.choice([[], [sql("BEGIN")]])
    return [
        f"for low in range(0, {ROWS}, 30):",
        f'    op.execute(f"UPDATE {table} SET amount = amount + 2 WHERE id > {{low}} AND id <= {{low}} + 30")',
        *indented(make.pause()),
        *indented([sql(f"UPDATE {table} SET note = note || '.' WHERE id = 1")]),
        *indented([sql("COMMIT"), *make.pause(), *again]),
    ]


def commit_then_ddl(make: Maker) -> Body:
    table = make.table()
    before, after = make.named("before"), make.column(table)
    name = make.index(table)
    return make.paused(
        [_add(table, before)],
        [sql("COMMIT")],
        [sql(f"CREATE INDEX CONCURRENTLY {name} ON {table} ({make.expression()})")],
        [_add(table, after, "Text")],
        [sql(f"UPDATE {table} SET {after} = 'n' || id WHERE id % 3 = 0")],
        [sql(f"INSERT INTO {table} (id, amount) VALUES ({1000 + make.number}, 1)")],
    )


def ddl_around_a_block(make: Maker) -> Body:
    table, made = make.table(), make.named("t")
    column, name = make.column(table), make.index(table)
    make.tables.append(made)
    return make.paused(
        [_add(table, column)],
        [f"op.create_table({made!r}, sa.Column('id', sa.Integer, primary_key=True))"],
        block(
            make.paused(
                [f"op.create_index({name!r}, {table!r}, [{column!r}], postgresql_concurrently=True)"],
                [sql(f"INSERT INTO {made} SELECT generate_series(1, 20)")],
                [sql(f"ALTER TABLE {made} ADD COLUMN x int; UPDATE {made} SET x = id")],
            )
        ),
        [sql(f"UPDATE {table} SET {column} = amount")],
        [f"op.alter_column({made!r}, 'x', nullable=False)"],
    )


def enum_value(make: Maker) -> Body:
    table, value = make.table(), make.named("mood")
    absent = make.random.choice(["", "IF NOT EXISTS "])
    return make.paused(
        block(make.paused([sql(f"ALTER TYPE mood ADD VALUE {absent}'{value}'")])),
        [sql(f"UPDATE {table} SET mood = '{value}' WHERE id % 5 = {make.number % 5}")],
    )


def inserts(make: Maker) -> Body:
    table = make.table()
    rows = [{"id": make.number * 100 + 10_000 + each, "amount": each} for each in range(40)]
    return make.paused(
        [f"op.bulk_insert(sa.table({table!r}, sa.column('id'), sa.column('amount')), {rows!r})"],
        [
            "with op.get_bind().begin_nested():",
            *indented([sql(f"UPDATE {table} SET note = 'new' WHERE note IS NULL")]),
        ],
    )


def check_validated(make: Maker) -> Body:
    table, name = make.table(), make.named("ck")
    return make.paused(
        [sql(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK (slow(id) > 0) NOT VALID")],
        block(make.paused([sql(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")])),
    )


def foreign_key_validated(make: Maker) -> Body:
    table, other = make.random.sample(TABLES, 2)
    column, name = make.named("ref"), make.named("fk")
    return make.paused(
        [_add(table, column)],
        [sql(f"UPDATE {table} SET {column} = 1 + id % {ROWS}")],
        [
            sql(
                f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({column}) "
                f"REFERENCES {other} (id) NOT VALID"
            )
        ],
        [sql("COMMIT")],
        [sql(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")],
    )


def counting_trigger(make: Maker) -> Body:
    table, name = make.table(), make.named("count")
    return make.paused(
        [sql(f"CREATE TABLE {name} (n int)")],
        [
            sql(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
                f" 'BEGIN INSERT INTO {name} VALUES (new.id); RETURN new; END'"
            )
        ],
        [sql(f"CREATE TRIGGER {name} AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")],
        [sql(f"CREATE VIEW v_{name} AS SELECT id, amount FROM {table}")],
    )


def drops_on_purpose(make: Maker) -> Body:
    if make.tables and make.random.random() < 0.5:
        gone = make.tables.pop(make.random.randrange(len(make.tables)))
        return make.paused([f"op.drop_table({gone!r})"])
    if not make.columns:
        return ddl_in_its_transaction(make)
    table, column = make.columns.pop(make.random.randrange(len(make.columns)))
    # The indexes on it, which the same migration has made, go with it.
    suffix = column.removeprefix("c")
    make.indexes = [each for each in make.indexes if not each[1].endswith(suffix)]
    return make.paused([sql(f"ALTER TABLE {table} DROP COLUMN {column}")])


#: Each comes at least once; those that leave their transaction come more often.
KINDS: Final[dict[Kind, int]] = {
    ddl_in_its_transaction: 1, table_with_rows: 2, build: 2, build_unique: 3, build_if_not_exists: 3,
    build_unnamed: 3, build_several: 2, drop: 4, swap_indexes: 3, reindex: 2, batches_by_rowcount: 3,
    batches_by_range: 3, batches_by_key: 3, commit_between_batches: 4, commit_then_ddl: 4, ddl_around_a_block: 4,
    enum_value: 3, inserts: 2, check_validated: 3, foreign_key_validated: 3, counting_trigger: 1, drops_on_purpose: 2,
}  # fmt: skip
