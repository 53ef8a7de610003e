"""What was written into an archive comes out of it again, or nothing does: whatever happened to the files."""

from __future__ import annotations

import errno
import gzip
import os
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifydb import errors
from notifydb.postgres.relations import TableName
from notifydb.purge import deflate
from notifydb.purge.archive import FORMAT, MANIFEST, Archive, Content, Sealed, checked_line
from notifydb.purge.archive_read import read_manifest, text_of

HEADER = {"purge": "p1", "database": "shop", "prefix": "notify-tests"}
A = Content(TableName("public", "a"), ("id", "name"))
B = Content(TableName("Od:d %s", 'we"ird / :t'), ("no:", "ü"))
LET_GO = Content(B.table, ("id", "owner"), "values", 1, ("7",))
TO_NULL = Content(A.table, ("id", "owner"), "values", 1, (None,))
CONTENTS = (A, B, LET_GO, TO_NULL)

lines = st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"\\n") + b"\n")
texts = st.lists(lines, max_size=20).map(b"".join)
#: What each of a few workers writes, segment after segment.
works = st.lists(
    st.lists(st.tuples(st.sampled_from(CONTENTS), texts), min_size=1, max_size=3), min_size=1, max_size=3
)
Written = dict[int, tuple[Content, bytes]]


@pytest.fixture(autouse=True)
def at_once(quick_disk: None) -> None:
    """None of it is about what a power cut leaves."""


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name) / "archive"


def write(archive: Archive, content: Content, text: bytes, worker: int = 0, piece: int = 7) -> Sealed:
    with archive.segment(content, worker) as segment:
        segment.write(text[start : start + piece] for start in range(0, len(text), piece))
        sealed = segment.seal()
    archive.add([sealed])
    return sealed


def written(path: Path, *contents: tuple[Content, bytes]) -> Written:
    """A finished archive of one worker's segments."""
    archive, found = Archive(path, HEADER), Written()
    for content, text in contents:
        found[write(archive, content, text).segment] = (content, text)
    archive.committed(list(found))
    archive.finished(sum(text.count(b"\n") for _, text in contents))
    archive.close()
    return found


def read(path: Path) -> Written:
    manifest = read_manifest(path)
    return {s.segment: (s.content, b"".join(text_of(path, s))) for s in manifest.segments}


@pytest.mark.parametrize("library", ["isal", "zlib"])
def test_whatever_library_packs_gzip_unpacks(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deflate._maker.cache_clear()
    if library == "zlib":
        monkeypatch.setitem(sys.modules, "isal.isal_zlib", None)
    text = b"".join(b"%d\tnotify-tests\n" % number for number in range(100_000))
    try:
        assert deflate._maker().__module__ == ("isal.isal_zlib" if library == "isal" else "zlib")
        found = written(tmp_path / "archive", (A, text), (A, b"1\tx\n"))
    finally:
        deflate._maker.cache_clear()
    assert read(tmp_path / "archive") == found
    (file,) = (tmp_path / "archive").glob("*.gz")
    assert file.stat().st_size < len(text) // 3
    assert gzip.decompress(file.read_bytes()) == text + b"1\tx\n"


@given(works)
@settings(deadline=None, max_examples=50)
def test_what_several_threads_wrote_at_once_is_read_again(work: list[list[tuple[Content, bytes]]]) -> None:
    with folder() as path:
        archive, found, failed = Archive(path, HEADER), Written(), list[BaseException]()

        def labour(worker: int) -> None:
            try:
                for content, text in work[worker]:
                    sealed = write(archive, content, text, worker)
                    found[sealed.segment] = (content, text)
                    archive.committed([sealed.segment])
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=labour, args=(worker,)) for worker in range(len(work))]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        archive.close()
        manifest = read_manifest(path)
        assert not failed
        assert read(path) == found
        assert len(found) == sum(map(len, work))
        assert (manifest.purge, manifest.database, manifest.finished) == ("p1", "shop", False)
        assert manifest.settled == dict.fromkeys(found, True)
        assert {s.segment: s.rows for s in manifest.segments} == {
            number: text.count(b"\n") for number, (_, text) in found.items()
        }


