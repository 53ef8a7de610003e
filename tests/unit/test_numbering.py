"""Renumbering: two branches become one line, what is kept stays as it is, git tells which is which."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.migration_sources import Ids, Style, render, styles

from notifydb.errors import HistoryError, NotifydbError, UsageError
from notifydb.numbering import conflict
from notifydb.numbering.conflict import OnRef, Operation, Unknown
from notifydb.numbering.plan import RenumberPlan, plan_renumber
from notifydb.revisions import headfile, naming
from notifydb.revisions.changes import apply
from notifydb.revisions.reader import read_history, read_revision, read_revisions

PLAIN = Style("\n", "utf-8", False, '"', "", False, "plain", False, "alembic", False, "")


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations" / "versions"
    folder.mkdir(parents=True)
    return folder


def put(versions: Path, own: str, *down: str, name: str = "", message: str = "", extra: str = "") -> Path:
    path = versions / f"{name or own}.py"
    path.write_bytes(render(PLAIN, Ids(own, down), message=message) + extra.encode())
    return path


def line(versions: Path) -> list[str]:
    history = read_history(versions)
    assert len(history.heads) == 1
    return [each.id for each in history.ordered()]


def moved(plan: RenumberPlan) -> dict[str, str]:
    return {each.old_id: each.new_id for each in plan.moves}


def carry_out(plan: RenumberPlan, versions: Path, **options: frozenset[str]) -> list[str]:
    """The line after the plan; a second plan must then find nothing to do."""
    apply(plan.changes)
    again = plan_renumber(read_revisions(versions), **options)  # type: ignore[arg-type]
    assert not again
    assert not again.moves
    return line(versions)


def two_branches(versions: Path) -> None:
    """Main went on with 0003_m; a branch off 0002_b has 0003_x and 0004_y."""
    for own, down in (("0001_a", ()), ("0002_b", ("0001_a",)), ("0003_m", ("0002_b",))):
        put(versions, own, *down)
    put(versions, "0003_x", "0002_b")
    put(versions, "0004_y", "0003_x")


MAIN = frozenset({"0001_a", "0002_b", "0003_m"})


def test_the_branch_that_is_not_on_main_moves_on_top_in_its_own_order(versions: Path) -> None:
    two_branches(versions)
    plan = plan_renumber(read_history(versions), keep=MAIN)
    assert [(each.old_id, each.new_id, each.old_down, each.new_down) for each in plan.moves] == [
        ("0003_x", "0004_x", "0002_b", "0003_m"),
        ("0004_y", "0005_y", "0003_x", "0004_x"),
    ]
    assert [each.new_path.name for each in plan.moves] == ["0004_x.py", "0005_y.py"]
    assert [each.reason for each in plan.moves] == ["stands on 0003_m now", "stands on 0004_x now"]
    assert (plan.head, plan.renamed) == ("0005_y", {"0003_x": "0004_x", "0004_y": "0005_y"})
    assert carry_out(plan, versions, keep=MAIN) == ["0001_a", "0002_b", "0003_m", "0004_x", "0005_y"]


def test_what_is_printed_is_what_happens_and_can_be_taken_back(versions: Path) -> None:
    two_branches(versions)
    before = {path.name: path.read_bytes() for path in versions.iterdir()}
    plan = plan_renumber(read_history(versions), keep=MAIN)
    assert "rename from versions/0003_x.py\nrename to versions/0004_x.py\n" in str(plan.changes)
    assert '-down_revision = "0002_b"\n' in str(plan.changes)
    assert '+down_revision = "0003_m"\n' in str(plan.changes)
    apply(plan.changes)
    apply(plan.changes.undone())
    assert {path.name: path.read_bytes() for path in versions.iterdir()} == before


def test_three_branches_move_one_after_another_the_lower_number_first(versions: Path) -> None:
    two_branches(versions)
    put(versions, "0003_c", "0001_a")
    put(versions, "0002_z", "0001_a")
    plan = plan_renumber(read_history(versions), keep=MAIN)
    assert carry_out(plan, versions, keep=MAIN)[3:] == ["0004_z", "0005_c", "0006_x", "0007_y"]


def test_a_branch_already_on_top_stays_below_the_ones_that_move(versions: Path) -> None:
    two_branches(versions)
    put(versions, "0004_top", "0003_m")
    plan = plan_renumber(read_history(versions), keep=MAIN)
    assert "0004_top" not in moved(plan)
    assert carry_out(plan, versions, keep=MAIN)[3:] == ["0004_top", "0005_x", "0006_y"]


def test_the_name_of_the_parent_is_enough_to_move(versions: Path) -> None:
    put(versions, "0001_a")
    put(versions, "0002_m", "0001_a")
    put(versions, "0003_x", "0001_a")
    plan = plan_renumber(read_history(versions), keep=frozenset({"0001_a", "0002_m"}))
    (move,) = plan.moves
    assert (move.old_id, move.old_path) == (move.new_id, move.new_path)
    assert (move.new_down, plan.renamed) == ("0002_m", {})
    assert carry_out(plan, versions, keep=frozenset({"0001_a", "0002_m"}))[2] == "0003_x"


@pytest.mark.parametrize(
    ("own", "name", "message", "new"),
    [
        ("0009_add_x", "", "", "0003_add_x"),
        ("0003_add_x", "0003_other", "", "0003_add_x"),
        ("3_add_x", "", "", "0003_add_x"),
        ("0009_Add__X", "", "", "0003_Add__X"),
        ("0009-add-x", "", "", "0003_add_x"),
        ("0003_add-x", "", "", "0003_add_x"),
        ("ab12cd34ef56", "ab12cd34ef56_file_words", "Add login", "0003_add_login"),
        ("ab12cd34ef56", "ab12cd34ef56_file_words", "empty message", "0003_file_words"),
        ("ab12cd34ef56", "", "", "0003_ab12cd34ef56"),
        ("20240131_add_x", "", "", "0003_add_x"),
        ("0468", "", "", "0003"),
        ("0468", "0468_file_words", "", "0003_file_words"),
        ("add_x", "", "", "0003_add_x"),
        ("9999_" + "word_" * 5 + "z", "", "", "0003_" + "word_" * 5 + "z"),
        ("0009_" + "word_" * 6 + "z", "", "", "0003_word_word_word_word_word"),
    ],
)
def test_a_new_id_keeps_its_words_and_takes_the_next_number(
    versions: Path, own: str, name: str, message: str, new: str
) -> None:
    put(versions, "0001_a")
    put(versions, "0002_b", "0001_a")
    put(versions, own, "0002_b", name=name, message=message)
    keep = frozenset({"0001_a", "0002_b"})
    plan = plan_renumber(read_history(versions), keep=keep)
    assert moved(plan) == {own: new}
    assert ("cut to 32" in plan.moves[0].reason) == (len(own) > 32)
    assert carry_out(plan, versions, keep=keep)[2] == new
    assert (versions / f"{new}.py").exists()


def test_numbers_go_on_from_the_highest_kept_one_past_its_width(versions: Path) -> None:
    put(versions, "9998_a")
    put(versions, "0007_b", "9998_a")
    put(versions, "0008_x", "0007_b")
    put(versions, "0009_y", "0008_x")
    plan = plan_renumber(read_history(versions), keep=frozenset({"9998_a", "0007_b"}))
    assert moved(plan) == {"0008_x": "9999_x", "0009_y": "10000_y"}


def test_a_history_without_numbers_is_counted(versions: Path) -> None:
    put(versions, "ab12cd34ef56")
    put(versions, "bc23de45fa67", "ab12cd34ef56")
    put(versions, "cd34ef56ab78", "bc23de45fa67", message="Add login")
    plan = plan_renumber(read_history(versions), keep=frozenset({"ab12cd34ef56", "bc23de45fa67"}))
    assert moved(plan) == {"cd34ef56ab78": "0003_add_login"}


def test_kept_files_keep_gaps_odd_names_and_merges(versions: Path) -> None:
    put(versions, "0001_a", name="first")
    put(versions, "0005_b", "0001_a")
    put(versions, "0006_c", "0001_a")
    put(versions, "0009_merge", "0005_b", "0006_c")
    put(versions, "0010_x", "0009_merge")
    keep = frozenset({"0001_a", "0005_b", "0006_c", "0009_merge"})
    assert not plan_renumber(read_history(versions), keep=keep)


def test_a_start_leaves_a_gap_but_takes_no_used_number(versions: Path) -> None:
    two_branches(versions)
    plan = plan_renumber(read_history(versions), keep=MAIN, start=100, width=5)
    assert moved(plan) == {"0003_x": "00100_x", "0004_y": "00101_y"}
    with pytest.raises(HistoryError, match="numbers up to 3 are taken"):
        plan_renumber(read_history(versions), keep=MAIN, start=3)


def test_everything_can_be_numbered_anew_with_what_is_kept_below(versions: Path) -> None:
    put(versions, "0002_first", name="odd")
    put(versions, "0009_m", "0002_first")
    put(versions, "0003_x", "0002_first")
    keep = frozenset({"0002_first", "0009_m"})
    plan = plan_renumber(read_history(versions), keep=keep, all_=True)
    assert moved(plan) == {"0002_first": "0001_first", "0009_m": "0002_m", "0003_x": "0003_x"}
    apply(plan.changes)
    assert line(versions) == ["0001_first", "0002_m", "0003_x"]
    assert not plan_renumber(read_history(versions), all_=True)
    assert not plan_renumber(read_history(versions))


def test_ids_that_take_each_others_place_are_renamed_at_once(versions: Path) -> None:
    put(versions, "0002_a")
    put(versions, "0001_a", "0002_a")
    plan = plan_renumber(read_history(versions), all_=True)
    assert moved(plan) == {"0002_a": "0001_a", "0001_a": "0002_a"}
    apply(plan.changes)
    assert line(versions) == ["0001_a", "0002_a"]
    assert b"# after 0002_a\n" in (versions / "0001_a.py").read_bytes()


def test_dependencies_and_replaced_ids_follow_and_the_branch_point_does_not(versions: Path) -> None:
    two_branches(versions)
    ids = Ids("0005_z", ("0004_y",), ("0003_x", "0002_b"), ("0004_y", "0000_gone"))
    (versions / "0005_z.py").write_bytes(render(PLAIN, ids))
    ids = Ids("0003_x", ("0002_b",), ("0002_b",))
    (versions / "0003_x.py").write_bytes(render(PLAIN, ids))
    apply(plan_renumber(read_history(versions), keep=MAIN).changes)
    top = read_revision(versions / "0006_z.py")
    assert top.depends_on == ("0004_x", "0002_b")
    assert top.replaces == ("0005_y", "0000_gone")
    bottom = read_revision(versions / "0004_x.py")
    assert (bottom.down_revisions, bottom.depends_on) == (("0003_m",), ("0002_b",))


def test_the_head_file_is_brought_along_even_out_of_a_conflict(versions: Path) -> None:
    two_branches(versions)
    head = versions.parent / headfile.HEAD_FILE
    head.write_bytes(b"<<<<<<< HEAD\n0003_m\n=======\n0004_y\n>>>>>>> branch\n")
    apply(plan_renumber(read_history(versions), keep=MAIN).changes)
    assert head.read_bytes() == b"0005_y\n"
    head.write_bytes(b"0003_m\n")
    plan = plan_renumber(read_history(versions), keep=MAIN)
    assert plan
    assert not plan.moves
    apply(plan.changes)
    assert head.read_bytes() == b"0005_y\n"


def test_no_head_file_is_made_where_there_was_none(versions: Path) -> None:
    two_branches(versions)
    apply(plan_renumber(read_history(versions), keep=MAIN).changes)
    assert [path.name for path in versions.parent.iterdir()] == ["versions"]


def test_an_empty_folder_is_in_order(versions: Path) -> None:
    plan = plan_renumber(read_revisions(versions))
    assert (bool(plan), plan.head, plan.moves) == (False, None, ())


def merge(versions: Path) -> None:
    put(versions, "0005_merge", "0003_m", "0004_y")


def label(versions: Path) -> None:
    put(versions, "0005_z", "0004_y", extra='branch_labels = ("reports",)\n')


def dependency(versions: Path) -> None:
    (versions / "0005_z.py").write_bytes(render(PLAIN, Ids("0005_z", ("0004_y",), ("0003_m",))))


def second_base(versions: Path) -> None:
    put(versions, "0005_z")


@pytest.mark.parametrize("all_", [False, True])
@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (merge, "it merges 0003_m and 0004_y"),
        (label, r"it names a branch \(reports\)"),
        (dependency, "it depends on 0003_m, which is not below it"),
        (second_base, "it begins a second history"),
    ],
)
def test_what_has_no_place_in_one_line_is_refused_with_the_reason(
    versions: Path, spoil: Callable[[Path], None], why: str, all_: bool
) -> None:
    two_branches(versions)
    spoil(versions)
    with pytest.raises(HistoryError, match=why) as caught:
        plan_renumber(read_history(versions), keep=MAIN, all_=all_)
    assert "0005_" in caught.value.message
    assert caught.value.hint


def test_two_branches_that_both_stay_are_refused_by_name(versions: Path) -> None:
    two_branches(versions)
    with pytest.raises(HistoryError, match="0003_m and 0004_y both have to stay") as caught:
        plan_renumber(read_history(versions), keep=frozenset(read_history(versions).revisions))
    assert "--keep 0003_m" in (caught.value.hint or "")


def test_a_kept_revision_that_was_put_on_a_new_one_is_refused(versions: Path) -> None:
    put(versions, "0001_a")
    put(versions, "0002_x", "0001_a")
    put(versions, "0003_m", "0002_x")
    with pytest.raises(HistoryError, match="0003_m has to stay as it is, but stands on 0002_x"):
        plan_renumber(read_history(versions), keep=frozenset({"0001_a", "0003_m"}))


def test_without_a_word_on_what_is_old_nothing_is_guessed(versions: Path) -> None:
    put(versions, "0001_a")
    put(versions, "0002_b", "0001_a")
    assert not plan_renumber(read_history(versions))
    put(versions, "0004_d", "0002_b")
    with pytest.raises(HistoryError, match="nothing tells which revisions are new"):
        plan_renumber(read_history(versions))
    put(versions, "0003_c", "0002_b")
    with pytest.raises(HistoryError, match="nothing tells which branch stays: 0003_c, 0004_d"):
        plan_renumber(read_history(versions))


def test_a_name_that_another_file_has_stops_the_plan(versions: Path) -> None:
    two_branches(versions)
    (versions / "0004_x.py").write_text("helper = 1\n")
    with pytest.raises(HistoryError, match=r"0003_x\.py would become 0004_x\.py, which is another file"):
        plan_renumber(read_history(versions), keep=MAIN)


def twins(versions: Path) -> None:
    """Both branches made 0002_add; on each something stands on it."""
    put(versions, "0001_a")
    put(versions, "0002_add", "0001_a", message="main's")
    put(versions, "0003_m", "0002_add")
    put(versions, "0002_add", "0001_a", name="0002_add_too", message="the branch's")
    put(versions, "0003_x", "0002_add")


MAIN_FILES = frozenset({"0001_a.py", "0002_add.py", "0003_m.py"})
MAIN_IDS = frozenset({"0001_a", "0002_add", "0003_m"})


def test_of_two_files_with_one_id_the_new_one_and_its_branch_move(versions: Path) -> None:
    twins(versions)
    plan = plan_renumber(read_revisions(versions), keep=MAIN_IDS, kept_files=MAIN_FILES)
    assert [(each.old_path.name, each.new_id, each.new_down) for each in plan.moves] == [
        ("0002_add_too.py", "0004_add", "0003_m"),
        ("0003_x.py", "0005_x", "0004_add"),
    ]
    assert "0002_add.py has the same id and stays" in plan.moves[0].reason
    assert plan.renamed == {"0003_x": "0005_x"}
    assert plan.ambiguous == {"0002_add"}
    after = carry_out(plan, versions, keep=MAIN_IDS, kept_files=MAIN_FILES)
    assert after == ["0001_a", "0002_add", "0003_m", "0004_add", "0005_x"]
    assert read_revision(versions / "0002_add.py").message == "main's"
    assert read_revision(versions / "0004_add.py").message == "the branch's"


@pytest.mark.parametrize(
    ("kept_files", "why"),
    [
        (frozenset[str](), "git does not tell which of them is new"),
        (MAIN_FILES | {"0002_add_too.py"}, "both are on the main branch"),
    ],
)
def test_twins_that_cannot_be_told_apart_are_refused(
    versions: Path, kept_files: frozenset[str], why: str
) -> None:
    twins(versions)
    with pytest.raises(HistoryError, match=rf"0002_add\.py and .*0002_add_too\.py .*{why}"):
        plan_renumber(read_revisions(versions), keep=MAIN_IDS, kept_files=kept_files)


def test_a_branch_on_one_of_two_new_twins_is_refused(versions: Path) -> None:
    twins(versions)
    put(versions, "0002_add", "0001_a", name="0002_add_three")
    with pytest.raises(HistoryError, match=r"0003_x\.py stands on '0002_add', which is 0002_add_three"):
        plan_renumber(read_revisions(versions), keep=MAIN_IDS, kept_files=MAIN_FILES)
    (versions / "0003_x.py").unlink()
    plan = plan_renumber(read_revisions(versions), keep=MAIN_IDS, kept_files=MAIN_FILES)
    assert [each.new_path.name for each in plan.moves] == ["0004_add.py", "0005_add.py"]


@dataclasses.dataclass(frozen=True)
class Planted:
    """A random history: what each revision is, how it is written, and which are kept."""

    ids: dict[str, Ids]
    names: dict[str, str]
    styles: dict[str, Style]
    kept: list[str]

    def write(self, versions: Path) -> None:
        for own, ids in self.ids.items():
            path = versions / f"{self.names[own]}.py"
            path.write_bytes(render(self.styles[own], ids, message=f"Say {own}"))


@st.composite
def histories(draw: st.DrawFn) -> Planted:
    """1-60 revisions: a kept line, and branches off anything, under numbers that clash and mislead."""
    count = draw(st.integers(1, 60))
    kept_count = draw(st.integers(1, count))
    few = [dataclasses.replace(draw(styles()), concatenated=False) for _ in range(3)]
    ids: dict[str, Ids] = {}
    names: dict[str, str] = {}
    for index in range(count):
        number = draw(st.integers(1, 40))
        own = draw(st.sampled_from([f"{number:04d}_w{index}", f"{number}_w{index}", f"ab12cd{index:06d}"]))
        known = list(ids)
        down = () if not known else (known[-1] if index < kept_count else draw(st.sampled_from(known)),)
        depends_on = down if draw(st.booleans()) else ()
        ids[own] = Ids(own, down, depends_on)
        names[own] = draw(st.sampled_from([own, own, f"file_{index}"]))
    chosen = {own: draw(st.sampled_from(few)) for own in ids}
    return Planted(ids, names, chosen, list(ids)[:kept_count])


def ancestors(planted: Planted, own: str) -> list[str]:
    found = []
    while planted.ids[own].down:
        (own,) = planted.ids[own].down
        found.append(own)
    return found


quick = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(histories(), st.booleans())
def test_any_history_becomes_one_line_with_only_its_ids_changed(
    tmp_path_factory: pytest.TempPathFactory, planted: Planted, all_: bool
) -> None:
    versions = tmp_path_factory.mktemp("migrations") / "versions"
    versions.mkdir()
    planted.write(versions)
    before = {path.name: path.read_bytes() for path in versions.iterdir()}
    plan = plan_renumber(read_history(versions), keep=frozenset(planted.kept), all_=all_)
    apply(plan.changes)
    after = {path.name: path.read_bytes() for path in versions.iterdir()}

    order = line(versions)
    new_id = {own: moved(plan).get(own, own) for own in planted.ids}
    old_id = {new: own for own, new in new_id.items()}
    assert sorted(order) == sorted(old_id)
    originally = [old_id[each] for each in order]
    assert originally[: len(planted.kept)] == planted.kept
    for own in originally:
        assert all(originally.index(below) < originally.index(own) for below in ancestors(planted, own))
    assert chains_are_whole(planted, originally)

    stays = [] if all_ else planted.kept
    numbers = [naming.number_of(each) for each in stays]
    highest = max((number for number in numbers if number is not None), default=len(stays))
    for place, new in enumerate(order[len(stays) :], start=highest + 1):
        assert naming.number_of(new) == place
        assert naming.is_legal(new)
        own = old_id[new]
        position = order.index(new)
        down = (order[position - 1],) if position else ()
        depends_on = tuple(new_id[each] for each in planted.ids[own].depends_on)
        expected = render(
            planted.styles[own],
            Ids(new, down, depends_on),
            mentions=planted.ids[own],
            message=f"Say {own}",
        )
        assert after[f"{new}.py"] == expected
    for own in stays:
        assert after[f"{planted.names[own]}.py"] == before[f"{planted.names[own]}.py"]

    again = plan_renumber(
        read_history(versions), keep=frozenset(planted.kept) if not all_ else frozenset(), all_=all_
    )
    assert not again
    apply(plan.changes.undone())
    assert {path.name: path.read_bytes() for path in versions.iterdir()} == before


def chains_are_whole(planted: Planted, order: list[str]) -> bool:
    """Whether each new revision that had one follower, itself with one parent, is directly followed by it."""
    new = [own for own in order if own not in planted.kept]
    followers = {own: [each for each in new if planted.ids[each].down == (own,)] for own in new}
    return all(
        order.index(after[0]) == order.index(own) + 1 for own, after in followers.items() if len(after) == 1
    )


class Repository:
    """A git repository with a versions folder, made in a few calls."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.versions = root / "migrations" / "versions"
        self.versions.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.email", "t@example.org")
        self.git("config", "user.name", "t")

    def git(self, *arguments: str, fails: bool = False) -> str:
        ended = subprocess.run(
            ["git", *arguments], cwd=self.root, check=False, capture_output=True, text=True
        )
        assert (ended.returncode != 0) == fails, ended.stderr
        return ended.stdout

    def commit(self, message: str = "more") -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", message)

    def on_main(self) -> OnRef:
        found = conflict.revisions_on("main", self.versions)
        assert isinstance(found, OnRef)
        return found


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Main has 0001_a and 0002_m, the branch that is checked out 0001_a and 0002_x."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    made = Repository(tmp_path / "repository")
    head = made.versions.parent / headfile.HEAD_FILE
    put(made.versions, "0001_a")
    head.write_bytes(headfile.content("0001_a"))
    made.commit("first")
    made.git("checkout", "-qb", "branch")
    put(made.versions, "0002_x", "0001_a")
    head.write_bytes(headfile.content("0002_x"))
    made.commit("branch")
    made.git("checkout", "-q", "main")
    put(made.versions, "0002_m", "0001_a", name="0002_odd_name")
    (made.versions / "helper.py").write_text("x = 1\n")
    (made.versions / "README.md").write_text("not a migration\n")
    head.write_bytes(headfile.content("0002_m"))
    made.commit("main")
    made.git("checkout", "-q", "branch")
    return made


