"""The safe form of every change: it makes what the models say, and its downgrade what was there before."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from inline_snapshot import snapshot

from conftest import ROOT, SmallProject
from notifydb.autogen import parts
from notifydb.autogen.compare import Comparison, compare
from notifydb.autogen.enums import true_downs
from notifydb.autogen.render import body_of
from notifydb.autogen.write import NewMigrations, Wanted, plan_new
from notifydb.migrator import execute
from notifydb.migrator.config import Project
from notifydb.postgres.catalog import Catalog, read_catalog
from notifydb.postgres.connect import make_engine
from notifydb.revisions import changes
from notifydb.revisions.reader import read_history
from notifydb.shadow.database import Shadows

BEFORE = """
op.create_table("teams", sa.Column("id", sa.Integer, primary_key=True))
op.create_table(
    "people",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("team_id", sa.Integer),
    sa.Column("old", sa.Text),
    sa.Column("mood", sa.Enum("ok", name="mood")),
    sa.Index("ix_people_old", "old"),
    sa.CheckConstraint("name <> ''", name="ck_name"),
)
op.create_table("gone", sa.Column("id", sa.Integer, primary_key=True), sa.Column("x", sa.Text, index=True))
op.execute("CREATE TABLE parts (id integer PRIMARY KEY, x text) PARTITION BY RANGE (id)")
op.execute("CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (9)")
"""
PEOPLE = {"id": 'sa.Column("id", sa.Integer, primary_key=True)', "name": 'sa.Column("name", sa.Text)',
          "team_id": 'sa.Column("team_id", sa.Integer)', "old": 'sa.Column("old", sa.Text, index=True)',
          "mood": 'sa.Column("mood", sa.Enum("ok", name="mood"))',
          "check": """sa.CheckConstraint("name <> ''", name="ck_name")"""}  # fmt: skip
REST = """
sa.Table("teams", metadata, sa.Column("id", sa.Integer, primary_key=True))
sa.Table("parts", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("x", sa.Text))
"""
GONE = 'sa.Table("gone", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("x", sa.Text, index=True))'


def models(*extra: str, gone: bool = True, parts_extra: str = "", **columns: str) -> str:
    """The models that the history makes, with these columns of `people` instead, and more."""
    people = ", ".join(each for each in [*{**PEOPLE, **columns}.values(), *extra] if each)
    rest = REST.replace('sa.Column("x", sa.Text))', f'sa.Column("x", sa.Text){parts_extra})')
    return f"""
