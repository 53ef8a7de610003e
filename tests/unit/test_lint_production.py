"""The file of production's sizes, and what a statement would take there."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifydb import errors
from notifydb.findings import Finding, Location, Severity
from notifydb.lint.options import SAMPLE_ROWS, Options
from notifydb.lint.production import dump, read
from notifydb.lint.sizing import scaled
from notifydb.lint.trace import Sample, Trace
from notifydb.postgres.sizes import Sizes, TableSize
from notifydb.sql.facts import Relation

USERS = Relation("users", "public")
TEAMS = Relation("teams", "public")
FINDING = Finding("scan-under-lock", Severity.ERROR, Location(Path("a.py")), "It reads.")
COUNTS = st.integers(0, 10**12)
SIZES = st.builds(
    Sizes,
    st.datetimes(datetime(2020, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(130_000, 200_000),
    st.dictionaries(
        st.text(),
        st.builds(TableSize, COUNTS, st.none() | COUNTS, st.none() | COUNTS, st.none() | COUNTS, COUNTS),
    ),
)


@given(SIZES)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, sizes: Sizes) -> None:
    path = tmp_path_factory.mktemp("stats") / "stats.json"
    path.write_text(dump(sizes), encoding="utf-8")
    assert read(path) == sizes


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value"),
        ("[]", "not of version 1"),
        ('{"version": 2}', "not of version 1"),
        ('{"version": 1}', "KeyError"),
        (
            '{"version": 1, "tables": [], "taken": "2026-01-01T00:00:00+00:00", "server_version": 1}',
            "AttributeError",
        ),
        ('{"version": 1, "tables": {}, "taken": "yesterday", "server_version": 1}', "yesterday"),
        ('{"version": 1, "tables": {}, "taken": "2026-01-01T00:00:00", "server_version": 1}', "no time zone"),
        (
            '{"version": 1, "tables": {"a": {"rows": -1}}, "taken": "x", "server_version": 1}',
            "-1 is no count",
        ),
        (
            '{"version": 1, "tables": {"a": {"rows": "9"}}, "taken": "x", "server_version": 1}',
            "'9' is no count",
        ),
        ('{"version": 1, "tables": {"a": null}, "taken": "x", "server_version": 1}', "form"),
    ],
)
def test_what_cannot_be_understood_is_told_with_what_to_do(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "stats.json"
    path.write_text(text)
    with pytest.raises(errors.ConfigurationError, match="the statistics stats") as raised:
        read(path)
    assert why in raised.value.message
    assert raised.value.exit_code == 2
    assert "notifydb lint --export-stats" in (raised.value.hint or "")


def test_a_file_that_is_missing_or_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "stats.json", tmp_path):
        with pytest.raises(errors.ConfigurationError, match="cannot be read"):
            read(path)


def _trace(**changes: object) -> Trace:
    """One that reads all of users: 50 ms with 20,000 rows of 100 bytes, of which 10 are there without any."""
    sample = Sample(50.0, 10.0, {USERS.key: SAMPLE_ROWS}, {USERS.key: SAMPLE_ROWS * 100})
    trace = Trace(scanned={USERS: 1000}, rows={USERS.key: 1000}, filled=True, sample=sample)
    return dataclasses.replace(trace, **changes)  # type: ignore[arg-type]


def _scaled(trace: Trace | None, **production: TableSize) -> tuple[int | None, float | None]:
    options = Options(production={f"public.{name}": size for name, size in production.items()})
    found = scaled(FINDING, trace, [USERS], options)
    return found.production_rows, found.estimate_ms


def test_the_time_grows_with_rows_and_bytes() -> None:
    size = TableSize(2_000_000, bytes=2_000_000 * 400)
    assert _scaled(_trace(), users=size) == (2_000_000, 10.0 + 40.0 * 200)


def test_without_bytes_rows_are_as_wide_as_here() -> None:
    assert _scaled(_trace(), users=TableSize(2_000_000)) == (2_000_000, 10.0 + 40.0 * 100)


def test_nothing_is_invented_without_statistics() -> None:
    assert _scaled(_trace()) == (None, None)
    assert _scaled(None, users=TableSize(5)) == (5, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"sample": None},
        {"sampled": True},
        {"scanned": {USERS: 10}},
        {"scanned": {USERS: 1000}, "changed": {USERS: 10}},
        {"scanned": {USERS: 1000, TEAMS: 1000}, "rows": {USERS.key: 1000, TEAMS.key: 1000}},
        {"sample": Sample(50.0, 10.0, {USERS.key: 900}, {USERS.key: 9000})},
        {"sample": Sample(11.0, 10.0, {USERS.key: SAMPLE_ROWS}, {USERS.key: SAMPLE_ROWS * 100})},
    ],
    ids=[
        "no sample",
        "outside of a transaction",
        "few rows",
        "few changes",
        "two tables",
        "too few rows here",
        "noise",
    ],
)
def test_what_does_not_grow_with_the_table_is_not_estimated(changes: dict[str, object]) -> None:
    assert _scaled(_trace(**changes), users=TableSize(2_000_000))[1] is None


def test_a_smaller_table_than_the_sample_needs_no_estimate() -> None:
    assert _scaled(_trace(), users=TableSize(5_000, 500_000)) == (5_000, None)


def test_the_file_has_a_table_a_line() -> None:
    sizes = Sizes(
        datetime(2026, 11, 22, tzinfo=UTC), 180004, {"public.a": TableSize(1), "public.b": TableSize(2)}
    )
    assert sum('"public.' in line for line in dump(sizes).splitlines()) == 2
    assert json.loads(dump(sizes))["taken"] == "2026-11-22T00:00:00+00:00"
