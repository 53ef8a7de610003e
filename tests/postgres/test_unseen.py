"""What Alembic does not compare: each change makes the catalogs equal, and its way back is true."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_op_text, render_python_code
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.operations.ops import MigrateOperation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot
from sqlalchemy import event
from sqlalchemy.dialects import postgresql

from conftest import MakeDatabase, name_of
from notifydb.autogen import enums
from notifydb.autogen.change import Change, Sql
from notifydb.autogen.declared import ModelsNotCreated, declared_catalog
from notifydb.autogen.unseen import Unseen, unseen
from notifydb.postgres.connect import make_engine
from notifydb.postgres.objects import Objects, read_objects

Build = Callable[[sa.MetaData], object]
DDL: Any = sa.DDL
JOBS = "CREATE TABLE jobs (id int PRIMARY KEY, status varchar(20), at timestamp)"


def jobs(metadata: sa.MetaData, *more: sa.schema.SchemaItem, status: Any = None) -> sa.Table:
    return sa.Table(
        "jobs", metadata,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("status", status or sa.String(20)),
        sa.Column("at", sa.DateTime),
        *more,
    )  # fmt: skip


def listening(*statements: str) -> Build:
    """Models whose own listener makes what SQLAlchemy has no construct for."""

    def build(metadata: sa.MetaData) -> None:
        jobs(metadata)
        for statement in statements:
            event.listen(metadata, "after_create", DDL(statement.replace("%", "%%")))

    return build


def having(*items: Callable[[], sa.schema.SchemaItem]) -> Build:
    return lambda metadata: jobs(metadata, *(item() for item in items))


def with_status(*labels: str, **options: Any) -> Build:
    return lambda metadata: jobs(metadata, status=postgresql.ENUM(*labels, name="state", **options))


def of_type() -> sa.Enum:
    return sa.Enum("a", "b", name="of_type", native_enum=False, create_constraint=True, length=20)


@dataclasses.dataclass(frozen=True)
class World:
    """A database in the history's state, and what the models make on a copy of it."""

    url: str
    metadata: sa.MetaData
    actual: Objects
    declared: Objects

    @property
    def found(self) -> Unseen:
        return unseen(self.actual, self.declared, self.metadata)


MakeWorld = Callable[[Sequence[str], Build], World]


@pytest.fixture
def make_world(make_database: MakeDatabase) -> MakeWorld:
    def make(history: Sequence[str], build: Build) -> World:
        url, metadata = make_database(), sa.MetaData()
        with make_engine(url).begin() as conn:
            for statement in history:
                conn.exec_driver_sql(statement)
        build(metadata)
        declared = declared_catalog(make_database(name_of(url)), metadata)
        return World(url, metadata, objects_of(url), declared)

    return make


def objects_of(url: str) -> Objects:
    with make_engine(url).connect() as conn:
        return read_objects(conn)


def state(objects: Objects) -> object:
    """All there is; texts that Postgres prints anew are the same as before."""
    rest = {
        key: text for key, text in objects.catalog.items() if key[0] not in ("constraint", "index", "view")
    }
    return {key: each.definition for key, each in objects.by_key.items()}, rest


_RENDERING = {
    "alembic_module_prefix": "op.",
    "sqlalchemy_module_prefix": "sa.",
    "user_module_prefix": None,
    "render_item": enums.render_type,
}


def run(url: str, operations: Iterable[MigrateOperation]) -> None:
    """Writes the operations as a migration's body, and runs that."""
    with make_engine(url).begin() as conn:
        migration = MigrationContext.configure(conn, opts=_RENDERING)
        lines = [render_op_text(AutogenContext(migration), each) for each in operations]
        names = {"op": Operations(migration), "sa": sa, "postgresql": postgresql}
        for line in lines:
            exec(line, names)


def changes_of(found: Unseen) -> tuple[Change, ...]:
    return (*found.before, *found.after)


