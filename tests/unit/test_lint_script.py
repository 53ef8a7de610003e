"""Plain SQL is judged as psql would run it, and Alembic's own script as the migrations that it is made of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from notifydb.findings import Report
from notifydb.lint.engine import lint
from notifydb.lint.options import Options
from notifydb.lint.registry import load_rules
from notifydb.lint.script import Script, read_scripts
from notifydb.migrator.config import Project
from notifydb.revisions.graph import History
from notifydb.revisions.reader import read_history

ALEMBIC = """\
BEGIN;

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL
);

-- Running upgrade  -> 0001_users

CREATE TABLE users (id INTEGER);

INSERT INTO alembic_version (version_num) VALUES ('0001_users') RETURNING alembic_version.version_num;

-- Running upgrade 0001_users -> 0002_index, words of: its docstring -> here

CREATE INDEX ix ON users (id);

COMMIT;

CREATE INDEX CONCURRENTLY ix2 ON users (id);

BEGIN;

UPDATE alembic_version SET version_num='0002_index' WHERE alembic_version.version_num = '0001_users';

COMMIT;

"""


def _lint(text: str, *, single_transaction: bool = False) -> Report:
    scripts = read_scripts(Path("<stdin>"), text, single_transaction=single_transaction)
    nowhere = Project(Path(), Path())
    told = Options(mode="static", ignore=frozenset({"cannot-be-run-again"}))
    return lint(History(()), (), nowhere, shadows=None, scripts=scripts, options=told)


def _told(report: Report) -> list[tuple[str, int, int | None]]:
    return [(each.rule, each.location.line, each.location.end_line) for each in report.findings]


def _steps(scripts: tuple[Script, ...]) -> list[tuple[int, int | None, bool]]:
    return [(step.location.line, step.transaction, step.is_judged) for each in scripts for step in each.steps]


def test_every_statement_is_a_transaction_unless_the_script_says_begin() -> None:
    inside = "SELECT 2;\nSAVEPOINT a; SELECT 3;\nROLLBACK TO a;"
    text = f"SELECT 1;\nBEGIN;\n{inside}\nEND;\nSELECT 4;\nSTART TRANSACTION; SELECT 5"
    assert [
        (line, number) for line, number, is_judged in _steps(read_scripts(Path("x"), text)) if is_judged
    ] == [
        (1, None),
        (3, 1),
        (4, 1),
        (7, None),
        (8, 2),
    ]
    concurrently = "CREATE INDEX CONCURRENTLY a ON b (c);"
    assert _told(_lint(concurrently)) == []
    assert _told(_lint(f"BEGIN;\n{concurrently}")) == [("concurrent-index-in-transaction", 2, 2)]
    assert _told(_lint(concurrently, single_transaction=True)) == [("concurrent-index-in-transaction", 1, 1)]


def test_lines_are_those_of_the_file() -> None:
    text = "-- first\n\n/* é\n*/ SELECT 'ä\n;';\n\nDROP TABLE\n    users\n;  DROP TABLE teams;"
    assert _told(_lint(text)) == [("drop-table", 7, 8), ("drop-table", 9, 9)]


def test_a_table_made_above_is_new() -> None:
    assert _told(_lint("CREATE TABLE a (id int);\nCREATE INDEX ON a (id);")) == []


def test_alembics_script_is_judged_migration_by_migration() -> None:
    """The second one's table is not new, though the script makes it: in production it was there."""
    first, second = read_scripts(Path("<stdin>"), ALEMBIC)
    assert (first.revision, first.stands_on, first.begins_inside) == ("0001_users", (), False)
    assert (second.revision, second.stands_on, second.begins_inside) == ("0002_index", ("0001_users",), True)
    assert _steps((first, second)) == [
        (1, 1, False), (3, 1, False), (9, 1, True), (11, 1, False),
        (15, 1, True), (17, 1, False), (19, None, True), (21, 2, False), (23, 2, False), (25, 2, False),
    ]  # fmt: skip
    report = _lint(ALEMBIC)
    assert _told(report) == [("create-index-not-concurrent", 15, 15)]
    assert [each.revision for each in report.findings] == ["0002_index"]
    assert (report.files_checked, report.revisions_checked) == (1, 0)


