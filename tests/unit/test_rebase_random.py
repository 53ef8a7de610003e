"""Random branches move on top of a random line: only ids change, order stays, and no kill tears the folder."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifydb.numbering import folder
from notifydb.numbering.plan import plan_renumber
from notifydb.numbering.rebase import plan_rebase
from notifydb.revisions import naming
from notifydb.revisions.changes import apply, recover
from notifydb.revisions.reader import read_history
from unit.killing import dies
from unit.migration_sources import Ids, Style, render, styles
from unit.planted import line, moved
from unit.random_histories import Branched, branched

pytestmark = pytest.mark.usefixtures("quick_disk")

quick = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def planted(branches: Branched, root: Path) -> Path:
    versions = root / "versions"
    versions.mkdir()
    branches.planted.write(versions)
    return versions


def tree(versions: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in versions.iterdir() if path.is_file()}


@settings(quick, max_examples=15)
@given(branched())
def test_rebase_and_renumber_change_the_ids_and_not_one_other_byte(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, branches: Branched
) -> None:
    root = tmp_path_factory.mktemp("migrations")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(root.parent))
    versions = planted(branches, root)
    before = tree(versions)
    plan = plan_rebase(versions, heads=branches.heads)
    apply(plan.line.changes)
    after = tree(versions)

    history = branches.planted
    new_id = {own: moved(plan.line).get(own, own) for own in history.ids}
    old_id = {new: own for own, new in new_id.items()}
    order = line(versions)
    originally = [old_id[each] for each in order]
    assert originally[: len(history.kept)] == history.kept
    for branch in branches.branches:
        start = originally.index(branch[0])
        assert originally[start : start + len(branch)] == branch

    stays = {f"{history.names[own]}.py" for own in history.kept}
    assert {name: after[name] for name in stays} == {name: before[name] for name in stays}
    assert sorted(after) == sorted(
        stays | {f"{new_id[own]}.py" for own in set(history.ids) - set(history.kept)}
    )
    for place, new in list(enumerate(order))[len(history.kept) :]:
        ids = history.ids[old_id[new]]
        moves_to = Ids(new, (order[place - 1],), tuple(new_id[each] for each in ids.depends_on))
        text = render(history.styles[ids.own], moves_to, mentions=ids, message=f"Say {ids.own}")
        assert after[f"{new}.py"] == text

    numbers = [naming.number_of(new) for new in order[len(history.kept) :]]
    assert all(number is not None for number in numbers)
    assert (
        numbers == [numbers[0] + step for step in range(len(numbers))]
        if numbers and numbers[0]
        else not numbers
    )
    assert not plan_rebase(versions)
    assert not plan_renumber(read_history(versions), keep=frozenset(history.kept))
    apply(plan.line.changes.undone())
    assert tree(versions) == before


@settings(quick, max_examples=40)
@given(branched(most=24), st.integers(0, 150), st.booleans())
def test_a_kill_at_any_write_leaves_the_old_folder_or_the_new_one(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    branches: Branched,
    survived: int,
    too_late: bool,
) -> None:
    root = tmp_path_factory.mktemp("migrations")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(root.parent))
    versions = planted(branches, root)
    before = tree(versions)
    plan = plan_rebase(versions, heads=branches.heads)
    changed = [each for each in plan.line.changes.changes if each.new and each.new.parent == versions]
    leaving = {each.old.name for each in changed if each.old}
    after = {name: content for name, content in before.items() if name not in leaving}
    after |= {each.new.name: each.after or b"" for each in changed if each.new}
    dies(lambda: apply(plan.line.changes), survived, too_late=too_late)
    assert read_history(versions).heads
    recover(versions)
    assert tree(versions) in (before, after)
    if tree(versions) == before:
        apply(plan_rebase(versions, heads=branches.heads).line.changes)
    assert tree(versions) == after
    assert line(versions)[-1] == plan.line.head


# For git a file with \r alone is one line that does not end; without a docstring there is no date.
in_git = styles().map(
    lambda style: dataclasses.replace(
        style, newline="\n" if style.newline == "\n" else "\r\n", docstring="alembic"
    )
)


@settings(quick, max_examples=30)
@given(in_git, in_git, st.sampled_from(["--quiet", "--diff3", "--zdiff3"]), st.booleans())
def test_two_migrations_in_one_conflict_are_just_the_two_files(
    tmp_path_factory: pytest.TempPathFactory, one: Style, other: Style, markers: str, second: bool
) -> None:
    root = tmp_path_factory.mktemp("migrations")
    made = [
        render(style, Ids("0002_add", (down,))).replace(b"2024-01-02", day)
        for style, down, day in ((one, "0001_a", b"2024-01-03"), (other, "0001_b", b"2024-01-04"))
    ]
    for name, content in zip(("one", "base", "other"), (made[0], b"", made[1]), strict=True):
        (root / name).write_bytes(content)
    command = ["git", "merge-file", "-p", markers, "one", "base", "other"]
    merged = subprocess.run(command, cwd=root, check=False, capture_output=True).stdout
    (root / "0002_add.py").write_bytes(merged)
    for name in ("one", "base", "other"):
        (root / name).unlink()
    meant = folder.resolve(folder.read_files(root), second=second, added=frozenset())
    assert [each.content for each in meant.sources.values()] == (made[::-1] if second else made)
    assert [each.apart for each in meant.sources.values()] == [False, True]
