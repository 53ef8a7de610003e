"""`lint` as a user calls it: what the settings turn off, and what is a mistake."""

from __future__ import annotations

from inline_snapshot import snapshot

from cli.conftest import Notifydb
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
