"""Production's sizes from the export to the verdict, as a user meets them."""

# ruff: noqa: E501
from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot

from cli.conftest import Notifydb, matches_schema
from conftest import SmallProject, query

LARGE = {"rows": 12_000_000, "bytes": 5_000_000_000, "toast_bytes": 0, "index_bytes": 0, "partitions": 0}


@pytest.fixture(autouse=True)
def migrations(small_project: SmallProject) -> None:
    columns = 'sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text)'
    small_project.add("0001_users", f'op.create_table("users", {columns})', 'op.drop_table("users")')
    small_project.add(
        "0002_index", 'op.create_index("ix_name", "users", ["name"])', 'op.drop_index("ix_name")'
    )
    (small_project.project.script_location / ".current-alembic-head").write_text("0002_index\n")


@pytest.fixture
def stats(small_project: SmallProject) -> Path:
    """The file that is read without being asked for."""
    return small_project.project.root / "notifydb-stats.json"


def _write(path: Path, *, days: int = 0, **document: Any) -> None:
    taken = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    version = {"version": 1, "taken": taken, "server_version": 180004}
    path.write_text(json.dumps({**version, "tables": {"public.users": LARGE}, **document}))


def test_export_to_a_file_and_to_stdout(notifydb: Notifydb, database: str, stats: Path) -> None:
    there = {"DATABASE_URL": database, "NOTIFYDB_ENVIRONMENT": "production"}
    query(database, "CREATE TABLE users (id integer)")
    done = notifydb("lint", "--export-stats", "notifydb-stats.json", **there)
    assert str(done) == snapshot("""\
exit 0
[err]
wrote notifydb-stats.json: the sizes of 1 table, no data
""")
    written = json.loads(stats.read_text())
    assert matches_schema("lint-export-stats", written)
    shown = notifydb("lint", "--export-stats", "-", **there)
    assert {**shown.json, "taken": ""} == {**written, "taken": ""}
    assert shown.err == ""


def test_an_export_tells_no_secret(notifydb: Notifydb) -> None:
    gone = notifydb("lint", "--export-stats", "-", DATABASE_URL="postgresql://u:s3cr3t@127.0.0.1:1/x")
    assert (gone.code, gone.out) == (4, "")
    assert "s3cr3t" not in gone.err


def test_an_export_that_cannot_be_written(notifydb: Notifydb, database: str) -> None:
    done = notifydb("lint", "--export-stats", "gone/stats.json", DATABASE_URL=database)
    assert str(done) == snapshot("""\
exit 2
[err]
error: gone/stats.json cannot be written: No such file or directory
""")


def test_the_verdict_at_production_s_size(notifydb: Notifydb, server_url: str, stats: Path) -> None:
    _write(stats)
    found = notifydb("lint", "0002", "--format", "json", NOTIFYDB_SHADOW_URL=server_url)
    assert matches_schema("lint", found.json)
    (finding,) = found.json["findings"]
    assert finding["production_rows"] == 12_000_000
    assert finding["estimate_ms"] > finding["duration_ms"]
    assert finding["waits"] == "every insert, update and delete on users waits"
    text = notifydb("lint", "0002", NOTIFYDB_SHADOW_URL=server_url)
    assert " with 12 million rows, while every insert, update and delete" in text.out


def test_without_statistics_nothing_is_said_of_production(notifydb: Notifydb, server_url: str) -> None:
    text = notifydb("lint", "0002", NOTIFYDB_SHADOW_URL=server_url)
    assert "In production" not in text.out


def test_static_mode_knows_the_rows_only(notifydb: Notifydb, stats: Path) -> None:
    _write(stats)
    assert "In production: 12 million rows." in notifydb("lint", "0002", "--static").out


def test_a_small_table_is_silent_and_an_unknown_one_is_not(notifydb: Notifydb, stats: Path) -> None:
    _write(stats, tables={"public.users": {**LARGE, "rows": 99}})
    assert notifydb("lint", "0002", "--static").code == 0
    _write(stats, tables={"other.users": {**LARGE, "rows": 99}})
    assert notifydb("lint", "0002", "--static").code == 1


def test_another_file_by_option_or_setting(notifydb: Notifydb, small_project: SmallProject) -> None:
    root = small_project.project.root
    (root / "sizes").mkdir()
    _write(root / "sizes" / "eu.json", tables={"public.users": {**LARGE, "rows": 99}})
    assert notifydb("lint", "0002", "--static", "--stats", "eu.json", cwd=root / "sizes").code == 0
    assert notifydb("lint", "0002", "--static", NOTIFYDB_LINT_STATS="sizes/eu.json").code == 0
    gone = notifydb("lint", "0002", "--static", "--stats", "gone.json")
    assert str(gone) == snapshot("""\
exit 2
[err]
error: the statistics gone.json cannot be read: No such file or directory
  next: write it anew: notifydb lint --export-stats FILE, with production's DATABASE_URL
""")


def test_a_file_that_is_not_understood_stops_the_run(notifydb: Notifydb, stats: Path) -> None:
    _write(stats, version=2)
    assert str(notifydb("lint", "0002", "--static")) == snapshot("""\
exit 2
[err]
error: the statistics notifydb-stats.json cannot be read: it is not of version 1
  next: write it anew: notifydb lint --export-stats FILE, with production's DATABASE_URL
""")


def test_an_old_file_is_told(notifydb: Notifydb, stats: Path) -> None:
    _write(stats, days=100)
    assert notifydb("lint", "0001", "--static").err == snapshot(
        "notifydb-stats.json is 100 days old; next: notifydb lint --export-stats notifydb-stats.json, in production\n"
    )
    _write(stats, days=80)
    assert notifydb("lint", "0001", "--static").err == ""


def test_another_major_version_than_the_shadow_s_is_told(
    notifydb: Notifydb, server_url: str, stats: Path
) -> None:
    ours = int(str(query(server_url, "SHOW server_version_num")[0][0]))
    _write(stats, server_version=ours)
    there = {"NOTIFYDB_SHADOW_URL": server_url}
    assert notifydb("lint", "0001", **there).err == ""
    _write(stats, server_version=130022)
    told = notifydb("lint", "0001", **there).err.replace(str(ours // 10_000), "OURS")
    assert told == snapshot(
        "measured on PostgreSQL OURS, but the statistics are of PostgreSQL 13: NOTIFYDB_SHADOW_URL can name a server of that version\n"
    )
    assert notifydb("lint", "0001", "--static").err == ""
