"""Renumbering: two branches become one line, and what is kept stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from notifydb.errors import HistoryError, NotifydbError, UsageError
from notifydb.numbering.plan import plan_renumber
from notifydb.revisions import headfile
from notifydb.revisions.changes import apply
from notifydb.revisions.reader import read_history, read_revision, read_revisions
from unit.migration_sources import Ids, render
from unit.planted import MAIN, PLAIN, carry_out, line, moved, put, two_branches

pytestmark = pytest.mark.usefixtures("quick_disk")


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


def gaps(versions: Path) -> None:
    """A line of 0001_a, ab12cd34ef56, 0005_b, 0009_c, 0010_d."""
    below: tuple[str, ...] = ()
    for own in ("0001_a", "ab12cd34ef56", "0005_b", "0009_c", "0010_d"):
        put(versions, own, *below)
        below = (own,)


def test_from_a_starting_point_what_stands_below_it_keeps_its_id(versions: Path) -> None:
    gaps(versions)
    before = (versions / "0005_b.py").read_bytes()
    plan = plan_renumber(read_history(versions), all_=True, start=6)
    assert moved(plan) == {"0009_c": "0006_c", "0010_d": "0007_d"}
    apply(plan.changes)
    assert line(versions) == ["0001_a", "ab12cd34ef56", "0005_b", "0006_c", "0007_d"]
    assert (versions / "0005_b.py").read_bytes() == before
    assert not plan_renumber(read_history(versions), all_=True, start=6)


def test_from_a_starting_point_that_no_number_reaches_there_is_nothing_to_do(versions: Path) -> None:
    gaps(versions)
    with pytest.raises(UsageError, match="no revision is numbered 11 or above"):
        plan_renumber(read_history(versions), all_=True, start=11)


def test_from_a_starting_point_two_branches_below_it_are_refused(versions: Path) -> None:
    gaps(versions)
    put(versions, "0003_other", "ab12cd34ef56")
    with pytest.raises(HistoryError, match="0005_b and 0003_other are on two branches below"):
        plan_renumber(read_history(versions), all_=True, start=10)
    apply(plan_renumber(read_history(versions), all_=True, start=3).changes)
    assert line(versions)[2:] == ["0003_other", "0004_b", "0005_c", "0006_d"]


def test_what_names_a_moved_revision_is_rewritten_though_it_stays_where_it_is(versions: Path) -> None:
    put(versions, "0001-a")
    put(versions, "0002_b", "0001-a")
    (versions / "0003_c.py").write_bytes(render(PLAIN, Ids("0003_c", ("0002_b",), ("0001-a",))))
    plan = plan_renumber(read_history(versions), all_=True)
    assert [each.reason for each in plan.moves][-1] == "names 0001_a"
    apply(plan.changes)
    assert read_revision(versions / "0003_c.py").depends_on == ("0001_a",)


def test_a_kept_revision_that_depends_on_a_new_one_is_refused(versions: Path) -> None:
    put(versions, "0001_a")
    put(versions, "0002_x", "0001_a")
    (versions / "0002_m.py").write_bytes(render(PLAIN, Ids("0002_m", ("0001_a",), ("0002_x",))))
    with pytest.raises(HistoryError, match="0002_m has to stay as it is, but stands on 0002_x"):
        plan_renumber(read_history(versions), keep=frozenset({"0001_a", "0002_m"}))


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


def test_a_head_file_is_made_where_the_head_changes_and_under_the_name_that_is_set(versions: Path) -> None:
    two_branches(versions)
    apply(plan_renumber(read_history(versions), keep=MAIN, head_file="HEAD").changes)
    assert (versions.parent / "HEAD").read_bytes() == b"0005_y\n"
    assert sorted(path.name for path in versions.parent.iterdir()) == ["HEAD", "versions"]
    assert not plan_renumber(read_history(versions), keep=MAIN)


def test_no_head_file_is_made_where_none_is_set(versions: Path) -> None:
    two_branches(versions)
    apply(plan_renumber(read_history(versions), keep=MAIN, head_file="").changes)
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
    assert (caught.value.hint or "").endswith("notifydb migrate rebase 0004_y")


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


def test_every_refusal_names_a_next_step(versions: Path) -> None:
    two_branches(versions)
    for options in ({"start": 2}, {"keep": frozenset[str]()}, {"keep": MAIN | {"0004_y"}}):
        with pytest.raises(NotifydbError) as caught:
            plan_renumber(read_history(versions), **{"keep": MAIN, **options})  # type: ignore[arg-type]
        assert caught.value.hint
