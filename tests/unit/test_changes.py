"""Changing several files: all or none, whenever the process or the machine stops."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import py_compile
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifydb.errors import HistoryError, InternalError, UsageError
from notifydb.revisions import changes, headfile
from notifydb.revisions.changes import FileChange, FileChanges, apply, recover
from notifydb.revisions.graph import History, Revision
from notifydb.revisions.reader import read_history
from unit.killing import WATCHED, Killer, dies

Tree = dict[str, tuple[bytes, int]]


def source(name: str, down: str | None = None) -> bytes:
    return f"revision = {name!r}\ndown_revision = {down!r}\n".encode()


def tree(folder: Path) -> Tree:
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mode & 0o7777)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def plant(folder: Path) -> FileChanges:
    """Three revisions and a head file, and the plan that pushes two of them up by one and adds another."""
    shutil.rmtree(folder, ignore_errors=True)
    versions = folder / "versions"
    versions.mkdir(parents=True)
    below: str | None = None
    for name in ("0001_a", "0002_b", "0003_c"):
        (versions / f"{name}.py").write_bytes(source(name, below))
        below = name
    (versions / "0002_b.py").chmod(0o750)
    head = folder / headfile.HEAD_FILE
    head.write_bytes(b"0003_c\n")
    steps = [
        ("0002_b", "0003_b", source("0003_b", "0001_a")),
        ("0003_c", "0004_c", source("0004_c", "0003_b")),
    ]
    moves = [FileChange.of(versions / f"{old}.py", versions / f"{new}.py", text) for old, new, text in steps]
    made = FileChange.of(None, versions / "0002_n.py", source("0002_n", "0004_c"))
    return FileChanges(versions, (*moves, made, FileChange.of(head, head, b"0002_n\n")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "migrations"


def test_a_plan_is_carried_out_with_modes_kept(folder: Path) -> None:
    plan = plant(folder)
    before = tree(folder)
    apply(plan)
    after = tree(folder)
    assert sorted(after) == [
        ".current-alembic-head",
        "versions/0001_a.py",
        "versions/0002_n.py",
        "versions/0003_b.py",
        "versions/0004_c.py",
    ]
    assert after["versions/0003_b.py"] == (source("0003_b", "0001_a"), 0o750)
    assert after["versions/0001_a.py"] == before["versions/0001_a.py"]
    assert read_history(plan.versions).head == "0002_n"


def test_what_was_done_can_be_taken_back(folder: Path) -> None:
    plan = plant(folder)
    before = tree(folder)
    apply(plan)
    assert tree(folder) != before
    apply(plan.undone())
    assert tree(folder) == before


@pytest.mark.parametrize("too_late", [False, True])
def test_a_kill_at_any_call_leaves_the_old_or_the_new_tree_after_recovery(
    folder: Path, too_late: bool
) -> None:
    plan = plant(folder)
    old = tree(folder)
    apply(plan)
    new = tree(folder)
    seen = []
    for survived in range(100):
        plan = plant(folder)
        if not dies(partial(apply, plan), survived, too_late=too_late):
            break
        recover(plan.versions)
        seen.append(tree(folder))
        assert seen[-1] in (old, new)
        assert not recover(plan.versions)
    assert len(seen) > 15
    assert seen[0] == old
    assert seen[-1] == new
    # Once it is decided there is no way back.
    assert sorted(seen, key=lambda each: each == new) == seen


@pytest.mark.parametrize("too_late", [False, True])
def test_a_kill_during_recovery_is_recovered_from_too(folder: Path, too_late: bool) -> None:
    plan = plant(folder)
    old = tree(folder)
    apply(plan)
    new = tree(folder)
    deaths = 0
    for survived in range(100):
        for again in range(100):
            plan = plant(folder)
            if not dies(partial(apply, plan), survived, too_late=too_late):
                assert deaths > 80
                return
            died = dies(partial(recover, plan.versions), again, too_late=too_late)
            recover(plan.versions)
            assert tree(folder) in (old, new)
            if not died:
                break
            deaths += 1
    pytest.fail("it never came through")


def test_nothing_is_decided_before_all_of_it_is_on_the_disk(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plant(folder)
    opened: dict[int, str] = {}
    happened: list[str] = []
    originals = {name: getattr(os, name) for name in ("open", *WATCHED)}

    def note_open(path: Any, *args: Any, **kwargs: Any) -> int:
        descriptor: int = originals["open"](path, *args, **kwargs)
        opened[descriptor] = Path(path).name
        return descriptor

    def noting(name: str) -> Callable[..., Any]:
        def noted(target: Any, *args: Any, **kwargs: Any) -> Any:
            what = opened[target] if isinstance(target, int) else Path(target).name
            happened.append(f"{name} {what}")
            return originals[name](target, *args, **kwargs)

        return noted

    monkeypatch.setattr(os, "open", note_open)
    for name in WATCHED:
        monkeypatch.setattr(os, name, noting(name))
    apply(plan)
    decided = happened.index(f"replace .{changes.JOURNAL}.notifydb-new")
    staged = [f".{each.new.name}.notifydb-new" for each in plan.changes if each.new]
    for name in (*staged, f".{changes.JOURNAL}.notifydb-new"):
        assert happened.index(f"fsync {name}") < decided
    assert happened[decided + 1] == "fsync versions"
    assert all(happened.index(f"replace {name}") > decided for name in staged)
    assert happened[-3:] == ["fsync versions", f"unlink {changes.JOURNAL}", "fsync versions"]
    assert happened.index("unlink 0002_b.py") > max(happened.index(f"replace {name}") for name in staged)


@pytest.mark.parametrize("survived", [0, 5, 8, 10, 13])
def test_a_real_kill_leaves_no_lock_and_the_next_reader_sees_one_tree(folder: Path, survived: int) -> None:
    plant(folder)
    script = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent.parent)!r})
import unit.test_changes as t
plan = t.plant(t.Path({str(folder)!r}))
t.Killer._watching = lambda self, name, original: lambda *a, **k: (
    setattr(self, "calls", self.calls + 1),
    self.calls > self.survived and os.kill(os.getpid(), signal.SIGKILL),
    original(*a, **k),
)[-1]
with t.Killer({survived}, too_late=False):
    t.apply(plan)
"""
    ended = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    head = read_history(folder / "versions").head
    recover(folder / "versions")
    assert head in ("0003_c", "0002_n")
    assert (folder / headfile.HEAD_FILE).read_bytes() == f"{head}\n".encode()
    assert not [name for name in tree(folder) if "notifydb" in name]