def test_git_tells_the_ids_and_files_of_another_branch(repository: Repository) -> None:
    found = repository.on_main()
    assert found.ids == {"0001_a", "0002_m"}
    assert found.files == {"0001_a.py", "0002_odd_name.py"}
    assert {each.path.parent for each in found.revisions} == {repository.versions}


def test_after_a_merge_git_tells_which_branch_moves(repository: Repository) -> None:
    repository.git("merge", "main", fails=True)
    assert conflict.in_progress(repository.versions) is Operation.MERGE
    on_main = repository.on_main()
    plan = plan_renumber(read_revisions(repository.versions), keep=on_main.ids, kept_files=on_main.files)
    assert moved(plan) == {"0002_x": "0003_x"}
    apply(plan.changes)
    repository.commit()
    assert line(repository.versions) == ["0001_a", "0002_m", "0003_x"]
    assert repository.git("show", "HEAD:migrations/.current-alembic-head") == "0003_x\n"
    assert conflict.in_progress(repository.versions) is None


def test_a_branch_moves_onto_main_before_there_is_a_conflict(repository: Repository) -> None:
    on_main = repository.on_main()
    plan = plan_renumber(read_revisions(repository.versions), keep=on_main.ids, onto=on_main.revisions)
    assert moved(plan) == {"0002_x": "0003_x"}
    assert (plan.moves[0].new_down, plan.absent, plan.head) == ("0002_m", "0002_m", "0003_x")
    apply(plan.changes)
    repository.commit()
    repository.git("merge", "-X", "ours", "-q", "main")
    assert line(repository.versions) == ["0001_a", "0002_m", "0003_x"]
    on_main = repository.on_main()
    assert not plan_renumber(read_revisions(repository.versions), keep=on_main.ids, onto=on_main.revisions)


