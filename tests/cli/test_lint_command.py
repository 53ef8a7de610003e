"""`lint` as a user calls it: what the settings turn off, and what is a mistake."""

from __future__ import annotations

import pytest
from inline_snapshot import snapshot

from cli.conftest import Notifydb, matches_schema
from conftest import SmallProject


def test_settings_choose_and_weigh(small_project: SmallProject, notifydb: Notifydb) -> None:
    small_project.add("0001_users", 'op.create_table("users", sa.Column("id", sa.Integer))')
    small_project.add("0002_drop", 'op.drop_table("users")', "raise ValueError")

    def found(**variables: str) -> tuple[int, list[str]]:
        outcome = notifydb("lint", "0002", "--static", "--format", "json",
                           NOTIFYDB_LINT_IGNORE="head-file", **variables)  # fmt: skip
        return outcome.code, [f"{each['rule']} {each['severity']}" for each in outcome.json["findings"]]

    assert found() == (1, ["drop-table warning"])
    assert found(NOTIFYDB_LINT_SEVERITY="compatibility=info") == (0, ["drop-table info"])
    assert found(NOTIFYDB_LINT_PER_FILE="0001-0002=drop-table") == (0, [])
    assert found(NOTIFYDB_LINT_PER_FILE="0001-0001=drop-table") == (1, ["drop-table warning"])


def test_a_mistake_in_the_settings_is_told(small_project: SmallProject, notifydb: Notifydb) -> None:
    small_project.add("0001_users", "pass")
    assert str(notifydb("lint", "--all", "--static", NOTIFYDB_LINT_IGNORE="locks")) == snapshot("""\
exit 2
[err]
error: there is no lint rule or family locks
  next: did you mean locking?
""")
    assert str(notifydb("lint", "--all", "--static", NOTIFYDB_LINT_SEVERITY="data=fatal")) == snapshot("""\
exit 2
[err]
error: lint.severity of data is fatal
  next: error, warning or info
""")
    assert str(notifydb("rules", "drop-tabel")) == snapshot("""\
exit 2
[err]
error: there is no rule 'drop-tabel'
  next: did you mean drop-table?
""")
    shown = notifydb("settings", NOTIFYDB_LINT_SEVERITY="data=info,drop-table=info").out
    assert "lint.severity            data=info, drop-table=info  (NOTIFYDB_LINT_SEVERITY)\n" in shown


def test_a_baseline_from_the_first_run_to_the_last_finding(
    small_project: SmallProject, notifydb: Notifydb
) -> None:
    root = small_project.project.root
    small_project.add("0001_users", 'op.execute("CREATE TABLE users (id int, a text)")', "raise ValueError")
    dropped = small_project.add("0002_drop", 'op.drop_column("users", "a")', "raise ValueError")
    there = {"NOTIFYDB_LINT_IGNORE": "head-file"}
    recorded = notifydb("lint", "--all", "--static", "--baseline", **there)
    assert str(recorded) == snapshot("""\
exit 0
[out]
wrote notifydb-lint-baseline.json: 1 finding that lint leaves out from now on
[err]
without what only the trace finds: --static was given
""")
    assert (root / "notifydb-lint-baseline.json").read_text() == snapshot("""\
{
  "version": 1,
  "level": "static",
  "findings": [
    {"revision": "0002_drop", "rule": "drop-column", "digest": "d2f193d4c0b3", "count": 1}
  ]
}
""")
    assert str(notifydb("lint", "--all", "--static", **there)) == snapshot("""\
exit 0
[out]
0 findings in 2 migrations, not run on a shadow: --static was given; 1 known finding of the baseline left out.
""")

    small_project.add("0003_drop", 'op.drop_table("users")', "raise ValueError")
    outcome = notifydb("lint", "--all", "--static", "--format", "json", **there)
    assert outcome.code == 1
    assert matches_schema("lint", outcome.json)
    assert ([each["rule"] for each in outcome.json["findings"]], outcome.json["known"]) == (["drop-table"], 1)

    dropped.write_text(dropped.read_text().replace("drop_column", "drop_index"))
    assert notifydb("lint", "0002", "--static", **there).err == snapshot("""\
no longer found, but in the baseline: drop-column in 0002_drop
next: notifydb lint --all --baseline records what is left
""")
    (root / "notifydb-lint-baseline.json").write_text("<<<<<<<\n")
    assert str(notifydb("lint", "--all", "--static", **there)) == snapshot("""\
exit 2
[err]
error: notifydb-lint-baseline.json cannot be read: Expecting value: line 1 column 1 (char 0)
  next: resolve a conflict in it by hand, or write it anew: notifydb lint --all --baseline
""")
    assert notifydb("lint", "0002", "--static", "--baseline", **there).code == 2
    assert notifydb("lint", "--static", "--baseline", **there).code == 0
    assert notifydb("lint", "--all", "--static", **there).code == 0