def prove(world: World) -> None:
    """Up makes the history's database what the models make, down makes it what it was."""
    changes = changes_of(world.found)
    run(world.url, (each for change in changes for each in change.up))
    after = unseen(objects_of(world.url), world.declared, world.metadata)
    assert changes_of(after) == ()
    assert after.unwritten == world.found.unwritten
    run(world.url, (each for change in reversed(changes) for each in change.down))
    assert state(objects_of(world.url)) == state(world.actual)


ENUM = "CREATE TYPE state AS ENUM ('new', 'sent')"
ENUM_JOBS = "CREATE TABLE jobs (id int PRIMARY KEY, status state, at timestamp)"
TOUCH = "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} RETURN NEW; END $$"
TRIGGER = "CREATE TRIGGER touched BEFORE {} ON jobs FOR EACH ROW EXECUTE FUNCTION touch()"

CASES: dict[str, tuple[list[str], Build, list[str]]] = {
    "a value at the end": ([ENUM, ENUM_JOBS], with_status("new", "sent", "gone"), ["add_enum_value state gone"]),
    "values in between": (
        [ENUM, ENUM_JOBS],
        with_status("first", "new", "a'b", "c:d %", "sent", "last", "very last"),
        [f"add_enum_value state {label}" for label in ("first", "a'b", "c:d %", "last", "very last")],
    ),
    "a type that create_all does not make": (
        [ENUM, ENUM_JOBS], with_status("new", "sent", "gone", create_type=False), ["add_enum_value state gone"],
    ),
    "a value goes": ([ENUM, ENUM_JOBS], with_status("sent"), ["modify_enum state"]),
    "values change places": ([ENUM, ENUM_JOBS], with_status("sent", "new"), ["modify_enum state"]),
    "all that stands on an enum": (
        [
            ENUM, ENUM_JOBS, "ALTER TABLE jobs ALTER status SET DEFAULT 'new', ADD many state[] DEFAULT '{new}'",
            "CREATE INDEX open ON jobs (id) WHERE status = 'new'",
            "ALTER TABLE jobs ADD CONSTRAINT no_sent CHECK (id > 5 OR status <> 'sent')",
            "CREATE VIEW sent AS SELECT id, status FROM jobs WHERE status = 'sent'",
            "CREATE VIEW sent_twice AS SELECT id FROM sent",
            TOUCH.format(""), TRIGGER.format("UPDATE OF status"),
        ],
        lambda metadata: with_more_on_enum(metadata),
        ["add_enum_value state gone"],
    ),
    "a check": (
        [JOBS],
        having(lambda: sa.CheckConstraint("status IN ('a', 'b:c', '100%')", name="known")),
        ["add_check jobs known"],
    ),
    "a check of a type": (
        [JOBS],
        lambda metadata: jobs(metadata, status=of_type()),
        ["add_check jobs of_type"],
    ),
    "a check goes": (
        [JOBS, "ALTER TABLE jobs ADD CONSTRAINT known CHECK (status IN ('a', 'b')) NOT VALID"],
        having(), ["remove_check jobs known"],
    ),
    "another check of the name": (
        [JOBS, "ALTER TABLE jobs ADD CONSTRAINT known CHECK (status IN ('a', 'b'))"],
        having(lambda: sa.CheckConstraint("status IN ('a')", name="known")), ["modify_check jobs known"],
    ),
    "another name of the check": (
        [JOBS, 'ALTER TABLE jobs ADD CONSTRAINT "The Old" CHECK (id > 0)'],
        having(lambda: sa.CheckConstraint("id > 0", name="positive")), ["rename_check jobs positive"],
    ),
    "an index's predicate": (
        [JOBS, "CREATE INDEX open ON jobs (at) WHERE status = 'a'"],
        having(lambda: sa.Index("open", "at", postgresql_where=sa.text("status = 'b'"))), ["modify_index jobs open"],
    ),
    "an index's method": (
        [JOBS, "CREATE INDEX open ON jobs (at)"],
        having(lambda: sa.Index("open", "at", postgresql_using="brin")), ["modify_index jobs open"],
    ),
    "an index's other columns": (
        [JOBS, "CREATE INDEX open ON jobs (at)"],
        having(lambda: sa.Index("open", "at", postgresql_include=["id"])), ["modify_index jobs open"],
    ),
    "an index's operators": (
        [JOBS, "CREATE INDEX open ON jobs (status)"],
        having(lambda: sa.Index("open", "status", postgresql_ops={"status": "varchar_pattern_ops"})),
        ["modify_index jobs open"],
    ),
    "a listener's index": (
        [JOBS], listening("CREATE INDEX low ON jobs (lower(status))"), ["add_index jobs low"],
    ),
    "a view": ([JOBS], listening("CREATE VIEW v AS SELECT id FROM jobs WHERE status LIKE '%a:b'"), ["add_view v"]),
    "a view that can be replaced one way": (
        [JOBS, "CREATE VIEW v AS SELECT id FROM jobs"],
        listening("CREATE VIEW v AS SELECT id, status FROM jobs"), ["modify_view v"],
    ),
    "a view of other columns": (
        [JOBS, "CREATE VIEW v AS SELECT id, at FROM jobs"],
        listening("CREATE VIEW v AS SELECT id, status FROM jobs"), ["modify_view v"],
    ),
    "a view with options": (
        [JOBS, "CREATE VIEW v AS SELECT id FROM jobs"],
        listening("CREATE VIEW v WITH (security_barrier) AS SELECT id FROM jobs"), ["modify_view v"],
    ),
    "a view loses its options": (
        [JOBS, "CREATE VIEW v WITH (security_barrier) AS SELECT id FROM jobs"],
        listening("CREATE VIEW v AS SELECT id FROM jobs"), ["modify_view v"],
    ),
    "views on views": (
        [JOBS],
        listening("CREATE VIEW z AS SELECT id FROM jobs", "CREATE VIEW a AS SELECT id FROM z"),
        ["add_view z", "add_view a"],
    ),
    "a materialized view": (
        [JOBS, "CREATE MATERIALIZED VIEW m AS SELECT id FROM jobs", "CREATE UNIQUE INDEX m_id ON m (id)"],
        listening("CREATE MATERIALIZED VIEW m AS SELECT id, at FROM jobs", "CREATE INDEX m_at ON m (at)"),
        ["modify_view m"],
    ),
    "a function and its trigger": (
        [JOBS],
        listening(TOUCH.format(""), TRIGGER.format("INSERT")),
        ["add_function touch()", "add_trigger jobs touched"],
    ),
    "a function's body": (
        [JOBS, TOUCH.format("")],
        listening(TOUCH.format(r"RAISE NOTICE E'\:x :y %', '%';").replace("CREATE", "CREATE OR REPLACE", 1)),
        ["modify_function touch()"],
    ),
    "a function's result": (
        [JOBS, "CREATE FUNCTION one(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'"],
        listening("CREATE FUNCTION one(a int) RETURNS bigint LANGUAGE sql AS 'SELECT 2::bigint'"),
        ["modify_function one(a integer)"],
    ),
    "a procedure": (
        [JOBS],
        listening("CREATE PROCEDURE p(a int) LANGUAGE sql AS 'DELETE FROM jobs'"),
        ["add_function p(IN a integer)"],
    ),
    "a trigger": (
        [JOBS, TOUCH.format(""), TRIGGER.format("INSERT")],
        listening(TRIGGER.format("UPDATE"), "ALTER TABLE jobs DISABLE TRIGGER touched"),
        ["modify_trigger jobs touched"],
    ),
    "statistics": (
        [JOBS, "CREATE STATISTICS s (ndistinct) ON id, at FROM jobs"],
        listening(
            "CREATE STATISTICS s (dependencies) ON id, at FROM jobs",
            "CREATE STATISTICS t ON id, status FROM jobs"
        ),
        ["modify_statistics jobs s", "add_statistics jobs t"],
    ),
    "a policy": (
        [JOBS, "CREATE POLICY p ON jobs USING (id > 0)"],
        listening("CREATE POLICY p ON jobs FOR UPDATE TO PUBLIC USING (id > 0) WITH CHECK (id > 1)"),
        ["modify_policy jobs p"],
    ),
    "names that want quotes": (
        ['CREATE SCHEMA "My Schema"', 'CREATE TABLE "My Schema"."A Table" (id int PRIMARY KEY, "A ""b" int)'],
        lambda metadata: quoted_names(metadata), ["add_check My Schema.A Table A: %Check", "add_view My Schema.A View"],
    ),
}  # fmt: skip


