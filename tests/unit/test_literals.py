"""The keys that a folder of migrations names."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from notifydb.revisions.literals import uuids_in

SERVICE, USER, SPAN = (
    "d6aa2c68-a2d9-4437-ab19-3ae8eb202553",
    "6af522d0-2915-4e52-83a3-3690455a5fe6",
    "11111111-2222-3333-4444-555555555555",
)


def test_wherever_it_stands_and_however_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "0001_seed.py").write_text(f"service_id = '{SERVICE}'\nop.execute(f\"... '{USER.upper()}'\")")
    (tmp_path / "0002_more.py").write_bytes(b"# \xe9 is no UTF-8\nuser = '" + USER.encode() + b"'")
    (tmp_path / "0003_rows.sql").write_text(f"INSERT INTO x VALUES ('{SPAN}');")
    assert uuids_in(tmp_path) == (SPAN, USER, SERVICE)


def test_what_is_no_key_or_no_migration(tmp_path: Path) -> None:
    (tmp_path / "0001_seed.py").write_text(f"a{SERVICE} {USER}f {SPAN[:-1]} {SPAN.replace('-', '')}")
    (tmp_path / "notes.txt").write_text(SPAN)
    (tmp_path / "older").mkdir()
    (tmp_path / "older" / "0000_gone.py").write_text(SPAN)
    assert uuids_in(tmp_path) == ()


def test_a_folder_that_holds_nothing(tmp_path: Path) -> None:
    assert uuids_in(tmp_path) == ()


@given(st.lists(st.uuids(), max_size=5), st.sampled_from(["'{}'", '"{}"', "({})", "{}\n", "x={};"]))
def test_every_uuid_is_found_once(tmp_path_factory: object, keys: list[object], form: str) -> None:
    folder = tmp_path_factory.mktemp("versions")  # type: ignore[attr-defined]
    (folder / "0001_a.py").write_text(" ".join(form.format(key) for key in [*keys, *keys]))
    assert uuids_in(folder) == tuple(sorted({str(key) for key in keys}))