def test_reading_finishes_what_a_killed_run_had_decided(folder: Path) -> None:
    plan = plant(folder)
    dies(lambda: apply(plan), 10, too_late=True)
    assert (plan.versions / changes.JOURNAL).exists()
    assert read_history(plan.versions).head == "0002_n"
    assert not (plan.versions / changes.JOURNAL).exists()


def test_applying_first_clears_away_what_an_undecided_run_left(folder: Path) -> None:
    plan = plant(folder)
    dies(lambda: apply(plan), 2, too_late=True)
    assert any(".notifydb-new" in name for name in tree(folder))
    apply(plan)
    assert read_history(plan.versions).head == "0002_n"
    assert not any(".notifydb-new" in name for name in tree(folder))


@pytest.mark.parametrize("name", ["unlink", "replace"])
def test_an_interrupt_after_the_decision_still_finishes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    plan = plant(folder)
    original = getattr(os, name)
    interrupts = iter([KeyboardInterrupt()])

    def interrupted(target: Any, *args: Any, **kwargs: Any) -> None:
        if changes.JOURNAL not in str(target):
            for interrupt in interrupts:
                raise interrupt
        original(target, *args, **kwargs)

    monkeypatch.setattr(os, name, interrupted)
    with pytest.raises(KeyboardInterrupt):
        apply(plan)
    assert not [each for each in tree(folder) if "notifydb" in each]
    assert read_history(plan.versions).head == "0002_n"


