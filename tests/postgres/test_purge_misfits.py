"""A database that has changed since the purge and does not take its rows any more: which, told without the values."""

from __future__ import annotations

from pathlib import Path

import pytest
from postgres.purge_support import address, dump, purge, put_back, run, settings

from notifydb import errors
from notifydb.cli import purge_text
from notifydb.purge.events import Event, Triggered
from notifydb.purge.execute import Purged

TEST, REAL = 1, 2
SECRET = "Jane Doe"
USERS = (
    "CREATE TABLE users (id int PRIMARY KEY, email_address text NOT NULL)",
    f"INSERT INTO users VALUES ({TEST}, '{address()}'), ({REAL}, 'person@example.gov')",
    "CREATE TABLE a (id int PRIMARY KEY, user_id int REFERENCES users, words text)",
    f"INSERT INTO a VALUES (1, {TEST}, '{SECRET}')",
    "CREATE TABLE b (id int PRIMARY KEY, made_by int REFERENCES users)",
    f"INSERT INTO b VALUES (1, {TEST})",
    "CREATE TABLE log (user_id int REFERENCES users, words text) PARTITION BY LIST (words)",
    f"CREATE TABLE log_1 PARTITION OF log FOR VALUES IN ('{SECRET}')",
    f"INSERT INTO log VALUES ({TEST}, '{SECRET}')",
)
RAISES = (
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION '% is not welcome', NEW.{}; END $$"
)
DOWNGRADE = "downgrade to the revision of that time, restore, and upgrade again"
DISABLE = "mend what calls it, most often a trigger, or disable that, and run it again"
CHANGES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "a column that wants a value": (
        ("ALTER TABLE a ADD colour text NOT NULL",),
        'a.colour: null value in column "colour" of relation "a" violates not-null constraint',
        DOWNGRADE,
    ),
    "a column of another type": (
        ("ALTER TABLE a ALTER words TYPE int USING 0",),
        "a.words: a value does not fit its type (22P02)",
        DOWNGRADE,
    ),
    "a column that is generated": (
        ("ALTER TABLE a DROP words", "ALTER TABLE a ADD words text GENERATED ALWAYS AS ('x') STORED"),
        "a.words is generated now",
        DOWNGRADE,
    ),
    "a column that had let go and is generated": (
        ("ALTER TABLE b DROP made_by", "ALTER TABLE b ADD made_by int GENERATED ALWAYS AS (id) STORED"),
        "b.made_by is generated now",
        DOWNGRADE,
    ),
    "a column that is shorter": (
        ("ALTER TABLE a ALTER words TYPE varchar(2)",),
        "a.words: a value does not fit its type (22001)",
        DOWNGRADE,
    ),
    "a domain": (
        ("CREATE DOMAIN short AS text CHECK (length(VALUE) < 3)", "ALTER TABLE a ALTER words TYPE short"),
        'a.words: value for domain short violates check constraint "short_check"',
        DOWNGRADE,
    ),
    "a partition that is gone": (
        ("ALTER TABLE log DETACH PARTITION log_1",),
        'log: no partition of relation "log" found for row',
        DOWNGRADE,
    ),
    "a trigger that raises": (
        (RAISES.format("words"), "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()"),
        "a: PL/pgSQL function f() line 1 at RAISE (P0001)",
        DISABLE,
    ),
    "a trigger that raises where a row lets go no more": (
        (RAISES.format("made_by"), "CREATE TRIGGER t BEFORE UPDATE ON b FOR EACH ROW EXECUTE FUNCTION f()"),
        "b: PL/pgSQL function f() line 1 at RAISE (P0001)",
        DISABLE,
    ),
    "a trigger that raises at the end": (
        (
            RAISES.format("words"),
            "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON a INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f()",
        ),
        "PL/pgSQL function f() line 1 at RAISE (P0001)",
        DISABLE,
    ),
    "a trigger that raises what looks like the server's": (
        (
            RAISES.format("words").replace("; END", " USING ERRCODE = '23505'; END"),
            "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
        ),
        "a: PL/pgSQL function f() line 1 at RAISE (23505)",
        DISABLE,
    ),
}


@pytest.fixture
def purged(database: str, tmp_path: Path) -> Purged:
    """A test user with a row that goes, one in a partition, and one that stays."""
    run(database, *USERS)
    return purge(database, settings(policies=("b.made_by=null",)), archive=tmp_path)


@pytest.mark.parametrize("change", CHANGES)
def test_what_the_schema_does_not_take_is_refused_without_its_values(
    database: str, purged: Purged, change: str
) -> None:
    statements, reason, hint = CHANGES[change]
    run(database, *statements)
    before = dump(database)
    with pytest.raises(errors.Refused) as found:
        put_back(database, purged.archive)
    assert (found.value.reasons, found.value.hint) == ((reason,), hint)
    assert SECRET not in found.value.message
    assert dump(database) == before


def test_a_trigger_that_may_change_what_comes_back_is_told(database: str, purged: Purged) -> None:
    run(
        database,
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW := NEW; RETURN NEW; END $$",
        "CREATE TRIGGER stamps BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE TRIGGER stamps BEFORE INSERT ON log_1 FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE TRIGGER touches BEFORE UPDATE ON b FOR EACH ROW EXECUTE FUNCTION f()",
        # None of these sees a row as it comes back.
        "CREATE TRIGGER touches BEFORE UPDATE OR DELETE ON a FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE TRIGGER stamps BEFORE INSERT ON b FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE TRIGGER off BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
        "ALTER TABLE a DISABLE TRIGGER off",
        "CREATE TRIGGER late AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE TRIGGER once BEFORE INSERT ON a FOR EACH STATEMENT EXECUTE FUNCTION f()",
    )
    for dry_run in (True, False):
        told: list[Event] = []
        put_back(database, purged.archive, dry_run=dry_run, listen=told.append)
        found = [(str(each.table), each.trigger) for each in told if isinstance(each, Triggered)]
        assert found == [("a", "stamps"), ("b", "touches"), ("log", "stamps")]
        assert "warning: trigger stamps of a may change the rows that come back" in [
            text for event in told for text, _ in purge_text.lines(event)
        ]
