"""Archives read by the format's description alone, to see whether what is missing is in them."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from purge_chaos.world import Rows, State


def differences(before: State, now: State, folders: Iterable[Path]) -> Iterator[str]:
    """Where what is missing from the database is not just what the archives have by its journal, a line each."""
    gone, let_go = contents(folders, now.journal)
    for table, rows in before.rows.items():
        there, kept = now.rows[table], gone.get(table, Counter())
        missing, new = rows - there, there - rows
        changed = [line for line in missing - kept if any(_belongs(line, v) for v in let_go.get(table, ()))]
        lost = missing - kept - Counter(changed)
        if lost:
            yield f"{lost.total()} rows of {table} are gone and in no archive, such as {min(lost)!r}"
        if kept - missing:
            yield f"{(kept - missing).total()} rows of {table} are archived and still there"
        if len(changed) != new.total():
            yield f"{new.total()} rows of {table} are new, and {len(changed)} have changed"


def contents(folders: Iterable[Path], journal: Collection[tuple[str, int]]) -> tuple[Rows, Rows]:
    """By table, all rows of the journal's segments, and the values of those that have let go."""
    rows: Rows = {}
    values: Rows = {}
    found = set()
    for folder in folders:
        header, *others = manifest(folder)
        for each in others:
            if (header["purge"], each.get("segment")) in journal:
                found.add((header["purge"], each["segment"]))
                kept = rows if each["kind"] == "rows" else values
                kept.setdefault(each["table"], Counter()).update(segment(folder, each))
    assert found == set(journal), f"in the journal and in no archive: {set(journal) - found}"
    return rows, values


def manifest(folder: Path) -> list[dict[str, Any]]:
    """Its lines; the last one may have been cut off."""
    text = (folder / "manifest.jsonl").read_bytes()
    return [json.loads(line) for line in text.split(b"\n")[:-1]]


def segment(folder: Path, described: dict[str, Any]) -> list[bytes]:
    """The rows of a segment, which must be as many as the manifest says, and the same."""
    with (folder / described["file"]).open("rb") as stream:
        stream.seek(described["offset"])
        text = gzip.decompress(stream.read(described["length"]))
    assert hashlib.sha256(text).hexdigest() == described["sha256"], described
    lines = text.split(b"\n")[:-1]
    assert len(lines) == described["rows"], described
    return lines


def _belongs(line: bytes, values: bytes) -> bool:
    """Whether a row of a table has the key, and the value that it has let go of."""
    key, *_, value = values.split(b"\t")
    fields = line.split(b"\t")
    return fields[0] == key and value in fields