@pytest.mark.parametrize("decided", [False, True])
def test_an_interrupt_at_the_decision_leaves_all_or_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, decided: bool
) -> None:
    plan = plant(folder)
    before = tree(folder)
    original = os.replace

    def interrupted(source: Any, target: Any) -> None:
        if decided:
            original(source, target)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            apply(plan)
    assert (tree(folder) == before) is not decided
    assert read_history(plan.versions).head == ("0002_n" if decided else "0003_c")


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
def test_a_read_only_folder_is_refused_with_nothing_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    plan = plant(folder)
    before = tree(folder)
    original = os.open

    def read_only(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        if flags & os.O_CREAT:
            raise OSError(code, os.strerror(code), path)
        return original(path, flags, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", read_only)
        with pytest.raises(UsageError, match=r"cannot be written .*; nothing was changed"):
            apply(plan)
    assert tree(folder) == before


@pytest.mark.parametrize("successes", range(7))
def test_a_full_disk_is_noticed_before_anything_is_decided(
    folder: Path, monkeypatch: pytest.MonkeyPatch, successes: int
) -> None:
    plan = plant(folder)
    before = tree(folder)
    calls: Iterator[int] = iter(range(100))

    def full(descriptor: int) -> None:
        if next(calls) >= successes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(UsageError, match="No space left"):
            apply(plan)
    assert tree(folder) == before


def test_a_file_that_changed_since_the_plan_stops_it(folder: Path) -> None:
    plan = plant(folder)
    (plan.versions / "0003_c.py").write_bytes(b"edited")
    before = tree(folder)
    with pytest.raises(UsageError, match=r"0003_c\.py is not the file that the plan saw"):
        apply(plan)
    assert tree(folder) == before


def test_a_link_is_not_replaced_by_a_file(folder: Path) -> None:
    plan = plant(folder)
    real = folder / "elsewhere.py"
    (plan.versions / "0003_c.py").rename(real)
    (plan.versions / "0003_c.py").symlink_to(real)
    with pytest.raises(UsageError, match=r"0003_c\.py is not the file"):
        apply(plan)
    assert (plan.versions / "0003_c.py").is_symlink()


def test_a_file_in_the_way_stops_it(folder: Path) -> None:
    plan = plant(folder)
    (plan.versions / "0004_c.py").write_bytes(b"mine")
    before = tree(folder)
    with pytest.raises(UsageError, match=r"0004_c\.py is in the way"):
        apply(plan)
    assert tree(folder) == before


def test_two_at_work_in_one_folder_exclude_each_other(folder: Path) -> None:
    plan = plant(folder)
    dies(lambda: apply(plan), 10, too_late=True)
    descriptor = os.open(plan.versions, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        for act in (lambda: apply(plan), lambda: recover(plan.versions)):
            with pytest.raises(UsageError, match="another notifydb is changing"):
                act()
    finally:
        os.close(descriptor)
    assert recover(plan.versions)


def test_a_plan_that_changes_one_file_twice_or_another_folder_is_a_bug(folder: Path) -> None:
    plan = plant(folder)
    first = plan.changes[0]
    elsewhere = FileChange.of(None, folder.parent / "x.py", b"")
    for wrong in ((first, first), (elsewhere,)):
        with pytest.raises(InternalError):
            apply(FileChanges(plan.versions, wrong))


def test_an_edit_made_after_the_kill_is_not_overwritten(folder: Path) -> None:
    plan = plant(folder)
    dies(lambda: apply(plan), 9, too_late=True)
    target = plan.versions / "0004_c.py"
    assert not target.exists()
    target.write_bytes(b"by hand")
    before = tree(folder)
    with pytest.raises(HistoryError, match=r"somebody edited 0004_c\.py"):
        read_history(plan.versions)
    assert tree(folder) == before
    target.unlink()
    assert read_history(plan.versions).head == "0002_n"


def test_an_edit_of_a_file_already_in_its_place_is_kept(folder: Path) -> None:
    plan = plant(folder)
    dies(lambda: apply(plan), 9, too_late=True)
    edited = source("0003_b", "0001_a") + b"# by hand\n"
    (plan.versions / "0003_b.py").write_bytes(edited)
    recover(plan.versions)
    assert (plan.versions / "0003_b.py").read_bytes() == edited
    assert (plan.versions / "0004_c.py").exists()


def test_a_lost_half_is_noticed_instead_of_deleting_the_other(folder: Path) -> None:
    plan = plant(folder)
    dies(lambda: apply(plan), 9, too_late=True)
    (plan.versions / ".0004_c.py.notifydb-new").unlink()
    before = tree(folder)
    with pytest.raises(HistoryError, match="cut short"):
        recover(plan.versions)
    assert tree(folder) == before


@pytest.mark.parametrize("content", [b"{", b"[]", json.dumps({"version": 2, "files": []}).encode()])
def test_a_journal_that_is_not_understood_stops_everything(folder: Path, content: bytes) -> None:
    versions = plant(folder).versions
    (versions / changes.JOURNAL).write_bytes(content)
    before = tree(folder)
    with pytest.raises(HistoryError, match="notifydb-changes"):
        recover(versions)
    assert tree(folder) == before


def test_bytecode_of_changed_files_goes_and_other_bytecode_stays(folder: Path) -> None:
    plan = plant(folder)
    compiled = {
        name: [
            Path(py_compile.compile(str(plan.versions / f"{name}.py"), optimize=level, doraise=True) or "")
            for level in (0, 2)
        ]
        for name in ("0001_a", "0002_b", "0003_c")
    }
    other = compiled["0003_c"][0].with_name("0003_c.cpython-399.pyc")
    longer = other.with_name("0003_cc.cpython-399.pyc")
    for path in (other, longer):
        path.write_bytes(b"")
    apply(plan)
    left = sorted(path.name for path in other.parent.iterdir())
    assert left == sorted([*(path.name for path in compiled["0001_a"]), longer.name])


def test_the_printed_plan_is_a_patch_that_git_applies_to_the_same_tree(folder: Path) -> None:
    plan = plant(folder)
    (plan.versions / "0001_a.py").write_bytes("é\x0c\u2028\r\nno end".encode())
    extra = (
        FileChange.of(plan.versions / "0001_a.py", plan.versions / "0001_aa.py", "é\x0c\u2028\r\nx".encode()),
        FileChange.of(plan.versions.parent / headfile.HEAD_FILE, None),
    )
    plan = FileChanges(plan.versions, (*plan.changes[:-1], *extra))
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    subprocess.run(
        ["git", "apply", "-"],
        cwd=copy,
        input=str(plan).encode(),
        check=True,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(copy.parent)},
    )
    apply(plan)
    assert {name: content for name, (content, _) in tree(copy).items()} == {
        name: content for name, (content, _) in tree(folder).items()
    }


def test_a_plan_prints_renames_as_git_does(folder: Path) -> None:
    plan = plant(folder)
    renamed = FileChange.of(plan.versions / "0001_a.py", plan.versions / "0001_x.py")
    assert str(FileChanges(plan.versions, (renamed, plan.changes[0]))) == (
        "diff --git a/versions/0001_a.py b/versions/0001_x.py\n"
        "similarity index 100%\n"
        "rename from versions/0001_a.py\n"
        "rename to versions/0001_x.py\n"
        "diff --git a/versions/0002_b.py b/versions/0003_b.py\n"
        "rename from versions/0002_b.py\n"
        "rename to versions/0003_b.py\n"
        "--- a/versions/0002_b.py\n"
        "+++ b/versions/0003_b.py\n"
        "@@ -1,2 +1,2 @@\n"
        "-revision = '0002_b'\n"
        "+revision = '0003_b'\n"
        " down_revision = '0001_a'\n"
    )


def test_a_plan_without_changes_is_empty_prints_nothing_and_touches_nothing(folder: Path) -> None:
    path = plant(folder).versions / "0001_a.py"
    same = FileChanges(path.parent, (FileChange.of(path, path),))
    assert (bool(same), str(same), bool(FileChanges(path.parent))) == (False, "", False)
    with Killer(0, too_late=False) as killer:
        apply(same)
    assert killer.calls == 0


@st.composite
def plans(draw: st.DrawFn) -> tuple[dict[str, bytes], list[tuple[str | None, str | None, bytes]]]:
    """A small tree, and changes that permute, rename, rewrite, make and delete its files."""
    names = [f"{number}.py" for number in range(8)]
    held = {name: name.encode() for name in names[: draw(st.integers(1, 6))]}
    targets = draw(st.permutations(names))
    steps: list[tuple[str | None, str | None, bytes]] = []
    for old, new in zip(held, targets, strict=False):
        content = draw(st.sampled_from([held[old], b"new", b""]))
        steps.append((old, draw(st.sampled_from([new, new, None])), content))
    if draw(st.booleans()):
        steps.append((None, targets[-1], b"made"))
    return held, steps


@given(plans(), st.integers(0, 40), st.booleans())
def test_any_plan_killed_anywhere_is_recovered_to_the_old_or_the_new_tree(
    tmp_path_factory: pytest.TempPathFactory,
    plan: tuple[dict[str, bytes], list[tuple[str | None, str | None, bytes]]],
    survived: int,
    too_late: bool,
) -> None:
    held, steps = plan
    versions = tmp_path_factory.mktemp("migrations") / "versions"
    versions.mkdir()
    for name, content in held.items():
        (versions / name).write_bytes(content)
    planned = FileChanges(
        versions,
        tuple(
            FileChange.of(
                versions / old if old else None, versions / new if new else None, after if new else None
            )
            for old, new, after in steps
        ),
    )
    expected = {new: after for _, new, after in steps if new}
    died = dies(lambda: apply(planned), survived, too_late=too_late)
    recover(versions)
    left = {path.name: path.read_bytes() for path in versions.iterdir()}
    assert left in ((held, expected) if died else (expected,))


def history(*ids: str) -> History:
    below: tuple[str, ...] = ()
    made = []
    for each in ids:
        made.append(Revision(each, below, (), (), Path(f"{each}.py")))
        below = (each,)
    return History(made)


@pytest.mark.parametrize(
    ("content", "problem", "names"),
    [
        (None, headfile.HeadProblem.MISSING, ()),
        (b"", headfile.HeadProblem.EMPTY, ()),
        (b"\n\n", headfile.HeadProblem.EMPTY, ()),
        (b"0002_b\n", None, ("0002_b",)),
        (b"\r\n0002_b", None, ("0002_b",)),
        (b"0001_a\n0002_b\n", headfile.HeadProblem.SEVERAL_LINES, ("0001_a", "0002_b")),
        (b"0009_x\n", headfile.HeadProblem.UNKNOWN, ("0009_x",)),
        (b"\xff\n", headfile.HeadProblem.UNKNOWN, ("\ufffd",)),
        (b"0001_a\n", headfile.HeadProblem.NOT_HEAD, ("0001_a",)),
        (
            b"<<<<<<< HEAD\n0002_b\n=======\n0002_c\n>>>>>>> branch\n",
            headfile.HeadProblem.CONFLICT,
            ("0002_b", "0002_c"),
        ),
        (
            b"<<<<<<< ours\r\n0002_b\r\n||||||| base\r\n0001_a\r\n=======\r\n0002_c\r\n>>>>>>> theirs\r\n",
            headfile.HeadProblem.CONFLICT,
            ("0002_b", "0002_c"),
        ),
        (b"0002_b\n=======\n0002_c\n", headfile.HeadProblem.CONFLICT, ()),
    ],
)
def test_what_is_wrong_with_a_head_file_is_told_not_raised(
    tmp_path: Path, content: bytes | None, problem: headfile.HeadProblem | None, names: tuple[str, ...]
) -> None:
    path = tmp_path / headfile.HEAD_FILE
    if content is not None:
        path.write_bytes(content)
    found = headfile.read(path, history("0001_a", "0002_b"))
    assert (found.problem, found.names) == (problem, names)
    assert (found.message is None) == (problem is None)
    assert problem is None or path.name in (found.message or "")


def test_a_written_head_file_is_one_line_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / headfile.HEAD_FILE
    for head in ("0001_a", "0002_b"):
        headfile.write(path, head)
    assert path.read_bytes() == b"0002_b\n"
    assert headfile.read(path, history("0001_a", "0002_b")).problem is None
    assert [each.name for each in tmp_path.iterdir()] == [headfile.HEAD_FILE]


def test_a_head_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        headfile.write(tmp_path / "missing" / headfile.HEAD_FILE, "0001_a")
