"""`lint` as a user calls it: what the settings turn off, and what is a mistake."""

from __future__ import annotations

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
    assert "lint.severity           data=info, drop-table=info  (NOTIFYDB_LINT_SEVERITY)\n" in shown


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
    assert notifydb("lint", "--all", "--static", "--baseline", **there).code == 0
    assert notifydb("lint", "--all", "--static", **there).code == 0