def with_more_on_enum(metadata: sa.MetaData) -> None:
    state = postgresql.ENUM("new", "gone", "sent", name="state")
    table = jobs(
        metadata,
        sa.Column("many", postgresql.ARRAY(state), server_default="{new}"),
        sa.Index("open", "id", postgresql_where=sa.text("status = 'new'")),
        sa.CheckConstraint("id > 5 OR status <> 'sent'", name="no_sent"),
        status=state,
    )
    table.c.status.server_default = sa.DefaultClause("new")
    for statement in (
        "CREATE VIEW sent AS SELECT id, status FROM jobs WHERE status = 'sent'",
        "CREATE VIEW sent_twice AS SELECT id FROM sent",
        TRIGGER.format("UPDATE OF status"),
    ):
        event.listen(metadata, "after_create", DDL(statement))


def quoted_names(metadata: sa.MetaData) -> None:
    sa.Table(
        "A Table", metadata, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column('A "b', sa.Integer), sa.CheckConstraint('"A ""b" > 0', name="A: %Check"), schema="My Schema",
    )  # fmt: skip
    view = 'CREATE VIEW "My Schema"."A View" AS SELECT id AS "An :Id" FROM "My Schema"."A Table"'
    event.listen(metadata, "after_create", DDL(view))


@pytest.mark.parametrize("case", CASES)
def test_the_way_there_and_back_is_true(case: str, make_world: MakeWorld) -> None:
    history, build, kinds = CASES[case]
    world = make_world(history, build)
    assert [
        " ".join(filter(None, (each.kind, each.table, each.name))) for each in changes_of(world.found)
    ] == kinds
    prove(world)


