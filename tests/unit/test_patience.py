"""How often and how long a run comes back."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from notifydb.postgres.activity import Blocker, Session, Wait
from notifydb.postgres.patience import Patience, Terms
from notifydb.postgres.waits import duration, lines_of


@given(st.integers(min_value=1, max_value=40))
def test_attempts_are_counted_and_pauses_grow_up_to_a_limit(attempts: int) -> None:
    patience = Patience(Terms(attempts=attempts, deadline=1_000_000))
    pauses = []
    while (pause := patience.pause()) is not None:
        pauses.append(pause)
    assert len(pauses) == attempts - 1
    assert all(0.25 * 2**number <= pause <= 0.5 * 2**number for number, pause in enumerate(pauses[:6]))
    assert all(15 <= pause <= 30 for pause in pauses[7:])
    assert f"tried {attempts} times" in patience.exhausted()


def test_no_attempt_begins_after_the_deadline() -> None:
    patience = Patience(Terms(deadline=0.3))
    assert not patience.is_over
    assert patience.pause() is None or patience.pause() is None
    assert patience.exhausted() == "the run's 0.3 s are over (upgrade.deadline)"
    time.sleep(0.31)
    assert patience.is_over


def test_another_migration_begins_with_its_first_attempt() -> None:
    patience = Patience(Terms())
    patience.pause()
    assert patience.attempt == 2
    patience.begin()
    assert patience.attempt == 1


def _session(pid: int, application: str = "psql", *, query: str = "") -> Session:
    return Session(pid, application, "app", "10.0.0.7", "active", 75.0, query)


def test_a_wait_in_words() -> None:
    blockers = (Blocker(_session(1, query="SELECT ?"), 0), Blocker(_session(2, ""), 1))
    behind = tuple(_session(number, "web") for number in range(10, 15))
    assert lines_of(Wait(9, "AccessExclusiveLock on users", blockers, behind)) == (
        "waits for AccessExclusiveLock on users",
        "blocked by psql (pid 1) on 10.0.0.7, active for 75 s: SELECT ?",
        "  blocked by app (pid 2) on 10.0.0.7, active for 75 s",
        "5 queued behind it: web (pid 10), web (pid 11), web (pid 12) and 2 more",
    )


def test_durations() -> None:
    assert [duration(each) for each in (0.04, 9.96, 59, 119, 120, 7199, 7200)] == [
        "0.0 s", "10.0 s", "59 s", "119 s", "2 min", "120 min", "2 h",
    ]  # fmt: skip