import sqlalchemy as sa
metadata = sa.MetaData()
{rest}
{GONE if gone else ""}
people = sa.Table("people", metadata, {people})
"""


CASES = {
    "index": models(name='sa.Column("name", sa.Text, index=True)'),
    "unique index": models(
        'sa.Index("ux", "name", unique=True, postgresql_where=sa.text("name IS NOT NULL"))'
    ),
    "index dropped": models(old='sa.Column("old", sa.Text)'),
    "column dropped with its index": models(old=""),
    "unique constraint": models('sa.UniqueConstraint("name", name="uq_name")'),
    "unique constraint without a name": models('sa.UniqueConstraint("name", "team_id")'),
    "deferrable unique": models(
        'sa.UniqueConstraint("name", name="uq", deferrable=True, initially="DEFERRED")'
    ),
    "foreign key": models(team_id='sa.Column("team_id", sa.ForeignKey("teams.id", name="fk_team"))'),
    "foreign key without a name": models(
        team_id='sa.Column("team_id", sa.ForeignKey("teams.id", ondelete="CASCADE"))'
    ),
    "new column with foreign key and index": models(
        'sa.Column("lead_id", sa.ForeignKey("people.id"), index=True)'
    ),
    "not null": models(name='sa.Column("name", sa.Text, nullable=False)'),
    "new column with a default": models('sa.Column("n", sa.Integer, nullable=False, server_default="1")'),
    "table dropped": models(gone=False),
    "table made, with index and foreign key": models()
    + 'sa.Table("fresh", metadata, sa.Column("id", sa.ForeignKey("people.id"), primary_key=True), '
    'sa.Column("n", sa.Text, index=True, unique=True))',
    "index on a partitioned table": models(parts_extra=', sa.Index("ix_parts_x", "x")'),
    "index changed": models(
        'sa.Index("ix_people_old", "old", postgresql_using="hash")', old='sa.Column("old", sa.Text)'
    ),
    "check": models('sa.CheckConstraint("team_id > 0", name="ck_team")'),
    "check changed": models(check="""sa.CheckConstraint("name <> 'x'", name="ck_name")"""),
    "check dropped": models(check=""),
    "enum value": models(mood='sa.Column("mood", sa.Enum("ok", "sad", name="mood"))'),
    "enum values": models(mood='sa.Column("mood", sa.Enum("low", "ok", "sad", "mad", name="mood"))'),
    "enum value and its use": models(
        'sa.Column("other", sa.Enum("ok", "sad", name="mood"), nullable=False, server_default="sad")',
        mood='sa.Column("mood", sa.Enum("ok", "sad", name="mood"))',
    ),
    "new enum column": models('sa.Column("size", sa.Enum("s", "m", name="size"))'),
    "type": models(name='sa.Column("name", sa.String(20))'),
}


@pytest.fixture
def project(small_project: SmallProject) -> Project:
    root = small_project.project.root
    shutil.copy(ROOT / "alembic" / "script.py.mako", root / "alembic")
    small_project.add("0001_before", BEFORE)
    return Project(root, root / "alembic", "models:metadata")


@pytest.fixture
def compared(
    project: Project, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Comparison]:
    """Compares the project's history with models given as text."""

    def run(text: str) -> Comparison:
        monkeypatch.delitem(__import__("sys").modules, "models", raising=False)
        (project.root / "models.py").write_text(text)
        shutil.rmtree(project.root / "__pycache__", ignore_errors=True)
        history = read_history(project.versions)
        return compare(project, Shadows(server_url, project, history), history.head)

    return run


def written(project: Project, comparison: Comparison, version: int = 13) -> NewMigrations:
    assert comparison.history is not None
    wanted = true_downs(comparison.changes, comparison.history)
    around = parts.surroundings(wanted, comparison.facts.partitioned, version)
    forms = parts.in_safe_forms(wanted, around)
    made = plan_new(
        project, read_history(project.versions), Wanted("change it"), [body_of(each) for each in forms.parts],
        head_file=None,
    )  # fmt: skip
    changes.apply(made.changes)
    return made


def catalog(url: str) -> Catalog:
    with make_engine(url).connect() as conn:
        return read_catalog(conn)


@pytest.mark.parametrize(("name", "version"), [*((name, 13) for name in CASES), ("not null", 18)])
def test_each_migration_goes_up_and_down_and_in_the_end_nothing_differs(
    name: str, version: int, project: Project, compared: Callable[[str], Comparison], database: str
) -> None:
    engine = make_engine(database)
    with engine.connect() as conn:
        # An older server gets the forms that it knows.
        server = conn.execute(sa.text("SELECT current_setting('server_version_num')::int / 10000"))
        known = min(version, server.scalar_one())
    execute.upgrade(engine, project)
    comparison = compared(CASES[name])
    assert comparison.changes
    made = written(project, comparison, known)
    states = [catalog(database)]
    for each in made.migrations:
        execute.upgrade(engine, project, each.revision)
        states.append(catalog(database))
    assert not compared(CASES[name]).changes
    for before in reversed(states[:-1]):
        execute.downgrade(engine, project, "-1")
        assert catalog(database) == before
    execute.upgrade(engine, project)
    assert catalog(database) == states[-1]


def sources(made: NewMigrations) -> str:
    """The functions of the files, without what their heads say."""
    return "\n".join(
        f"# {each.revision}\n{each.source[each.source.index('def upgrade') :]}" for each in made.migrations
    )


