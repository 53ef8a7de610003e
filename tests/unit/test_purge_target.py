"""Which prefixes are refused, and why; how the purge's settings are read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifydb import errors
from notifydb.postgres.relations import Catalog, Column, Table, TableName, literal, quoted
from notifydb.purge import names
from notifydb.purge.target import LONGEST, SHORTEST, checked_prefix

REFUSED = {
    "": "it is shorter than 5 characters",
    "%": "it is shorter than 5 characters",
    "test": "it is shorter than 5 characters",
    "a" * 10_000: "it is longer than 64 characters",
    "nоtify-tests": "it holds characters outside of ASCII, which may only look alike",  # noqa: RUF001
    "ﬁtness-tests": "it holds characters outside of ASCII, which may only look alike",
    "notify\u200btests": "it holds characters outside of ASCII, which may only look alike",
    "notify\0tests": "it holds control characters",
    "notify\ntests": "it holds control characters",
    "notify-tests@": "it goes beyond the @",
    "%%%%%": "it looks like a pattern, and none is understood",
    "notify%": "it looks like a pattern, and none is understood",
    "\\\\\\\\\\": "it looks like a pattern, and none is understood",
    "notify*": "it looks like a pattern, and none is understood",
    "_____": "it holds no letter",
    "12345": "it holds no letter",
    "     ": "it holds no letter",
    "_notify": "no address begins like that",
    " notify": "no address begins like that",
    "notify tests": "no address begins like that",
    "notify'--": "no address begins like that",
}


@pytest.mark.parametrize(("prefix", "why"), REFUSED.items(), ids=[ascii(text)[:20] for text in REFUSED])
def test_refused(prefix: str, why: str) -> None:
    with pytest.raises(errors.UsageError) as refused:
        checked_prefix(prefix)
    assert refused.value.exit_code == 2
    assert refused.value.message.endswith(f"is not a prefix to purge by: {why}")
    assert len(refused.value.message) < 200
    assert refused.value.hint is not None


@pytest.mark.parametrize(
    "prefix", ["notify-tests-preview", "tests", "notify_tests", "a.b+c", "Notify-Tests", "9lives"]
)
def test_accepted(prefix: str) -> None:
    assert checked_prefix(prefix) == prefix


@given(st.text())
def test_what_is_accepted_is_a_plain_beginning(prefix: str) -> None:
    try:
        checked_prefix(prefix)
    except errors.UsageError:
        return
    assert prefix.isascii()
    assert prefix.isprintable()
    assert SHORTEST <= len(prefix) <= LONGEST
    assert not set(prefix) & set("@%*?\\'\" ")


def _catalog(*tables: tuple[str, str]) -> Catalog:
    columns = (Column("id", "uuid", nullable=False), Column("data", "jsonb", nullable=True))
    made = (Table(TableName(*name), columns, ("id",), 0, 0, has_delete_trigger=False) for name in tables)
    return Catalog({table.name: table for table in made}, ())


CATALOG = _catalog(
    ("public", "users"), ("public", "events"), ("app", "teams"), ("a", "twice"), ("b", "twice")
)


def test_columns() -> None:
    assert str(names.column(CATALOG, "users.id")) == "users.id"
    assert str(names.column(CATALOG, "teams.id")) == "app.teams.id"
    assert str(names.column(CATALOG, "app.teams.id")) == "app.teams.id"
    assert names.column(CATALOG, "public.teams.id") is None
    assert names.column(CATALOG, "users.nothing") is None
    with pytest.raises(errors.ConfigurationError, match=r"twice is ambiguous: a\.twice, b\.twice"):
        names.column(CATALOG, "twice.id")


def test_relations() -> None:
    found = names.relation(CATALOG, "events.data->>'user_id' -> users.id")
    assert found is not None
    assert str(found) == "events.data->>'user_id' -> users.id"
    assert names.relation(CATALOG, "events.id -> nobody.id") is None


def test_memberships() -> None:
    found = names.membership(CATALOG, "events(id -> data) -> app.teams(id)")
    assert found is not None
    assert (found.member.name, found.group.name, str(found.key)) == ("id", "data", "app.teams.id")


@pytest.mark.parametrize("text", ["users", "users.id ->", "-> users.id", "users.id -> users.id; DROP", ""])
def test_other_syntax_is_an_error(text: str) -> None:
    for read in (names.relation, names.membership):
        with pytest.raises(errors.ConfigurationError, match="not of the form"):
            read(CATALOG, text)
    with pytest.raises(errors.ConfigurationError, match="not of the form"):
        names.policy(text)


def test_identifiers_and_constants_survive_the_text_of_a_statement() -> None:
    assert quoted('we"ird :t') == r'"we""ird \:t"'
    assert literal("it's :here") == r"'it''s \:here'"