def test_ranges_and_folders(small_project: SmallProject, notifydb: Notifydb) -> None:
    small_project.add_all({f"000{number}_x": f'op.execute("DROP TABLE t{number}")' for number in range(1, 6)})

    def judged(*what: str) -> list[str]:
        outcome = notifydb("lint", *what, "--static", "--format", "json", NOTIFYDB_LINT_SELECT="drop-table")
        return [each["revision"][:4] for each in outcome.json["findings"]]

    assert judged("0002:0004") == judged("0002_x:0004_x") == ["0003", "0004"]
    assert judged("0003:") == judged("0003:head") == ["0004", "0005"]
    assert judged(":0002") == judged("base:0002") == ["0001", "0002"]
    assert judged("0003:0003") == []
    assert judged("0004:", ":0001", "0005") == ["0001", "0005"]
    assert judged("alembic/versions") == judged("--all") == judged(":")
    assert notifydb("lint", "0004:0002", "--static").code == 2
    assert notifydb("lint", "0009:", "--static").code == 2
    assert notifydb("lint", "0001", "--all", "--static").code == 2
    (small_project.project.root / "docs").mkdir()
    assert str(notifydb("lint", "docs", "--static")) == snapshot("""\
exit 2
[err]
error: there is no migration in docs
  next: name files of SQL one by one
""")


def test_files_of_sql_need_no_project(tmp_path_factory: pytest.TempPathFactory, notifydb: Notifydb) -> None:
    nowhere = tmp_path_factory.mktemp("nowhere")
    (nowhere / "drop.sql").write_text("-- a table\n\nDROP TABLE a;\n")
    assert str(notifydb("lint", "drop.sql", "--static", cwd=nowhere)) == snapshot("""\
exit 1
[out]
drop.sql
    3: warning: drop-table
      3 | DROP TABLE a;
    Running code that still uses a fails, and its data is gone.
    Safe form:
        First deploy code that does not use the table any more, then drop it, and say that this was
        done:

        # notifydb: ignore[drop-table] because the code stopped using it in release ...
        op.drop_table("a")

1 finding (1 warning) in 1 file of SQL, not run on a shadow: --static was given.
  next: notifydb rules drop-table
  or, to keep it as it is, on its line: -- notifydb: ignore[drop-table] because ...
""")
    piped = notifydb("lint", "-", "--format", "json", cwd=nowhere, stdin="BEGIN;\nDROP TABLE a;\n\\i x\n")
    assert matches_schema("lint", piped.json)
    (finding,) = piped.json["findings"]
    assert (finding["path"], finding["line"], finding["revision"]) == ("<stdin>", 2, None)
    assert [each["subject"] for each in piped.json["skipped"]] == ["<stdin>:3", "<stdin>"]
    assert notifydb("lint", "-", "--static", "--strict", cwd=nowhere, stdin="\\i x\n").code == 1
    assert notifydb("lint", "drop.sql", "--trace", cwd=nowhere).code == 2
    assert str(notifydb("lint", "no.sql", "--static", cwd=nowhere)) == snapshot("""\
exit 2
[err]
error: no.sql cannot be read: No such file or directory
""")
    (nowhere / "latin.sql").write_bytes(b"SELECT '\xe4'")
    assert notifydb("lint", "latin.sql", "--static", cwd=nowhere).code == 2
    assert notifydb("lint", "drop.sql", "--static", "--baseline", cwd=nowhere).code == 2
