"""What is half done is found, and the printed command or SQL mends it."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import sqlalchemy.exc

from conftest import ROOT, SmallProject, name_of, query
from notifydb import errors, guard
from notifydb.findings import Severity
from notifydb.guard import Mark, Operation, Request, Target
from notifydb.migrator.config import Project
from notifydb.postgres import own, version
from notifydb.postgres.advisory import advisory_lock
from notifydb.postgres.catalog import Drift, catalog_at, compare
from notifydb.postgres.connect import autocommit_engine, disconnect, make_engine
from notifydb.postgres.statements import mends, rank
from notifydb.purge import journal
from notifydb.revisions.reader import read_history
from notifydb.runner.doctor import compared
from notifydb.runner.doctor.ailment import Ailment, Diagnosis
from notifydb.runner.doctor.diagnose import diagnose
from notifydb.runner.doctor.examine import Examined, Examiner
from notifydb.runner.upgrade import Runner
from notifydb.settings import Environment, Voice
from notifydb.shadow.database import Shadows

USERS = 'op.execute("CREATE TABLE users (id serial PRIMARY KEY, name text)")'
BUILD = """
with op.get_context().autocommit_block():
    op.execute("CREATE UNIQUE INDEX CONCURRENTLY ix_users_name ON users (name)")
"""
TWINS = "INSERT INTO users (name) VALUES ('one'), ('one')"


@dataclasses.dataclass
class Patient:
    """A database, and the project whose history it follows."""

    url: str
    project: Project
    server_url: str
    committed: Callable[[Path, str], tuple[str, bytes] | None] = lambda _path, _digest: None
    environment: Environment = Environment.TEST
    idle: float = 60

    def runner(self) -> Runner:
        with make_engine(self.url).connect() as conn:
            target = own.target_of(conn, embedded=False)
        voices = (Voice("a test", self.environment),)
        history = read_history(self.project.versions)
        return Runner(
            self.url,
            self.project,
            history,
            Request(Operation.DESTRUCTIVE_UPGRADE, target, voices),
            lock_wait=0,
        )

    def examined(self, *, shadow: bool = True) -> Examined:
        runner = self.runner()
        shadows = (lambda: Shadows(self.server_url, self.project, runner.history)) if shadow else None
        return Examiner(runner, self.environment, shadows, self.committed, idle=self.idle).examine()

    def asked(self, *, shadow: bool = True) -> Diagnosis:
        return diagnose(self.examined(shadow=shadow))

    def only(self) -> Ailment:
        (found,) = self.asked().ailments
        return found

    def follow(self, lines: tuple[str, ...]) -> None:
        """Does just what was printed."""
        assert lines
        for line in lines:
            if not line.startswith("notifydb "):
                query(self.url, line.replace(":", r"\:"))
                continue
            match line.split()[1:]:
                case ["upgrade", *target]:
                    self.upgrade(*target)
                case ["downgrade", target]:
                    place = Target(name_of(self.url), Mark("missing"))
                    wanted = Request(Operation.DOWNGRADE, place, (Voice("a test", Environment.TEST),))
                    self.runner().downgrade(target, guard.permit(wanted))
                case ["stamp", target]:
                    place = Target(name_of(self.url), Mark("missing"))
                    asked = Request(Operation.STAMP_BACK, place, (Voice("a test", Environment.TEST),))
                    self.runner().stamp(target, guard.permit(asked))
                case ["environment", "set", name]:
                    with make_engine(self.url).begin() as conn:
                        own.write_mark(conn, Environment.parse(name))
                case _:
                    raise AssertionError(line)

    def upgrade(self, target: str = "heads") -> None:
        self.runner().upgrade(target, environment=Environment.TEST)

    def sql(self, *statements: str) -> None:
        for statement in statements:
            query(self.url, statement)

    def stamped(self, revision: str) -> None:
        """As somebody does it by hand."""
        self.sql(f"UPDATE alembic_version SET version_num = '{revision}'")

    def assert_content(self) -> None:
        found = self.asked()
        assert found.ailments == ()
        assert found.not_run == ()


@pytest.fixture
def patient(database: str, small_project: SmallProject, server_url: str) -> Patient:
    small_project.add("0001_users", USERS)
    return Patient(database, small_project.project, server_url)


def test_the_notify_history_is_healthy(database: str, server_url: str) -> None:
    patient = Patient(
        database, Project(ROOT, ROOT / "alembic", metadata="notifydb.models:metadata"), server_url
    )
    patient.assert_content()
    patient.upgrade("0060")
    patient.assert_content()
    patient.upgrade()
    patient.assert_content()


def test_the_statements_make_the_whole_notify_schema_again(server_url: str) -> None:
    project = Project(ROOT, ROOT / "alembic")
    shadows = Shadows(server_url, project, read_history(project.versions))
    with shadows.at(shadows.history.head) as url:
        wanted = catalog_at(url)
    with shadows.at(None) as url:
        missing = compare(wanted, catalog_at(url))
        for each in sorted(compared.without_implied(missing), key=rank):
            statements = mends(each, wanted)
            assert statements, each
            for statement in statements:
                query(url, statement.replace(":", r"\:"))
        made = catalog_at(url)
        assert compare(wanted, made) == ()
        back = [Drift(each.kind, each.name, None, each.expected) for each in missing]
        for each in sorted(compared.without_implied(back, with_tables=True), key=rank, reverse=True):
            for statement in mends(each, {}):
                with contextlib.suppress(sqlalchemy.exc.ProgrammingError):
                    query(url, statement.replace("DROP TABLE", "DROP TABLE IF EXISTS") + " CASCADE")
        assert not [name for kind, name in catalog_at(url) if kind == "table"]


# 1: invalid indexes


def test_an_invalid_index_of_a_pending_migration_is_healed_by_upgrade(
    patient: Patient, small_project: SmallProject
) -> None:
    patient.upgrade()
    small_project.add("0002_index", BUILD)
    patient.sql(TWINS)
    with pytest.raises(sqlalchemy.exc.IntegrityError):
        patient.sql("CREATE UNIQUE INDEX CONCURRENTLY ix_users_name ON users (name)")
    found = patient.only()
    assert found.what == "index public.ix_users_name on public.users is INVALID"
    assert "0002_index, which makes it, is pending" in found.why
    assert found.mend == ("notifydb upgrade",)
    (equal,) = query(patient.url, found.why.partition("finds rows: ")[2])
    assert equal == ("one", 2)
    patient.sql("DELETE FROM users WHERE id = 2")
    patient.follow(found.mend)
    patient.assert_content()


def test_a_pending_index_of_another_definition_is_dropped_first(
    patient: Patient, small_project: SmallProject
) -> None:
    patient.upgrade()
    patient.sql(TWINS)
    with pytest.raises(sqlalchemy.exc.IntegrityError):
        patient.sql("CREATE UNIQUE INDEX CONCURRENTLY ix_users_name ON users (name)")
    small_project.add("0002_index", 'op.execute("CREATE INDEX ix_users_name ON users (name)")')
    found = patient.only()
    assert found.mend == ("DROP INDEX CONCURRENTLY public.ix_users_name;", "notifydb upgrade")
    patient.follow(found.mend)
    patient.assert_content()


def test_an_invalid_index_that_is_stamped_is_rebuilt(patient: Patient, small_project: SmallProject) -> None:
    patient.upgrade()
    patient.sql(TWINS)
    with pytest.raises(sqlalchemy.exc.IntegrityError):
        patient.sql("CREATE UNIQUE INDEX CONCURRENTLY ix_users_name ON users (name)")
    # As plain Alembic leaves it: IF NOT EXISTS passes over what is INVALID.
    small_project.add("0002_index", BUILD)
    patient.stamped("0002_index")
    found = patient.only()
    assert found.mend == ("REINDEX INDEX CONCURRENTLY public.ix_users_name;",)
    patient.sql("DELETE FROM users WHERE id = 2")
    patient.follow(found.mend)
    patient.assert_content()


@pytest.mark.parametrize(
    ("busy", "left"), [("INSERT INTO users DEFAULT VALUES", "ccnew"), ("SELECT * FROM users", "ccold")]
)
def test_what_a_reindex_left_is_dropped(
    patient: Patient, small_project: SmallProject, busy: str, left: str
) -> None:
    small_project.add("0002_index", BUILD)
    patient.upgrade()
    with make_engine(patient.url).connect() as reader:
        reader.exec_driver_sql(busy)
        impatient = autocommit_engine(patient.url).connect()
        impatient.exec_driver_sql("SET statement_timeout = '1s'")
        with pytest.raises(sqlalchemy.exc.OperationalError):
            impatient.exec_driver_sql("REINDEX INDEX CONCURRENTLY ix_users_name")
        impatient.close()
    found = patient.only()
    assert found.what == f"index public.ix_users_name_{left} on public.users is INVALID"
    assert found.mend == (f"DROP INDEX CONCURRENTLY public.ix_users_name_{left};",)
    patient.follow(found.mend)
    patient.assert_content()


def test_an_index_that_is_being_built_is_a_note(patient: Patient) -> None:
    patient.upgrade()

    def build() -> None:
        query(patient.url, "CREATE INDEX CONCURRENTLY ix_users_name ON users (name)")

    with make_engine(patient.url).connect() as writer:
        writer.exec_driver_sql("INSERT INTO users (name) VALUES ('one')")
        builder = threading.Thread(target=build)
        builder.start()
        deadline = time.monotonic() + 10
        while (
            not query(patient.url, "SELECT FROM pg_index WHERE NOT indisvalid")
            and time.monotonic() < deadline
        ):
            time.sleep(0.05)
        found = patient.only()
        writer.rollback()
    builder.join()
    assert found.severity is Severity.INFO
    assert "a session builds it just now" in found.why
    assert found.mend == ()


def test_an_index_of_a_partitioned_table_gets_its_parts(
    patient: Patient, small_project: SmallProject
) -> None:
    small_project.add(
        "0002_events",
        """
        op.execute("CREATE TABLE events (id int) PARTITION BY RANGE (id)")
        op.execute("CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (9)")
        """,
    )
    patient.upgrade()
    patient.sql("CREATE INDEX ix_events ON ONLY events (id)")
    (found,) = (each for each in patient.asked().ailments if each.severity is Severity.ERROR)
    assert found.mend == (
        "CREATE INDEX CONCURRENTLY events_1_ix_events ON public.events_1 USING btree (id);",
        "ALTER INDEX public.ix_events ATTACH PARTITION public.events_1_ix_events;",
    )
    patient.follow(found.mend)
    assert query(patient.url, "SELECT FROM pg_index WHERE NOT indisvalid") == []


# 2: constraints that are NOT VALID


CHECK = "ALTER TABLE users ADD CONSTRAINT ck_users_name CHECK (name <> '') NOT VALID"
VALIDATED = f'op.execute("{CHECK}"); op.execute("ALTER TABLE users VALIDATE CONSTRAINT ck_users_name")'


def test_a_constraint_that_the_history_has_validated_is_validated(
    patient: Patient, small_project: SmallProject
) -> None:
    small_project.add("0002_check", VALIDATED)
    patient.upgrade()
    patient.sql("ALTER TABLE users DROP CONSTRAINT ck_users_name", CHECK)
    found = patient.only()
    assert found.what == "constraint ck_users_name on public.users is NOT VALID"
    assert found.mend == ("ALTER TABLE public.users VALIDATE CONSTRAINT ck_users_name;",)
    patient.follow(found.mend)
    patient.assert_content()


def test_one_that_the_history_leaves_so_is_a_note(patient: Patient, small_project: SmallProject) -> None:
    small_project.add("0002_check", f'op.execute("{CHECK}")')
    patient.upgrade()
    diagnosis = patient.asked()
    assert diagnosis.is_healthy
    assert [each.severity for each in diagnosis.ailments] == [Severity.INFO]


# 3: stamped and missing


PARTS = """
op.execute("CREATE INDEX ix_users_name ON users (name)")
op.execute("ALTER TABLE users ADD COLUMN age int DEFAULT 7 NOT NULL CHECK (age > 0)")
op.execute("CREATE TYPE colour AS ENUM ('red', 'green', 'blue')")
op.execute("CREATE VIEW named AS SELECT id FROM users WHERE name IS NOT NULL")
op.execute("CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'")
op.execute("CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
op.execute("CREATE TRIGGER touched BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch()")
op.execute("CREATE STATISTICS users_stats ON id, name FROM users")
op.execute("CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, of int REFERENCES users)")
op.execute("COMMENT ON TABLE users IS 'who it''s for'")
"""


@pytest.mark.parametrize(
    "damage",
    [
        "DROP INDEX ix_users_name",
        "ALTER TABLE users DROP COLUMN age",
        "ALTER TABLE users ALTER age DROP NOT NULL, ALTER age DROP DEFAULT, ALTER age TYPE bigint",
        "ALTER TABLE users DROP CONSTRAINT users_age_check",
        "ALTER TABLE notes DROP CONSTRAINT notes_of_fkey",
        "ALTER TABLE users DROP CONSTRAINT users_pkey CASCADE",
        "DROP VIEW named",
        "CREATE OR REPLACE VIEW named AS SELECT id FROM users",
        "DROP FUNCTION one()",
        "CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 2'",
        "DROP TRIGGER touched ON users",
        "ALTER TABLE users DISABLE TRIGGER touched",
        "DROP STATISTICS users_stats",
        "DROP TABLE notes",
        "DROP TYPE colour",
        "ALTER TYPE colour RENAME TO shade; CREATE TYPE colour AS ENUM ('green')",
        "COMMENT ON TABLE users IS NULL",
        "DROP INDEX ix_users_name; CREATE INDEX ix_users_name ON users (name) WHERE id > 0",
        "ALTER SEQUENCE users_id_seq INCREMENT 5",
    ],
)
def test_what_somebody_took_away_is_made_again(
    patient: Patient, small_project: SmallProject, damage: str
) -> None:
    small_project.add("0002_parts", PARTS)
    patient.upgrade()
    patient.sql(*damage.split("; "))
    found = [each for each in patient.asked().ailments if each.severity is not Severity.INFO]
    assert found
    assert {each.name for each in found} == {"missing-objects"}
    for each in found:
        patient.follow(each.mend)
    patient.sql("DROP TYPE IF EXISTS shade")
    patient.assert_content()


def test_a_key_is_made_of_the_index_that_somebody_left(patient: Patient) -> None:
    patient.upgrade()
    patient.sql("ALTER TABLE users DROP CONSTRAINT users_pkey", "INSERT INTO users VALUES (1), (1)")
    with pytest.raises(sqlalchemy.exc.IntegrityError):
        patient.sql("CREATE UNIQUE INDEX CONCURRENTLY users_pkey ON users (id)")
    patient.sql("TRUNCATE users")
    rebuilt, key = patient.asked().ailments
    assert key.mend == (
        "ALTER TABLE public.users ADD CONSTRAINT users_pkey PRIMARY KEY USING INDEX users_pkey;",
    )
    patient.follow(rebuilt.mend)
    patient.follow(key.mend)
    patient.assert_content()


def test_a_stamp_without_its_migrations_is_taken_back(patient: Patient, small_project: SmallProject) -> None:
    patient.upgrade()
    small_project.add("0002_parts", PARTS)
    small_project.add("0003_rows", 'op.execute("INSERT INTO users (name) VALUES (1)")')
    patient.stamped("0003_rows")
    found = patient.only()
    assert found.what == "0002_parts, 0003_rows were stamped, and nothing of it is there"
    assert found.mend == ("notifydb stamp 0001_users", "notifydb upgrade")
    patient.follow(found.mend)
    patient.assert_content()
    assert query(patient.url, "SELECT count(*) FROM users") == [(1,)]


def test_where_no_sql_is_known_the_migration_is(patient: Patient, small_project: SmallProject) -> None:
    small_project.add("0002_domain", "op.execute(\"CREATE DOMAIN word AS text CHECK (value <> '')\")")
    small_project.add("0003_more", 'op.execute("CREATE TABLE more ()")')
    patient.upgrade()
    patient.sql("DROP DOMAIN word")
    found = patient.only()
    assert found.why == "0002_domain makes it"
    assert found.mend == ("alembic upgrade 0001_users:0002_domain --sql",)


# 4: there and not stamped


def test_what_has_run_is_stamped(patient: Patient, small_project: SmallProject) -> None:
    small_project.add("0002_parts", PARTS)
    small_project.add("0003_age", 'op.execute("ALTER TABLE users ALTER age TYPE bigint")')
    patient.upgrade()
    patient.stamped("0001_users")
    found = patient.only()
    assert found.what == "0002_parts, 0003_age were run and not stamped"
    assert found.mend == ("notifydb stamp 0003_age",)
    patient.follow(found.mend)
    patient.assert_content()


TWO = 'op.execute("CREATE INDEX ix_users_name ON users (name)"); op.execute("CREATE TABLE notes (id int)")'


def test_a_half_that_loses_nothing_is_taken_back(patient: Patient, small_project: SmallProject) -> None:
    patient.upgrade()
    small_project.add("0002_two", TWO)
    patient.sql("CREATE INDEX ix_users_name ON users (name)")
    found = patient.only()
    assert found.what == "0002_two is pending, and a part of it is there"
    assert "there: index public.ix_users_name; not yet: table public.notes" in found.why
    assert found.mend == ("DROP INDEX CONCURRENTLY public.ix_users_name;", "notifydb upgrade")
    patient.follow(found.mend)
    patient.assert_content()


def test_a_half_with_a_table_is_finished(patient: Patient, small_project: SmallProject) -> None:
    patient.upgrade()
    small_project.add("0002_two", TWO)
    patient.sql("CREATE TABLE notes (id int)")
    found = patient.only()
    assert found.mend == (
        "CREATE INDEX CONCURRENTLY ix_users_name ON public.users USING btree (name);",
        "notifydb stamp 0002_two",
    )
    assert found.otherwise == ("DROP TABLE public.notes;", "notifydb upgrade")
    patient.follow(found.mend)
    patient.assert_content()


def test_what_ran_before_its_turn_waits_for_it(patient: Patient, small_project: SmallProject) -> None:
    patient.upgrade()
    small_project.add("0002_notes", 'op.execute("CREATE TABLE notes (id int)")')
    small_project.add("0003_index", 'op.execute("CREATE INDEX ix_users_name ON users (name)")')
    patient.sql("CREATE INDEX ix_users_name ON users (name)")
    found = patient.only()
    assert found.mend == ("notifydb upgrade 0002_notes", "notifydb stamp 0003_index")
    patient.follow(found.mend)
    patient.assert_content()


def test_what_nobody_makes_is_a_note(patient: Patient) -> None:
    patient.upgrade()
    patient.sql("CREATE TABLE scratch (id int PRIMARY KEY)")
    diagnosis = patient.asked()
    assert diagnosis.is_healthy
    assert [each.what for each in diagnosis.ailments] == ["one object is there that no migration makes"]


# 5: edited history


def test_an_edited_upgrade_is_told_and_put_back(patient: Patient, small_project: SmallProject) -> None:
    patient.upgrade()
    path = small_project.project.versions / "0001_users.py"
    applied = path.read_bytes()
    path.write_text(path.read_text().replace("name text", "name varchar"))
    patient.committed = lambda _, digest: (
        ("c0ffee", applied) if digest == hashlib.sha256(applied).hexdigest() else None
    )
    found = [each for each in patient.asked().ailments if each.name == "edited-migrations"]
    assert [each.severity for each in found] == [Severity.ERROR]
    assert found[0].mend == ("git checkout c0ffee -- alembic/versions/0001_users.py",)
    path.write_bytes(applied)
    patient.assert_content()


def test_an_edited_downgrade_is_a_note(patient: Patient, small_project: SmallProject) -> None:
    patient.upgrade()
    path = small_project.project.versions / "0001_users.py"
    applied = path.read_bytes()
    path.write_text(path.read_text().replace("    pass", '    op.drop_table("users")'))
    patient.committed = lambda _path, _digest: ("c0ffee", applied)
    assert patient.only().severity is Severity.INFO
    assert patient.only().why.startswith("upgrade() does what was applied")


def test_without_the_old_text_the_catalog_decides(patient: Patient, small_project: SmallProject) -> None:
    patient.upgrade()
    path = small_project.project.versions / "0001_users.py"
    path.write_text(path.read_text() + "\n# a word\n")
    assert patient.only().severity is Severity.INFO
    (unsure,) = patient.asked(shadow=False).ailments
    assert unsure.severity is Severity.WARNING


# 6: alembic_version


def test_several_rows_are_stamped_as_what_the_catalog_is(
    patient: Patient, small_project: SmallProject
) -> None:
    small_project.add("0002_two", TWO)
    patient.upgrade()
    patient.sql("INSERT INTO alembic_version VALUES ('0001_users')")
    found = patient.only()
    assert found.what == "alembic_version holds 2 rows: 0001_users, 0002_two"
    assert found.mend == ("notifydb stamp 0002_two",)
    patient.follow(found.mend)
    patient.assert_content()


def test_an_unknown_revision_can_be_stamped_as_what_the_catalog_is(
    patient: Patient, small_project: SmallProject
) -> None:
    small_project.add("0002_two", TWO)
    patient.upgrade()
    patient.stamped("0099_gone")
    found = patient.only()
    assert "0099_gone" in found.what
    assert "the catalog is what the history makes at 0002_two" in found.why
    assert found.mend == ("notifydb stamp 0002_two",)
    assert found.otherwise == ("git log --all --oneline -- '*0099_gone*'",)
    patient.follow(found.mend)
    patient.assert_content()


def test_tables_without_a_stamp_are_placed(patient: Patient, small_project: SmallProject) -> None:
    small_project.add("0002_two", TWO)
    small_project.add("0003_rows", 'op.execute("INSERT INTO users (name) VALUES (1)")')
    small_project.add("0004_notes", 'op.execute("DROP TABLE notes")')
    patient.upgrade("0002_two")
    patient.sql("DELETE FROM alembic_version")
    found = patient.only()
    assert found.mend == ("notifydb stamp 0002_two",)
    assert "as it is at 0003_rows: they differ in rows alone" in found.why
    assert [each.check for each in patient.asked().not_run] == [
        "unvalidated-constraints", "missing-objects", "unstamped-objects", "unknown-objects",
    ]  # fmt: skip
    patient.follow(found.mend)
    patient.assert_content()


# 7: the mark


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DELETE FROM notifydb.environment", "missing"),
        ("UPDATE notifydb.environment SET database_oid = 1", "foreign"),
        ("UPDATE notifydb.environment SET name = 'shop'", "unreadable"),
    ],
)
def test_a_mark_that_says_nothing_is_written_anew(patient: Patient, damage: str, said: str) -> None:
    patient.upgrade()
    patient.sql(damage)
    found = patient.only()
    assert found.what == f"the database's mark of what it is: {said}"
    assert found.mend == (f"notifydb environment set {'production' if said == 'unreadable' else 'test'}",)
    patient.follow(found.mend)
    patient.assert_content()


# 8: interrupted migrations


HALF = """
op.execute("ALTER TABLE users ADD COLUMN age int")
op.execute("COMMIT")
op.get_bind().exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid()) FROM cut")
op.execute("CREATE INDEX CONCURRENTLY ix_age ON users (age)")
"""


HALF_BACK = """
op.execute("DROP TABLE half")
op.execute("COMMIT")
op.get_bind().exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid()) FROM cut")
"""


def test_an_interrupted_migration_goes_on(patient: Patient, small_project: SmallProject) -> None:
    small_project.add("0002_cut", 'op.execute("CREATE TABLE cut (id int)")')
    patient.upgrade()
    small_project.add("0003_half", HALF)
    patient.sql("INSERT INTO cut VALUES (1)")
    with pytest.raises(errors.DatabaseUnreachable):
        patient.upgrade()
    found = patient.only()
    assert found.what.startswith("0003_half was cut short with ")
    assert found.mend == ("notifydb upgrade",)
    patient.sql("TRUNCATE cut")
    patient.follow(found.mend)
    patient.assert_content()


def test_an_interrupted_downgrade_goes_on(patient: Patient, small_project: SmallProject) -> None:
    small_project.add("0002_cut", 'op.execute("CREATE TABLE cut (id int)")')
    small_project.add("0003_half", 'op.execute("CREATE TABLE half (id int)")', HALF_BACK)
    patient.upgrade()
    patient.sql("INSERT INTO cut VALUES (1)")
    back = ("notifydb downgrade 0002_cut",)
    with pytest.raises(errors.DatabaseUnreachable):
        patient.follow(back)
    (found,) = (each for each in patient.asked().ailments if each.name == "half-done-migrations")
    assert found.mend == back
    patient.sql("TRUNCATE cut")
    patient.follow(found.mend)
    assert patient.runner().current() == ("0002_cut",)


def test_what_cannot_go_on_is_told_the_way_out(patient: Patient, small_project: SmallProject) -> None:
    patient.upgrade()
    small_project.add(
        "0002_half",
        """
        with op.get_bind().engine.begin() as second:
            second.execute(sa.text("CREATE TABLE aside (id int)"))
        op.execute("COMMIT")
        op.execute("SELECT 1/0")
        """,
    )
    with pytest.raises(errors.MigrationFailed):
        patient.upgrade()
    (found, *_) = (each for each in patient.asked().ailments if each.name == "half-done-migrations")
    assert "it uses a second connection" in found.why
    assert found.mend == ("notifydb upgrade --from-start",)
    assert found.otherwise == ("notifydb stamp 0002_half",)


def test_what_may_go_on_is_told_both_ways(patient: Patient, small_project: SmallProject) -> None:
    patient.upgrade()
    small_project.add(
        "0002_half",
        """
        op.execute("CREATE TABLE half (id int)")
        op.execute("INSERT INTO half VALUES (1) RETURNING id")
        op.execute("COMMIT")
        op.execute("SELECT 1/0")
        """,
    )
    with pytest.raises(errors.MigrationFailed):
        patient.upgrade()
    (found, *_) = (each for each in patient.asked().ailments if each.name == "half-done-migrations")
    assert "unless it reads the rows that one has returned" in found.why
    assert found.mend == ("notifydb upgrade",)
    assert found.otherwise == ("notifydb upgrade --from-start",)


# 9: what would not work here


@contextlib.contextmanager
def role(url: str) -> Iterator[str]:
    """The URL of a role of its own that may nothing but connect; nobody else is connected."""
    disconnect()
    name = f"clerk_{name_of(url)}"
    query(url, f"CREATE ROLE {name} LOGIN")
    try:
        yield sa.make_url(url).set(username=name).render_as_string(hide_password=False)
    finally:
        query(url, f"DROP OWNED BY {name}")
        query(url, f"DROP ROLE {name}")


def test_a_role_that_may_not_is_granted(patient: Patient) -> None:
    with role(patient.url) as url:
        clerk = dataclasses.replace(patient, url=url)
        found = clerk.asked().ailments
        assert [each.what.partition(" may not ")[2] for each in found] == [
            "create a schema", "create in schema public",
        ]  # fmt: skip
        for each in found:
            patient.follow(each.mend)
        clerk.upgrade()
        clerk.assert_content()


def test_a_role_that_owns_nothing_is_told_of_each_owner(patient: Patient) -> None:
    patient.upgrade()
    with role(patient.url) as url:
        clerk = dataclasses.replace(patient, url=url)
        patient.sql(f"GRANT SELECT ON alembic_version TO {sa.make_url(url).username}")
        diagnosis = clerk.asked()
        assert {"half-done-migrations", "edited-migrations"} <= {each.check for each in diagnosis.not_run}
        found = [each for each in diagnosis.ailments if each.name == "privileges"]
        assert "does not own 2 tables of postgres" in found[-1].what
        for each in found:
            patient.follow(each.mend)
        assert clerk.asked().ailments == ()


def test_a_read_only_database_is_opened(patient: Patient) -> None:
    patient.upgrade()
    patient.sql(f'ALTER DATABASE "{name_of(patient.url)}" SET default_transaction_read_only = on')
    found = patient.only()
    assert found.name == "server"
    with make_engine(patient.url).connect() as conn:
        conn.exec_driver_sql("SET default_transaction_read_only = off")
        conn.rollback()
        for line in found.mend:
            with autocommit_engine(patient.url).connect() as writer:
                writer.exec_driver_sql("SET default_transaction_read_only = off")
                writer.exec_driver_sql(line)
    patient.assert_content()


def test_a_standby_and_an_old_server_are_told(patient: Patient) -> None:
    found = patient.examined(shadow=False)
    old = dataclasses.replace(found.health.role, is_standby=True, major=12)
    health = dataclasses.replace(found.health, role=old)
    said = diagnose(dataclasses.replace(found, health=health)).ailments
    assert [each.what for each in said] == ["the server is a standby", "the server is PostgreSQL 12"]


def test_a_session_that_idles_in_its_transaction_is_told(patient: Patient) -> None:
    patient.upgrade()
    patient.idle = 0
    idler = make_engine(patient.url, application_name="report").connect()
    idler.exec_driver_sql("LOCK users")
    diagnosis = patient.asked()
    (found,) = diagnosis.ailments
    assert {"invalid-indexes", "missing-objects"} <= {each.check for each in diagnosis.not_run}
    assert "a table may be locked" in diagnosis.not_run[0].reason
    assert found.what.startswith("report (pid ")
    assert "it has locked public.users" in found.why
    patient.follow(found.mend)
    idler.invalidate()
    idler.close()
    patient.assert_content()


def test_nothing_is_written(patient: Patient, small_project: SmallProject) -> None:
    patient.upgrade()
    before = query(patient.url, "SELECT count(*) FROM notifydb.history"), catalog_at(patient.url)
    small_project.add("0002_two", TWO)
    patient.asked()
    assert before == (query(patient.url, "SELECT count(*) FROM notifydb.history"), catalog_at(patient.url))


def test_without_a_shadow_what_did_not_run_is_counted(patient: Patient, small_project: SmallProject) -> None:
    patient.upgrade()
    small_project.add("0002_fails", 'op.execute("SELECT 1/0")')
    patient.sql("CREATE TABLE more ()")
    for diagnosis in (patient.asked(shadow=False), patient.asked()):
        assert [each.check for each in diagnosis.not_run] == [
            "unvalidated-constraints", "missing-objects", "unstamped-objects", "unknown-objects",
        ]  # fmt: skip
    assert "0002_fails failed" in diagnosis.not_run[0].reason
    assert version.current(make_engine(patient.url).connect()) == ("0001_users",)


# 10: purges that were cut short


def begun(patient: Patient, archive: str | None = "/srv/old archives/one") -> None:
    with make_engine(patient.url).begin() as conn:
        journal.begin(conn, "c0ffee00", prefix="e2e-tests", plan="f00d", archive=archive)


def test_a_purge_that_was_cut_short_is_told(patient: Patient) -> None:
    patient.upgrade()
    begun(patient)
    found = patient.only()
    assert found.what == "a purge of 'e2e-tests' was cut short"
    assert found.why.endswith("what it has deleted is in /srv/old archives/one")
    assert found.mend == ("notifydb purge --prefix e2e-tests",)
    assert found.otherwise == ("notifydb restore '/srv/old archives/one'",)
    assert not patient.asked(shadow=False).is_healthy
    for state in ("done", "continued", "restored"):
        patient.sql(f"UPDATE notifydb.purge SET state = '{state}'")
        assert patient.asked(shadow=False).ailments == ()


def test_what_was_purged_without_an_archive_cannot_be_restored(patient: Patient) -> None:
    patient.upgrade()
    begun(patient, archive=None)
    found = patient.only()
    assert found.why.endswith("it kept no archive")
    assert found.otherwise == ()


def test_a_purge_that_may_still_run_is_a_note(patient: Patient) -> None:
    patient.upgrade()
    begun(patient)
    patient.sql("CREATE INDEX _purge_users_0badcafe ON users (name)")
    with advisory_lock(patient.url, wait=0):
        found = patient.only()
    assert (found.severity, found.mend) == (Severity.INFO, ())
    assert "ask again when that is over" in found.why


@pytest.mark.parametrize("table", ["users", '"My Notes"'])
def test_indexes_that_a_purge_has_left_are_told_once(patient: Patient, table: str) -> None:
    patient.upgrade()
    patient.sql('CREATE TABLE "My Notes" (name text)', f"INSERT INTO {table} (name) VALUES ('one'), ('one')")
    index = f'"_purge_{table.strip(chr(34))}_0badcafe"'
    patient.sql(f"CREATE INDEX {index} ON {table} (name)")
    valid = [each for each in patient.asked().ailments if each.severity is not Severity.INFO]
    patient.sql(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{index}'::regclass")
    invalid = [each for each in patient.asked().ailments if each.severity is not Severity.INFO]
    assert valid == invalid
    (found,) = valid
    assert f"on public.{table} is left of a purge" in found.what
    patient.follow(found.mend)
    patient.sql('DROP TABLE "My Notes"')
    patient.assert_content()


def test_a_role_that_may_not_read_the_journal_is_told(patient: Patient) -> None:
    patient.upgrade()
    with role(patient.url) as url:
        name = sa.make_url(url).username
        patient.sql(
            f"GRANT SELECT ON alembic_version TO {name}",
            f"GRANT USAGE ON SCHEMA notifydb TO {name}",
            f"GRANT SELECT ON notifydb.history TO {name}",
        )
        (missing,) = dataclasses.replace(patient, url=url).asked().not_run
    assert (missing.check, missing.reason) == ("purges", "permission denied for table purge")
