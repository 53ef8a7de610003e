"""Sources kept in the database stand in for the files that a branch switch took away."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import SmallProject, name_of, query
from notifydb import errors, guard
from notifydb.guard import Mark, Operation, Permit, Request, Target
from notifydb.postgres import ledger, own
from notifydb.postgres.connect import make_engine
from notifydb.revisions.reader import read_history
from notifydb.runner import records
from notifydb.runner.events import Replaced
from notifydb.runner.upgrade import Runner
from notifydb.settings import Environment, Voice

ROWS = "SELECT version_num FROM alembic_version ORDER BY 1"
KEPT = "SELECT revision FROM notifydb.history WHERE source IS NOT NULL ORDER BY id"

MakeRunner = Callable[..., Runner]


@pytest.fixture
def make_runner(database: str, small_project: SmallProject) -> MakeRunner:
    """A runner of the folder as it is now; all of it belongs to this branch alone."""

    def make(environment: Environment = Environment.DEVELOPMENT, **fields: object) -> Runner:
        voices = (Voice("a test", environment),)
        request = Request(Operation.DESTRUCTIVE_UPGRADE, Target("shop", Mark("missing")), voices)
        history = read_history(small_project.project.versions)
        runner = Runner(
            database, small_project.project, history, request, lock_wait=0, is_shared=lambda _: False
        )
        return dataclasses.replace(runner, **fields)  # type: ignore[arg-type]

    return make


@pytest.fixture
def permit(database: str) -> Permit:
    target = Target(name_of(database), Mark("missing"))
    return guard.permit(Request(Operation.DOWNGRADE, target, (Voice("a test", Environment.TEST),)))


def table(small: SmallProject, revision: str, name: str, *, down: str | None = None) -> Path:
    (small.project.versions / f"{revision}.py").unlink(missing_ok=True)
    return small.add(
        revision, f'op.execute("CREATE TABLE {name} ()")', f'op.execute("DROP TABLE {name}")', down=down
    )


def there(url: str, name: str) -> bool:
    return query(url, f"SELECT to_regclass('{name}') IS NOT NULL") == [(True,)]


def test_a_database_of_the_last_version_gets_the_room_for_sources(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    with make_engine(database).begin() as conn:
        own.install(conn)
        conn.exec_driver_sql("ALTER TABLE notifydb.history DROP COLUMN source")
    ledger.record_decision(make_engine(database), "downgrade", "permitted")
    assert make_runner().standing().applied == {}
    table(small_project, "0001_one", "one")
    make_runner(Environment.PRODUCTION).upgrade()
    with make_engine(database).connect() as conn:
        assert [each.outcome for each in ledger.read_history(conn)] == ["done", "permitted"]
        assert ledger.read_applied(conn)["0001_one"].source is None
    table(small_project, "0002_two", "two")
    make_runner().upgrade()
    assert query(database, KEPT) == [("0002_two",)]


def test_a_source_is_kept_byte_for_byte_until_its_downgrade(
    database: str, small_project: SmallProject, make_runner: MakeRunner, permit: Permit
) -> None:
    path = table(small_project, "0001_one", "one")
    path.write_bytes(b"# coding: latin-1\r\n# \xe9\r\n" + path.read_bytes())
    make_runner().upgrade()
    assert make_runner().standing().applied["0001_one"].source == path.read_bytes()
    make_runner().downgrade("base", permit)
    assert make_runner().standing().applied["0001_one"].source is None


def test_what_is_larger_than_a_migration_is_not_kept(
    small_project: SmallProject, make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MAX_SOURCE", table(small_project, "0001_one", "one").stat().st_size)
    path = table(small_project, "0002_two", "two")
    path.write_text(path.read_text() + "#" * 100)
    make_runner().upgrade()
    kept = [each.revision for each in make_runner().standing().applied.values() if each.source]
    assert kept == ["0001_one"]


@pytest.mark.parametrize(
    "damage",
    [
        "source_sha256 = 'nonsense'",
        "source = 'x', source_sha256 = encode(sha256('x'), 'hex')",
        "source = 'revision = \"other\"', source_sha256 = encode(sha256('revision = \"other\"'), 'hex')",
        "outcome = 'failed'",
        "source = NULL",
    ],
)
def test_what_is_not_whole_counts_as_not_kept(
    damage: str, database: str, small_project: SmallProject, make_runner: MakeRunner, permit: Permit
) -> None:
    path = table(small_project, "0001_one", "one")
    make_runner().upgrade()
    path.unlink()
    query(database, f"UPDATE notifydb.history SET {damage}")
    with pytest.raises(errors.HistoryError, match="0001_one, and no file here"):
        make_runner().downgrade("base", permit)
    assert there(database, "one")


def test_an_old_success_does_not_count_after_a_newer_one(
    database: str, small_project: SmallProject, make_runner: MakeRunner, permit: Permit
) -> None:
    path = table(small_project, "0001_one", "one")
    make_runner().upgrade()
    make_runner().downgrade("base", permit)
    make_runner(is_shared=lambda _: True).upgrade()
    path.unlink()
    assert make_runner().standing().lost == ("0001_one",)


@pytest.mark.parametrize("environment", [Environment.STAGING, Environment.PRODUCTION, Environment.UNKNOWN])
def test_where_something_is_at_stake_no_source_runs(
    environment: Environment,
    database: str,
    small_project: SmallProject,
    make_runner: MakeRunner,
    permit: Permit,
) -> None:
    path = table(small_project, "0001_one", "one")
    make_runner().upgrade()
    path.unlink()
    with pytest.raises(errors.HistoryError):
        make_runner(environment).downgrade("base", permit)
    with pytest.raises(errors.HistoryError):
        make_runner(environment).upgrade(take_back=permit)
    assert there(database, "one")


def test_only_what_is_foreign_is_taken_back_beside_another_branch(
    database: str, small_project: SmallProject, make_runner: MakeRunner, permit: Permit
) -> None:
    table(small_project, "0001_one", "one")
    table(small_project, "0002_ours", "ours")
    table(small_project, "0002_theirs", "theirs", down="0001_one")
    make_runner().upgrade("0002_ours")
    make_runner().upgrade("0002_theirs")
    query(database, "CREATE TABLE proof AS SELECT oid FROM pg_class WHERE relname = 'theirs'")
    (small_project.project.versions / "0002_ours.py").unlink()
    plan = make_runner().upgrade(take_back=permit)
    assert ([each.id for each in plan.taken_back], plan.steps) == (["0002_ours"], ())
    assert query(database, ROWS) == [("0002_theirs",)]
    assert query(database, "SELECT oid FROM proof WHERE oid = 'theirs'::regclass") != []


def test_what_stands_on_a_replaced_migration_goes_with_it(
    database: str, small_project: SmallProject, make_runner: MakeRunner, permit: Permit
) -> None:
    table(small_project, "0001_one", "one")
    table(small_project, "0002_two", "two")
    table(small_project, "0003_three", "three")
    make_runner().upgrade()
    table(small_project, "0002_two", "other", down="0001_one")
    standing = make_runner().standing()
    assert (standing.replaced, [each.id for each in standing.foreign()], standing.rest()) == (
        ("0002_two",),
        ["0003_three", "0002_two"],
        ("0001_one",),
    )
    told: list[object] = []
    make_runner(listen=told.append).upgrade()
    assert told == [Replaced(("0002_two",))]
    make_runner().upgrade(take_back=permit)
    assert [there(database, name) for name in ("two", "other", "three")] == [False, True, True]
    assert make_runner().standing().replaced == ()


def test_a_migration_edited_after_it_ran_is_taken_back_as_it_ran(
    database: str, small_project: SmallProject, make_runner: MakeRunner, permit: Permit
) -> None:
    table(small_project, "0001_one", "one")
    make_runner().upgrade()
    table(small_project, "0001_one", "renamed")
    make_runner().downgrade("base", permit)
    assert not there(database, "one")


def test_a_mended_downgrade_is_the_one_that_runs(
    database: str, small_project: SmallProject, make_runner: MakeRunner, permit: Permit
) -> None:
    small_project.add("0001_one", 'op.execute("CREATE TABLE one ()")', 'op.execute("DROP TABLE nothing")')
    make_runner().upgrade()
    path = table(small_project, "0001_one", "one")
    path.write_text(path.read_text().replace('"""0001_one', '"""What it does, in better words'))
    assert make_runner().standing().replaced == ()
    make_runner().downgrade("base", permit)
    assert not there(database, "one")


def test_another_parent_is_another_place_in_the_history(
    small_project: SmallProject, make_runner: MakeRunner
) -> None:
    table(small_project, "0001_one", "one")
    table(small_project, "0003_three", "three")
    make_runner().upgrade()
    table(small_project, "0002_two", "two", down="0001_one")
    table(small_project, "0003_three", "three", down="0002_two")
    assert make_runner().standing().replaced == ("0003_three",)


def test_a_kept_migration_reads_what_lies_around_it_and_overwrites_nothing(
    database: str, small_project: SmallProject, make_runner: MakeRunner, permit: Permit
) -> None:
    versions, root = small_project.project.versions, small_project.project.root
    for path in (versions / "drop.sql", versions.parent / "sql" / "drop.sql", root / "data" / "drop.sql"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"DROP TABLE {path.parent.name}")
    reads = """
    from pathlib import Path
    here = Path(__file__).parent
    for path in (here / "drop.sql", here / ".." / "sql" / "drop.sql", here / ".." / ".." / "data" / "drop.sql"):
        op.execute(path.read_text())
    """
    small_project.add(
        "0001_one", 'op.execute("CREATE TABLE versions (); CREATE TABLE sql (); CREATE TABLE data ()")', reads
    )
    make_runner().upgrade()
    (versions / "0001_one.py").unlink()
    mine = versions / "0001_one.kept.py"
    mine.write_text('"""A helper, and no migration."""\n')
    with pytest.raises(FileExistsError):
        make_runner().downgrade("base", permit)
    mine.unlink()
    make_runner().downgrade("base", permit)
    assert not any(there(database, name) for name in ("versions", "sql", "data"))
    assert not list(versions.glob("*.py"))


def test_the_script_location_may_lie_outside_of_the_project(
    tmp_path: Path, database: str, small_project: SmallProject, make_runner: MakeRunner, permit: Permit
) -> None:
    project = dataclasses.replace(small_project.project, root=tmp_path / "elsewhere")
    project.root.mkdir()
    path = table(small_project, "0001_one", "one")
    make_runner(project=project).upgrade()
    path.unlink()
    make_runner(project=project).downgrade("base", permit)
    assert not there(database, "one")


def test_a_role_that_may_only_read_the_version_is_told_the_version(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    table(small_project, "0001_one", "one")
    make_runner().upgrade()
    role = f"reader_{name_of(database)}"
    query(database, f"CREATE ROLE {role} LOGIN")
    query(database, f"GRANT SELECT ON alembic_version TO {role}")
    try:
        url = database.replace("//postgres@", f"//{role}@")
        assert url != database
        standing = make_runner(url=url).standing()
        assert (standing.current, standing.applied) == (("0001_one",), {})
        with make_engine(url).connect() as conn:
            assert own.read_mark(conn).state == "unreadable"
    finally:
        query(database, f"DROP OWNED BY {role}")
        query(database, f"DROP ROLE {role}")


def test_the_main_branchs_file_counts_if_it_is_the_one_that_was_applied(
    database: str, small_project: SmallProject, make_runner: MakeRunner, permit: Permit
) -> None:
    path = table(small_project, "0001_one", "one")
    source = path.read_bytes()
    make_runner(is_shared=lambda _: True).upgrade()
    path.unlink()
    assert make_runner(shared=lambda _: source + b"#").standing().lost == ("0001_one",)
    make_runner(shared={"0001_one": source}.get).downgrade("base", permit)
    assert not there(database, "one")


def test_no_hint_takes_back_the_branch_beside_the_one_that_is_not_here(
    small_project: SmallProject, make_runner: MakeRunner
) -> None:
    table(small_project, "0001_one", "one")
    table(small_project, "0002_here", "here", down="0001_one")
    gone = table(small_project, "0003_there", "there", down="0001_one")
    for revision in ("0003_there", "0002_here"):
        make_runner().upgrade(revision)
        hint = _hint_without(gone, make_runner)
        assert "notifydb upgrade --take-back does that and upgrades" in hint
        assert ("notifydb downgrade 0001_one takes it back" in hint) == (revision == "0003_there")


def _hint_without(file: Path, make_runner: MakeRunner) -> str:
    source = file.read_text()
    file.unlink()
    with pytest.raises(errors.HistoryError) as caught:
        make_runner().plan_upgrade()
    file.write_text(source)
    return str(caught.value.hint)