THREE = ((A, b"1\tone\n2\ttwo\n"), (LET_GO, b"1\t\\N\n"), (A, b"3\t\xc3\xa9\\n\n" * 50))


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_one_bit_that_turned_never_gives_other_rows(data: st.DataObject) -> None:
    with folder() as path:
        whole = written(path, *THREE)
        file = path / data.draw(st.sampled_from(sorted(each.name for each in path.iterdir())))
        content = bytearray(file.read_bytes())
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        file.write_bytes(content)
        try:
            found = read(path)
        except (errors.ProofFailed, errors.UsageError):
            return
        assert found.items() <= whole.items()


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_a_data_file_that_ends_too_early_is_an_error(data: st.DataObject) -> None:
    with folder() as path:
        written(path, *THREE)
        file = path / data.draw(st.sampled_from(sorted(each.name for each in path.glob("*.gz"))))
        content = file.read_bytes()
        file.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
        with pytest.raises(errors.ProofFailed, match="the archive is damaged"):
            read(path)


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_a_manifest_that_ends_too_early_tells_of_fewer_segments(data: st.DataObject) -> None:
    with folder() as path:
        whole = written(path, *THREE)
        file = path / MANIFEST
        content = file.read_bytes()
        kept = content[: data.draw(st.integers(0, len(content) - 1))]
        file.write_bytes(kept)
        if b"\n" not in kept:
            with pytest.raises(errors.UsageError, match="does not begin like one"):
                read(path)
            return
        assert read(path).items() <= whole.items()
        assert len(read(path)) == min(kept.count(b"\n") - 1, len(whole))
        assert not read_manifest(path).finished


def test_a_line_that_was_taken_out_or_put_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    written(path, *THREE)
    lines = (path / MANIFEST).read_bytes().splitlines(keepends=True)
    for wrong in (
        lines[:1] + lines[2:],
        [lines[0], lines[2], lines[1], *lines[3:]],
        [*lines[:2], *lines[1:]],
    ):
        (path / MANIFEST).write_bytes(b"".join(wrong))
        with pytest.raises(errors.ProofFailed, match=r"line \d is not what was written"):
            read(path)


def test_segments_of_files_that_were_exchanged(tmp_path: Path) -> None:
    written(tmp_path / "x", (A, b"1\tone\n"))
    written(tmp_path / "y", (A, b"2\ttwo\n"))
    file = "a-rows-0.copy.gz"
    (tmp_path / "x" / file).write_bytes((tmp_path / "y" / file).read_bytes())
    with pytest.raises(errors.ProofFailed, match="segment 1 is not what was written"):
        read(tmp_path / "x")
    (tmp_path / "x" / file).unlink()
    with pytest.raises(errors.ProofFailed, match="No such file"):
        read(tmp_path / "x")


def test_a_segment_that_was_given_up_takes_nothing_from_the_next(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive", HEADER)
    with archive.segment(A) as segment:
        segment.write([b"1\tnever sealed\n" * 100_000])
    kept = write(archive, A, b"2\ttwo\n")
    undone = write(archive, A, b"3\tthree\n")
    archive.committed([kept.segment])
    archive.discarded([undone.segment])
    archive.close()
    assert read(tmp_path / "archive") == {2: (A, b"2\ttwo\n"), 3: (A, b"3\tthree\n")}
    assert read_manifest(tmp_path / "archive").settled == {2: True, 3: False}


def test_of_what_is_sealed_the_manifest_knows_when_it_is_told(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive", HEADER)
    sealed: list[Sealed] = []
    for text in (b"1\tone\n", b"2\ttwo\n"):
        with archive.segment(A) as segment:
            segment.write([text])
            sealed.append(segment.seal())
    assert read(tmp_path / "archive") == {}
    archive.add(sealed)
    archive.close()
    assert read(tmp_path / "archive") == {1: (A, b"1\tone\n"), 2: (A, b"2\ttwo\n")}


def test_a_file_is_in_its_folder_before_the_manifest_tells_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "archive"
    archive, synced = Archive(folder, HEADER), list[int]()
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    write(archive, A, b"1\tone\n")
    write(archive, A, b"2\ttwo\n")
    archive.close()
    names = {path.stat().st_ino: path.name for path in (folder, *folder.iterdir())}
    assert [names[each] for each in synced] == [
        *("a-rows-0.copy.gz", "archive", "manifest.jsonl"),
        *("a-rows-0.copy.gz", "manifest.jsonl"),
    ]


def test_a_long_text_in_large_pieces(tmp_path: Path) -> None:
    text = b"".join(b"%d\t%s\n" % (number, os.urandom(40).hex().encode()) for number in range(20_000))
    archive = Archive(tmp_path / "archive", HEADER)
    assert write(archive, A, text, piece=100_000).rows == 20_000
    archive.close()
    assert read(tmp_path / "archive") == {1: (A, text)}


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        written(tmp_path / "archive", *THREE)
    finally:
        os.umask(before)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "archive").iterdir()}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "archive").stat().st_mode) == 0o700


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    written(tmp_path / "archive", *THREE)
    before = (tmp_path / "archive" / MANIFEST).read_bytes()
    with pytest.raises(errors.ConfigurationError, match="the archive cannot be written: File exists") as told:
        Archive(tmp_path / "archive", HEADER)
    assert told.value.hint == "name a folder with room for it: --archive DIR"
    assert (tmp_path / "archive" / MANIFEST).read_bytes() == before