LABELS = st.lists(st.sampled_from(["a", "b", "c", "d'", ":e", "f g"]), min_size=1, unique=True)


@given(old=LABELS, new=LABELS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_labels_become_any_other(old: list[str], new: list[str], make_world: MakeWorld) -> None:
    values = ", ".join(f"'{label.replace(chr(39), chr(39) * 2)}'" for label in old)
    world = make_world([f"CREATE TYPE state AS ENUM ({values})", ENUM_JOBS], with_status(*new))
    prove(world)


def test_the_values_that_are_chosen_are_undone_one_by_one(make_world: MakeWorld) -> None:
    world = make_world([ENUM, ENUM_JOBS], with_status("a", "new", "b", "sent", "c"))
    _, *chosen = changes_of(world.found)
    states = [state(world.actual)]
    settled = enums.true_downs(chosen, world.actual)
    for change in settled:
        run(world.url, change.up)
        states.append(state(objects_of(world.url)))
    for change in reversed(settled):
        assert state(objects_of(world.url)) == states.pop()
        run(world.url, change.down)
    assert state(objects_of(world.url)) == states.pop()


def test_a_new_type_is_made_once_for_columns_and_tables(make_world: MakeWorld) -> None:
    def build(metadata: sa.MetaData) -> None:
        state = sa.Enum("new", "sent", name="state")
        jobs(metadata, sa.Column("state", state))
        for name in ("first", "second"):
            sa.Table(name, metadata, sa.Column("states", postgresql.ARRAY(state)), sa.Column("state", state))

    world = make_world([JOBS], build)
    assert [each.kind for each in changes_of(world.found)] == ["add_enum"]
    (made,) = world.found.before
    run(world.url, made.up)
    with make_engine(world.url).connect() as conn:
        context = MigrationContext.configure(conn, opts={**_RENDERING, "target_metadata": world.metadata})
        script = produce_migrations(context, world.metadata)
        assert script.upgrade_ops is not None
        assert script.downgrade_ops is not None
        bodies = [
            render_python_code(each, migration_context=context, render_item=enums.render_type)
            for each in (script.upgrade_ops, script.downgrade_ops)
        ]
    for body, expected in zip(bodies, (world.declared, world.actual), strict=True):
        with make_engine(world.url).begin() as conn:
            operations = Operations(MigrationContext.configure(conn))
            names: dict[str, Any] = {"op": operations, "sa": sa, "postgresql": postgresql}
            exec(_as_function(body), names)
            names["body"]()
        if expected is world.actual:
            run(world.url, made.down)
        assert state(objects_of(world.url)) == state(expected)


def _as_function(body: str) -> str:
    lines = "\n".join(f"    {line.strip()}" for line in body.splitlines())
    return f"def body():\n{lines}"


def test_a_type_that_no_column_uses_any_more(make_world: MakeWorld) -> None:
    world = make_world([ENUM, ENUM_JOBS, "CREATE TYPE never AS ENUM ('used')"], having())
    (change,) = world.found.after
    assert change.kind == "remove_enum"
    assert [str(each) for each in world.found.kept] == ["enum never"]
    run(world.url, [Sql("ALTER TABLE jobs ALTER status TYPE text"), *change.up, *change.down])
    assert objects_of(world.url).by_key.keys() == world.actual.by_key.keys()


def test_what_the_models_do_not_declare_is_kept(make_world: MakeWorld) -> None:
    history = [
        JOBS, TOUCH.format(""), TRIGGER.format("INSERT"), "CREATE VIEW v AS SELECT id FROM jobs",
        "CREATE VIEW mapped AS SELECT id FROM jobs", "CREATE STATISTICS s ON id, at FROM jobs",
        "CREATE TABLE gone (id int CHECK (id > 0))", "CREATE VIEW alone AS SELECT 1 AS id",
        "CREATE TRIGGER going BEFORE INSERT ON gone FOR EACH ROW EXECUTE FUNCTION touch()",
    ]  # fmt: skip

    def build(metadata: sa.MetaData) -> None:
        jobs(metadata)
        sa.Table("mapped", metadata, sa.Column("id", sa.Integer, primary_key=True))

    world = make_world(history, build)
    assert changes_of(world.found) == ()
    assert world.found.unwritten == ()
    assert [str(each) for each in world.found.kept] == [
        "statistics s on jobs",
        "trigger touched on jobs",
        "view v",
    ]


def test_what_nobody_writes_is_told(make_world: MakeWorld) -> None:
    history = [
        'CREATE TABLE jobs (id int, status varchar(20) COLLATE "C", at timestamp) WITH (fillfactor = 50)',
        "ALTER TABLE jobs ADD CONSTRAINT jobs_key PRIMARY KEY (id), ADD EXCLUDE USING btree (at WITH =)",
        "CREATE SEQUENCE numbers",
        "CREATE VIEW a AS SELECT id, at FROM jobs", "CREATE VIEW b AS SELECT id FROM a",
    ]  # fmt: skip
    declared = (
        "CREATE VIEW a AS SELECT at FROM jobs", "CREATE SEQUENCE counts",
        "CREATE DOMAIN positive AS int CHECK (value > 0)",
    )  # fmt: skip
    world = make_world(history, listening(*declared))
    assert changes_of(world.found) == ()
    assert "\n".join(each.description for each in world.found.unwritten) == snapshot("""\
column jobs.status: character varying(20) COLLATE "C" becomes character varying(20)
constraint jobs.jobs_at_excl: EXCLUDE USING btree (at WITH =) becomes missing
domain positive: missing becomes integer CHECK ((VALUE > 0))
sequence counts: missing becomes bigint 1 1 1 9223372036854775807 f
table jobs: r p fillfactor=50 becomes r p
view a cannot be replaced in place, and view b needs it\
""")


def test_the_models_name_their_primary_key(make_world: MakeWorld) -> None:
    def build(metadata: sa.MetaData) -> None:
        table = sa.Table("jobs", metadata, sa.Column("id", sa.Integer, autoincrement=False))
        table.append_constraint(sa.PrimaryKeyConstraint("id", name="jobs_key"))

    world = make_world(["CREATE TABLE jobs (id int PRIMARY KEY)"], build)
    assert [each.name for each in world.found.unwritten] == ["jobs_key", "jobs_pkey"]


@pytest.mark.parametrize(
    ("history", "statements"),
    [
        ([JOBS, TOUCH.format("")], [TOUCH.format("")]),
        ([JOBS, "CREATE VIEW v AS SELECT 1 AS one"], ["CREATE VIEW v AS SELECT 1 AS one"]),
    ],
)
def test_a_listener_that_replaces_nothing(
    history: list[str], statements: list[str], make_world: MakeWorld
) -> None:
    found = make_world(history, listening(*statements)).found
    assert (changes_of(found), found.kept, found.unwritten) == ((), (), ())


def test_a_check_of_any_name(make_world: MakeWorld) -> None:
    history = [JOBS, "ALTER TABLE jobs ADD CONSTRAINT whatever CHECK (id > 0)"]
    found = make_world(history, having(lambda: sa.CheckConstraint("id > 0"))).found
    assert (changes_of(found), found.kept, found.unwritten) == ((), (), ())


def test_a_check_that_postgres_prints_anew_after_a_dump(make_world: MakeWorld) -> None:
    array = "ARRAY[('a'::character varying)::text, ('b''::]'::character varying)::text]"
    printed = f"CHECK (((status)::text = ANY ({array})))"
    history = [JOBS, f"ALTER TABLE jobs ADD CONSTRAINT known {printed}"]
    check = having(lambda: sa.CheckConstraint("status IN ('a', 'b''\\:\\:]')", name="known"))
    assert changes_of(make_world(history, check).found) == ()


def test_models_that_declare_an_index_twice(make_world: MakeWorld) -> None:
    def build(metadata: sa.MetaData) -> None:
        table = jobs(metadata, sa.Column("kind", sa.Text, index=True), sa.Index("ix_jobs_kind", "kind"))
        assert len(table.indexes) == 2

    world = make_world(
        [JOBS.removesuffix(")") + ", kind text)", "CREATE INDEX ix_jobs_kind ON jobs (kind)"], build
    )
    assert changes_of(world.found) == ()
    assert len(world.metadata.tables["jobs"].indexes) == 2


def test_models_that_cannot_be_created_say_why(make_world: MakeWorld) -> None:
    with pytest.raises(
        ModelsNotCreated, match="beside what the history makes: function nothing\\(\\) does not exist"
    ):
        make_world([JOBS], listening("SELECT nothing()"))


def test_a_listener_that_breaks_is_the_projects(make_world: MakeWorld) -> None:
    def build(metadata: sa.MetaData) -> None:
        @event.listens_for(metadata, "after_create")
        def fail(*_: object, **__: object) -> None:
            raise KeyError("config")

    with pytest.raises(ModelsNotCreated, match="KeyError: 'config'"):
        make_world([JOBS], build)
