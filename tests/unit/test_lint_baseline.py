"""A baseline leaves out what was there, wherever it moves, and nothing that is new."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from notifydb import errors
from notifydb.findings import Finding, Location, Report, Severity
from notifydb.lint import baseline
from notifydb.lint.baseline import Baseline, compared, recorded
from notifydb.revisions.graph import History, Revision

RULES = frozenset({"drop-table", "drop-column", "id-too-long"})


def _history(*revisions: str) -> History:
    above = [(), *((each,) for each in revisions)]
    return History(
        Revision(each, down, (), (), Path(f"{each}.py")) for each, down in zip(revisions, above, strict=False)
    )


def _finding(
    sql: str | None = "DROP TABLE a",
    *,
    rule: str = "drop-table",
    revision: str | None = "0001_a",
    line: int = 1,
) -> Finding:
    return Finding(rule, Severity.ERROR, Location(Path("x.py"), line), "x", revision=revision, sql=sql)


def _report(*findings: Finding, judged: tuple[str, ...] = ("0001_a",)) -> Report:
    return Report(findings, judged=dict.fromkeys(judged, RULES))


def _baseline(*findings: Finding, history: History | None = None, old: Baseline | None = None) -> Baseline:
    revisions = tuple(dict.fromkeys(each.revision for each in findings if each.revision)) or ("0001_a",)
    history = history or _history(*revisions)
    return recorded(_report(*findings, judged=revisions), history, "static", old)


def test_the_file() -> None:
    made = _baseline(
        _finding(),
        _finding(line=9),
        _finding("ALTER TABLE a DROP b", rule="drop-column"),
        _finding(revision=None),
    )
    assert str(made) == snapshot("""\
{
  "version": 1,
  "level": "static",
  "findings": [
    {"revision": "0001_a", "rule": "drop-column", "digest": "4bdd8f94911e", "count": 1},
    {"revision": "0001_a", "rule": "drop-table", "digest": "1eb7532812c5", "count": 2}
  ]
}
""")
    assert str(_baseline()) == snapshot("""\
{
  "version": 1,
  "level": "static",
  "findings": []
}
""")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    assert baseline.read(path) is None
    for made in (_baseline(), _baseline(_finding(), _finding("DROP TABLE b", revision="0002_b"))):
        path.write_text(str(made))
        assert baseline.read(path) == made


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "<<<<<<< ours\n{}",
        '{"version": 2, "level": "static", "findings": []}',
        '{"version": 1, "level": "both", "findings": []}',
        '{"version": 1, "level": "static"}',
        '{"version": 1, "level": "static", "findings": [{"revision": "a"}]}',
        '{"version": 1, "level": "static", "findings": [{"revision": 1, "rule": "r", "digest": "d", "count": 1}]}',
        '{"version": 1, "level": "static", "findings": 5}',
        "\xff",
    ],
)
def test_a_file_that_cannot_be_understood_is_the_users_to_mend(content: str, tmp_path: Path) -> None:
    (tmp_path / "b.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(errors.ConfigurationError, match=r"b\.json cannot be read"):
        baseline.read(tmp_path / "b.json")


def test_moved_and_reformatted_is_known_still() -> None:
    found = compared(_report(_finding("DROP  TABLE\n a", line=70)), _baseline(_finding()))
    assert (found.report.findings, found.report.known, found.gone) == ((), 1, ())


def test_a_new_number_changes_nothing() -> None:
    renumbered = _report(_finding(revision="0042_a"), judged=("0042_a",))
    assert compared(renumbered, _baseline(_finding())).report.known == 1


@pytest.mark.parametrize(
    "new",
    [
        _finding("DROP TABLE b"),
        _finding(rule="drop-column"),
        _finding(revision="0002_b"),
        _finding(revision=None),
    ],
)
def test_what_is_new_does_not_hide_behind_what_was_there(new: Finding) -> None:
    found = compared(_report(_finding(), new), _baseline(_finding()))
    assert (found.report.findings, found.report.known) == ((new,), 1)


def test_one_more_of_the_same_is_told() -> None:
    again = _finding(line=9)
    found = compared(_report(_finding(), again), _baseline(_finding()))
    assert found.report.findings == (again,)


def test_what_has_no_sql_is_known_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text("import app\nimport os\n")

    def found(line: int) -> Finding:
        return Finding("r", Severity.ERROR, Location(path, line), "x", revision="0001_a")

    known = _baseline(found(1))
    path.write_text("import os\nimport app\n")
    assert compared(_report(found(2), found(1)), known).report.findings == (found(1),)


def test_what_is_gone_is_told_only_where_it_was_looked_for() -> None:
    known = _baseline(_finding(), _finding("DROP TABLE b", revision="0002_b"))
    first, second = known.entries
    assert compared(_report(), known).gone == (first,)
    assert compared(_report(judged=("0001_a", "0002_b")), known).gone == (first, second)
    no_trace = dataclasses.replace(_report(), judged={"0001_a": frozenset({"drop-column"})})
    assert compared(no_trace, known).gone == ()
    refuted = dataclasses.replace(_report(), refuted=(_finding(),))
    assert compared(refuted, known).gone == ()


def test_recording_anew_keeps_what_was_not_judged() -> None:
    history = _history("0001_a", "0002_b", "0003_c")
    old = _baseline(_finding(), _finding(revision="0002_b"), _finding(revision="0009_gone"),
                    history=_history("0001_a", "0002_b", "0009_gone"))  # fmt: skip
    new = recorded(
        _report(_finding("DROP TABLE n", revision="0002_b"), judged=("0002_b",)), history, "trace", old
    )
    assert [entry.revision for entry in new.entries] == ["0001_a", "0002_b"]
    assert new.level == "trace"
    assert new.entries[1].digest not in {entry.digest for entry in old.entries}


def test_a_trace_outdoes_a_baseline_that_was_recorded_without() -> None:
    seen = dataclasses.replace(_finding("DO $$ $$"), source="trace")
    elsewhere = dataclasses.replace(seen, revision="0002_b")
    known = _baseline(_finding())
    assert compared(_report(seen), known).is_outdone
    assert not compared(_report(elsewhere), known).is_outdone
    assert not compared(_report(seen), dataclasses.replace(known, level="trace")).is_outdone