def test_a_folder_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.ConfigurationError, match="the archive cannot be written: Not a directory"):
        Archive(tmp_path / "file" / "archive", HEADER)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_folder_that_may_not_be_made(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, *_: object) -> NoReturn:
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(errors.ConfigurationError) as told:
        Archive(tmp_path / "archive", HEADER)
    assert told.value.message == (
        f"the archive cannot be written: {os.strerror(number)}: {tmp_path / 'archive'}"
    )


def fill(stream: int) -> None:
    """From now on it is on a disk that is full."""
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, stream)
    os.close(full)


def test_a_disk_that_is_full_as_a_segment_is_written(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive", HEADER)
    (tmp_path / "archive" / "a-rows-0.copy.gz").symlink_to("/dev/full")
    with pytest.raises(errors.ConfigurationError, match="No space left on device") as told:
        write(archive, A, b"1\tone\n")
    assert told.value.hint == "name a folder with room for it: --archive DIR"
    archive.close()
    assert read_manifest(tmp_path / "archive").segments == ()


def test_a_disk_that_is_full_as_the_manifest_is_written(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive", HEADER)
    fill(archive._manifest.fileno())
    with pytest.raises(errors.ConfigurationError, match="No space left on device"):
        write(archive, A, b"1\tone\n")
    # Whoever gave up must be able to leave.
    archive.close()


def test_what_cannot_be_synced_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive(tmp_path / "archive", HEADER)

    def fail(_descriptor: int) -> NoReturn:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(errors.ConfigurationError, match="Input/output error: its file"):
        write(archive, A, b"1\tone\n")
    archive.close()
    assert read_manifest(tmp_path / "archive").segments == ()


def header(path: Path, document: dict[str, object]) -> None:
    path.mkdir()
    (path / MANIFEST).write_bytes(checked_line(document, "")[0])


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_a_version_that_is_not_known(version: object, tmp_path: Path) -> None:
    header(tmp_path / "archive", {"format": FORMAT, "version": version, **HEADER})
    with pytest.raises(errors.UsageError, match=f"is of version {version}, and 1 is known here") as told:
        read_manifest(tmp_path / "archive")
    assert told.value.hint == "use the notifydb that wrote it, or a newer one"


def test_what_is_no_archive(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(errors.UsageError, match="is no archive of a purge: No such file") as told:
            read_manifest(path)
        assert told.value.hint == "name the folder that the purge has told"
    header(tmp_path / "other", {"format": "something else", "version": 1})
    with pytest.raises(errors.UsageError, match="does not begin like one"):
        read_manifest(tmp_path / "other")


@pytest.mark.parametrize("line", [b"nonsense\n", b"[1]\n", b"7\n", b"{}\n", b"\xff\xfe\n", b"\n"])
def test_a_line_that_cannot_be_read(line: bytes, tmp_path: Path) -> None:
    written(tmp_path / "archive", *THREE)
    with (tmp_path / "archive" / MANIFEST).open("ab") as stream:
        stream.write(line)
    with pytest.raises(errors.ProofFailed, match="line 7 cannot be read"):
        read_manifest(tmp_path / "archive")
