"""A history with a branch point and a merge: an upgrade may end between them, and a downgrade leads there."""

from __future__ import annotations

import dataclasses

import pytest

from cli.conftest import ROWS, Notifydb, Outcome, matches_schema
from conftest import SmallProject, query

TABLES = ["0001_a", "0002_b", "0003_c", "0004_m", "0005_m"]


@dataclasses.dataclass(frozen=True)
class Forked:
    """`0001_a`, on it `0002_b` and `0003_c`, `0004_m` that merges them, and `0005_m`; each makes its table."""

    small: SmallProject
    url: str
    run: Notifydb

    def add(self, revision: str, down: str | None, upgrade: str = "") -> None:
        table = f'op.create_table("{revision}", sa.Column("id", sa.Integer))'
        drop = f'op.drop_table("{revision}")'
        path = self.small.add(revision, upgrade or table, drop, down=down)
        if revision == "0004_m":
            path.write_text(path.read_text().replace(f"= {down!r}", "= ('0002_b', '0003_c')"))

    def notifydb(self, *arguments: str) -> Outcome:
        return self.run(*arguments, DATABASE_URL=self.url, NOTIFYDB_ENVIRONMENT="development")

    def rows(self) -> list[object]:
        return [row for (row,) in query(self.url, ROWS)]

    def tables(self) -> list[object]:
        made = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relname LIKE '000%' ORDER BY 1"
        return [name for (name,) in query(self.url, made)]


@pytest.fixture
def forked(small_project: SmallProject, notifydb: Notifydb, database: str) -> Forked:
    made = Forked(small_project, database, notifydb)
    for revision, down in zip(TABLES, (None, "0001_a", "0001_a", "0003_c", "0004_m"), strict=True):
        made.add(revision, down)
    return made


@pytest.fixture
def halfway(forked: Forked) -> Forked:
    """An upgrade that failed in the merge, which has been mended since."""
    forked.add("0004_m", "0003_c", "raise ValueError")
    assert forked.notifydb("upgrade").code == 6
    assert forked.rows() == ["0002_b", "0003_c"]
    forked.add("0004_m", "0003_c")
    return forked


def test_an_upgrade_that_ended_between_the_branches_and_their_merge_goes_on(halfway: Forked) -> None:
    status = halfway.notifydb("status")
    assert (status.code, "pending   2" in status.out, "several rows" in status.err) == (0, True, False)
    plan = halfway.notifydb("upgrade", "--plan")
    assert (plan.code, "0004_m" in plan.out, "0003_c" in plan.out) == (0, True, False)
    compared = halfway.notifydb("check", "--database")
    assert (compared.code, "at 0002_b and 0003_c" in compared.err) == (2, True)
    done = halfway.notifydb("upgrade")
    assert (done.code, "2 done; the database is at 0005_m" in done.err) == (0, True)
    assert (halfway.rows(), halfway.tables()) == (["0005_m"], TABLES)


def test_doctor_finds_nothing_wrong_with_branches_that_are_yet_to_be_merged(halfway: Forked) -> None:
    found = halfway.notifydb("doctor")
    assert (found.code, "alembic_version" in found.out) == (0, False)
    assert "the database is at 0002_b and 0003_c, which have yet to be merged" in found.err


@pytest.mark.parametrize("wrong", ["0001_a", "0099_gone"])
def test_a_row_that_no_branch_has_beside_the_others_stays_an_error(wrong: str, halfway: Forked) -> None:
    query(halfway.url, f"INSERT INTO alembic_version VALUES ('{wrong}')")
    assert halfway.notifydb("upgrade").code == 2
    assert halfway.notifydb("status").code == 1
    assert "error: " in halfway.notifydb("doctor", "--no-shadow").out


@pytest.mark.parametrize(
    ("target", "reverted", "rows"),
    [
        ("0003_c", ["0005_m", "0004_m"], ["0002_b", "0003_c"]),
        ("-2", ["0005_m", "0004_m"], ["0002_b", "0003_c"]),
        ("-3", ["0005_m", "0004_m", "0003_c"], ["0002_b"]),
        ("0001_a", ["0005_m", "0004_m", "0003_c", "0002_b"], ["0001_a"]),
    ],
)
def test_a_downgrade_over_a_merge_does_and_tells_the_same(
    target: str, reverted: list[str], rows: list[str], forked: Forked
) -> None:
    forked.notifydb("upgrade")
    ahead = forked.notifydb("downgrade", target, "--dry-run")
    assert ahead.out.splitlines() == [f"would downgrade {each}" for each in reverted]
    done = forked.notifydb("downgrade", target)
    told = f"{len(reverted)} done; the database is at {', '.join(rows)}\n"
    assert (done.code, done.err.endswith(told)) == (0, True)
    assert forked.rows() == rows
    assert forked.tables() == sorted(set(TABLES) - set(reverted))
    assert forked.notifydb("upgrade").code == 0
    assert (forked.rows(), forked.tables()) == (["0005_m"], TABLES)


def test_steps_are_counted_over_branches_and_told_where_they_end(forked: Forked) -> None:
    done = forked.notifydb("upgrade", "+3", "--format", "json")
    assert matches_schema("upgrade", done.json)
    assert (done.json["steps"], done.json["at"]) == (TABLES[:3], ["0002_b", "0003_c"])
    assert (forked.rows(), forked.tables()) == (["0002_b", "0003_c"], TABLES[:3])
    nothing = forked.notifydb("downgrade", "0002_b")
    assert nothing.err == "nothing to do: the database is at 0002_b, 0003_c\n"