@pytest.mark.parametrize(
    ("comment", "revision", "stands_on"),
    [
        ("-- Running upgrade a, b -> c", "c", ("a", "b")),
        ("-- Running downgrade b -> a, undone", "b", ("b",)),
        ("-- Running downgrade a -> ", "a", ("a",)),
    ],
)
def test_alembics_comments(comment: str, revision: str, stands_on: tuple[str, ...]) -> None:
    (script,) = read_scripts(Path("x"), f"{comment}\nSELECT 1;")
    assert (script.revision, script.stands_on) == (revision, stands_on)


def test_what_is_psqls_own_is_told_and_the_rest_is_judged() -> None:
    copy = "COPY a (b) FROM stdin;\n1\n';$$\n\\.\n"
    text = f"\\set ON_ERROR_STOP on\n\\i more.sql\n{copy}DROP TABLE a;\nSELECT 'x' \\gexec\nDROP TABLE b;\n"
    report = _lint(text)
    assert _told(report) == [("drop-table", 7, 7), ("drop-table", 9, 9)]
    assert [(each.subject, each.reason) for each in report.skipped] == [
        ("<stdin>:1", "psql's own: \\set ON_ERROR_STOP on"),
        ("<stdin>:2", "psql's own: \\i more.sql"),
        ("<stdin>:3", "psql's own: COPY a (b) FROM stdin;"),
        ("<stdin>:8", "psql's own: \\gexec"),
    ]


@pytest.mark.parametrize(
    "text", ["", "\n", "-- nothing", "\\q", ";", "SELECT '", "COPY a FROM stdin;", "\x00"]
)
def test_nothing_much_crashes_nothing(text: str) -> None:
    assert {each.rule for each in _lint(text).findings} <= {"sql-syntax-error"}


def test_a_broken_statement_does_not_hide_the_next() -> None:
    assert [rule for rule, _, _ in _told(_lint("SELEC 1;\nDROP TABLE a;"))] == [
        "sql-syntax-error",
        "drop-table",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("-- notifydb: ignore[drop-table] because x\nDROP TABLE a;\nDROP TABLE b;", [("drop-table", 3)]),
        ("DROP TABLE a; -- notifydb: ignore[drop-table] because x\nDROP TABLE b;", [("drop-table", 2)]),
        ("DROP TABLE a -- notifydb: ignore[drop-table] because x\n;DROP TABLE b;", [("drop-table", 2)]),
        ("-- notifydb: ignore[compatibility] because x\nDROP TABLE a; DROP TABLE b;", [("drop-table", 2)]),
        ("-- notifydb: ignore-file[drop-table] because x\nDROP TABLE a;\nDROP TABLE b;", []),
        ("-- notifydb: ignore[drop-table] because x\nSELECT 1;", [("unused-ignore", 1)]),
        (
            "DROP TABLE a;\n-- notifydb: ignore[drop-table] because x",
            [("drop-table", 1), ("unused-ignore", 2)],
        ),
        ("-- notifydb: ignore[drop-tabel] because x\nSELECT 1;", [("malformed-ignore", 1)]),
        ("SELECT '-- notifydb: ignore[drop-tabel] because x';", []),
    ],
)
def test_an_ignore_in_a_script(text: str, told: list[tuple[str, int]]) -> None:
    assert [(rule, line) for rule, line, _ in _told(_lint(text))] == told


def test_alembics_script_is_judged_as_its_migrations_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "0021:0067", "--sql"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    # Whatever judges files, and not statements, has nothing to say of a script.
    names = frozenset(rule.name for rule in load_rules() if rule.levels and "statement" in rule.levels)
    options = Options(mode="static", select=names - {"raw-commit"})
    project = Project(ROOT, ROOT / "alembic")
    history = read_history(project.versions)
    first, last = (history.get(number) for number in ("0021", "0067"))
    assert first is not None
    assert last is not None
    migrations = [each.id for each in history.between(first.id, last.id)]
    files = lint(history, migrations, project, shadows=None, options=options)
    scripts = read_scripts(Path("<stdin>"), done.stdout)
    piped = lint(History(()), (), project, shadows=None, options=options, scripts=scripts)
    assert files.skipped == piped.skipped == ()
    assert [script.revision for script in scripts] == migrations
    assert _summary(piped) == _summary(files)
    assert len(piped.findings) > 20


def _summary(report: Report) -> set[tuple[str | None, str]]:
    """Of a loop, a file tells what it finds once, and the script each time."""
    return {(each.revision, each.rule) for each in report.findings}