def test_onto_does_not_number_what_is_not_here(repository: Repository) -> None:
    with pytest.raises(UsageError, match="not here"):
        plan_renumber(read_revisions(repository.versions), onto=repository.on_main().revisions, all_=True)


def test_onto_keeps_clear_of_a_file_name_on_the_other_branch(repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    repository.git("mv", "migrations/versions/0002_odd_name.py", "migrations/versions/0003_x.py")
    repository.commit()
    repository.git("checkout", "-q", "branch")
    with pytest.raises(HistoryError, match=r"would become 0003_x\.py, which is another file"):
        plan_renumber(read_revisions(repository.versions), onto=repository.on_main().revisions)


def test_a_file_renamed_on_the_branch_is_no_twin_of_the_one_on_main(repository: Repository) -> None:
    repository.git("mv", "migrations/versions/0001_a.py", "migrations/versions/0001_first.py")
    plan = plan_renumber(read_revisions(repository.versions), onto=repository.on_main().revisions)
    assert moved(plan) == {"0002_x": "0003_x"}


def test_the_same_id_on_main_and_on_the_branch_is_two_revisions(repository: Repository) -> None:
    put(repository.versions, "0002_m", "0001_a", name="0002_mine", message="mine")
    (repository.versions / "0002_x.py").unlink()
    plan = plan_renumber(read_revisions(repository.versions), onto=repository.on_main().revisions)
    assert [(each.old_path.name, each.new_id) for each in plan.moves] == [("0002_mine.py", "0003_m")]
    assert plan.ambiguous == {"0002_m"}


def test_two_teams_that_made_the_same_file_are_told_apart_by_the_date(repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    path = put(repository.versions, "0003_add", "0002_m", message="main's")
    repository.commit()
    repository.git("checkout", "-q", "branch")
    put(repository.versions, "0003_add", "0002_x", message="the branch's")
    path.write_bytes(path.read_bytes().replace(b"Date: 2024-01-02", b"Date: 2024-01-03"))
    put(repository.versions, "0004_y", "0003_add")
    repository.commit()
    on_main = repository.on_main()
    plan = plan_renumber(
        read_revisions(repository.versions),
        keep=on_main.ids,
        kept_files=on_main.files,
        onto=on_main.revisions,
    )
    assert [(each.old_id, each.new_id, each.new_down) for each in plan.moves] == [
        ("0002_x", "0004_x", "0003_add"),
        ("0003_add", "0005_add", "0004_x"),
        ("0004_y", "0006_y", "0005_add"),
    ]
    assert plan.ambiguous == {"0003_add"}
    apply(plan.changes)
    repository.commit()
    repository.git("merge", "-q", "-X", "ours", "main")
    assert line(repository.versions)[2:] == ["0003_add", "0004_x", "0005_add", "0006_y"]
    assert read_revision(repository.versions / "0003_add.py").message == "main's"
    assert read_revision(repository.versions / "0005_add.py").message == "the branch's"


def test_the_main_branch_is_found_or_the_configured_one_taken(repository: Repository) -> None:
    assert conflict.main_branch(repository.versions) == "main"
    assert conflict.main_branch(repository.versions, "branch") == "branch"
    repository.git("update-ref", "refs/remotes/origin/main", "main")
    assert conflict.main_branch(repository.versions) == "origin/main"
    assert conflict.main_branch(repository.versions, "trunk") == Unknown("there is no trunk")
    repository.git("update-ref", "-d", "refs/remotes/origin/main")
    repository.git("branch", "-m", "main", "trunk")
    assert conflict.main_branch(repository.versions) == Unknown(
        "there is no origin/main or main or origin/master or master"
    )


@pytest.mark.parametrize("ref", ["nowhere", "--all", "HEAD:migrations", ""])
def test_a_ref_that_is_no_commit_is_unknown(repository: Repository, ref: str) -> None:
    assert conflict.revisions_on(ref, repository.versions) == Unknown(f"there is no {ref}")


def test_a_shallow_clone_is_named_as_the_likely_reason(repository: Repository, tmp_path: Path) -> None:
    source = f"file://{repository.root}"
    repository.git("clone", "-q", "--depth", "1", "--branch", "branch", source, str(tmp_path / "clone"))
    versions = tmp_path / "clone" / "migrations" / "versions"
    found = conflict.revisions_on("origin/main", versions)
    assert found == Unknown("there is no origin/main; the clone is shallow, so it may only be missing here")


def test_a_folder_that_main_has_not_is_empty_there(repository: Repository) -> None:
    other = repository.root / "elsewhere" / "versions"
    other.mkdir(parents=True)
    assert conflict.revisions_on("main", other) == OnRef("main", ())


def test_a_file_on_main_that_cannot_be_read_is_an_answer(repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    (repository.versions / "0003_bad.py").write_text("revision = (\n")
    repository.commit()
    found = conflict.revisions_on("main", repository.versions)
    assert isinstance(found, Unknown)
    assert "main has a file that cannot be read" in found.reason
    assert "0003_bad.py" in found.reason


QUESTIONS: list[Callable[[Path], object]] = [
    conflict.main_branch,
    conflict.in_progress,
    conflict.edited_files,
    lambda versions: conflict.revisions_on("main", versions),
]


@pytest.mark.parametrize("ask", QUESTIONS)
def test_without_a_repository_git_does_not_know(
    versions: Path, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Path], object]
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(versions.parent.parent.parent))
    answer = ask(versions)
    assert isinstance(answer, Unknown)
    assert "repository" in answer.reason


@pytest.mark.parametrize("ask", QUESTIONS)
def test_without_git_nothing_is_known(
    versions: Path, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Path], object]
) -> None:
    monkeypatch.setenv("PATH", str(versions))
    assert ask(versions) == Unknown("there is no git")