def test_what_is_written(project: Project, compared: Callable[[str], Comparison]) -> None:
    text = models(
        'sa.UniqueConstraint("name", name="uq_name")',
        name='sa.Column("name", sa.Text, nullable=False)',
        team_id='sa.Column("team_id", sa.ForeignKey("teams.id", name="fk_team"), index=True)',
    )
    assert sources(written(project, compared(text))) == snapshot("""\
# 0002_change_it
def upgrade() -> None:
    op.execute("ALTER TABLE people ADD CONSTRAINT people_name_not_null CHECK (name IS NOT NULL) NOT VALID")
    op.create_foreign_key('fk_team', 'people', 'teams', ['team_id'], ['id'], postgresql_not_valid=True)


def downgrade() -> None:
    op.drop_constraint('fk_team', 'people', type_='foreignkey')
    op.drop_constraint('people_name_not_null', 'people', type_='check')

# 0003_change_it_index
def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(op.f('ix_people_team_id'), 'people', ['team_id'], unique=False, postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(op.f('ix_people_team_id'), table_name='people', postgresql_concurrently=True)

# 0004_change_it_index
def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index('uq_name', 'people', ['name'], unique=True, postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index('uq_name', table_name='people', postgresql_concurrently=True)

# 0005_change_it_constraint
def upgrade() -> None:
    op.execute("ALTER TABLE people ADD CONSTRAINT uq_name UNIQUE USING INDEX uq_name")


def downgrade() -> None:
    op.drop_constraint('uq_name', 'people', type_='unique')
    with op.get_context().autocommit_block():
        op.create_index('uq_name', 'people', ['name'], unique=True, postgresql_concurrently=True)

# 0006_change_it_validate
def upgrade() -> None:
    op.execute("ALTER TABLE people VALIDATE CONSTRAINT people_name_not_null")
    op.execute("ALTER TABLE people VALIDATE CONSTRAINT fk_team")
    op.alter_column('people', 'name',
               existing_type=sa.TEXT(),
               nullable=False)
    op.drop_constraint('people_name_not_null', 'people', type_='check')


def downgrade() -> None:
    op.alter_column('people', 'name',
               existing_type=sa.TEXT(),
               nullable=True)
    op.execute("ALTER TABLE people ADD CONSTRAINT people_name_not_null CHECK (name IS NOT NULL) NOT VALID")
    op.drop_constraint('fk_team', 'people', type_='foreignkey')
    op.create_foreign_key('fk_team', 'people', 'teams', ['team_id'], ['id'], postgresql_not_valid=True)
""")


def test_not_null_on_a_server_that_has_it_not_valid(
    project: Project, compared: Callable[[str], Comparison]
) -> None:
    text = models(name='sa.Column("name", sa.Text, nullable=False)')
    assert sources(written(project, compared(text), version=18)) == snapshot("""\
# 0002_change_it
def upgrade() -> None:
    op.execute("ALTER TABLE people ADD CONSTRAINT people_name_not_null NOT NULL name NOT VALID")


def downgrade() -> None:
    op.drop_constraint('people_name_not_null', 'people')

# 0003_change_it_validate
def upgrade() -> None:
    op.execute("ALTER TABLE people VALIDATE CONSTRAINT people_name_not_null")


def downgrade() -> None:
    op.drop_constraint('people_name_not_null', 'people')
    op.execute("ALTER TABLE people ADD CONSTRAINT people_name_not_null NOT NULL name NOT VALID")
""")


def test_a_new_column_without_a_value_is_nullable_first_and_not_null_next(
    project: Project, compared: Callable[[str], Comparison]
) -> None:
    text = models('sa.Column("age", sa.Integer, nullable=False)')
    comparison = compared(text)
    forms = parts.in_safe_forms(comparison.changes, parts.surroundings(comparison.changes, frozenset(), 13))
    assert [note.partition(",")[0] for note in forms.notes] == ["people.age is nullable for now"]
    written(project, comparison)
    assert [each.description for each in compared(text).changes] == snapshot(
        ["people.age: nullable NULL becomes NOT NULL"]
    )


def test_a_partition_and_a_view_are_no_tables_to_drop_or_make(
    project: Project, small_project: SmallProject, compared: Callable[[str], Comparison]
) -> None:
    small_project.add("0002_seen", 'op.execute("CREATE VIEW seen AS SELECT id FROM people")')
    comparison = compared(
        models() + 'sa.Table("seen", metadata, sa.Column("id", sa.Integer, primary_key=True))'
    )
    assert not comparison.changes
    assert {(each.change.description, each.reason) for each in comparison.refuted} == snapshot(
        {
            ("add table seen", "the history makes a view of that name"),
            ("remove table parts_1", "it is on a partition, and goes with its table"),
        }
    )