@pytest.mark.parametrize(
    ("command", "operation"),
    [
        (("merge", "main"), Operation.MERGE),
        (("rebase", "main"), Operation.REBASE),
        (("cherry-pick", "main"), Operation.CHERRY_PICK),
        (("revert", "main~1"), Operation.REVERT),
    ],
)
def test_what_waits_to_be_finished_is_named(
    repository: Repository, command: tuple[str, ...], operation: Operation
) -> None:
    assert conflict.in_progress(repository.versions) is None
    repository.git("-c", "core.editor=true", *command, fails=True)
    assert conflict.in_progress(repository.versions) is operation


def test_edited_files_are_those_that_differ_from_the_last_commit(repository: Repository) -> None:
    assert conflict.edited_files(repository.versions) == frozenset()
    for path in (repository.versions / "0002_x.py", repository.root / "outside.py"):
        path.write_text("edited")
    (repository.versions / "0009_new.py").write_text("untracked")
    (repository.versions / "0001_a.py").unlink()
    assert conflict.edited_files(repository.versions) == frozenset({"0001_a.py", "0002_x.py"})


def test_a_work_tree_and_a_hook_see_the_same_repository(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.git("worktree", "add", "-q", str(tmp_path / "tree"), "-b", "third", "main")
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", "nowhere")
    versions = tmp_path / "tree" / "migrations" / "versions"
    found = conflict.revisions_on("branch", versions)
    assert isinstance(found, OnRef)
    assert found.ids == {"0001_a", "0002_x"}
    assert conflict.in_progress(versions) is None
    assert conflict.edited_files(versions) == frozenset()


def test_every_refusal_names_a_next_step(versions: Path) -> None:
    two_branches(versions)
    for options in ({"start": 2}, {"keep": frozenset[str]()}, {"keep": MAIN | {"0004_y"}}):
        with pytest.raises(NotifydbError) as caught:
            plan_renumber(read_history(versions), **{"keep": MAIN, **options})  # type: ignore[arg-type]
        assert caught.value.hint
