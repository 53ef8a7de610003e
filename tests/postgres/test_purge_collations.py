"""Texts that two tables compare in different ways: a purge compares them as the parent does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from postgres.purge_support import address, dump, plan_of, purge, put_back, run, settings

from conftest import query

USERS = (
    'CREATE COLLATION other FROM "C"',
    'CREATE TABLE users (id text COLLATE "POSIX" PRIMARY KEY, email_address text NOT NULL)',
    f"INSERT INTO users VALUES ('a', '{address()}'), ('A', 'real@example.gov')",
)
OWNED: dict[str, Any] = {"owned_through": [], "owned_when_empty": [], "actors": []}


@pytest.fixture
def users(database: str) -> str:
    """A test user and a real one, whose keys differ in nothing but their case."""
    run(database, *USERS)
    return database


def test_a_foreign_key_between_two_collations_is_followed(users: str, tmp_path: Path) -> None:
    run(
        users,
        'CREATE TABLE posts (id text COLLATE other, part text COLLATE "C", PRIMARY KEY (id, part),'
        " author text COLLATE other REFERENCES users)",
        "INSERT INTO posts VALUES ('p', '1', 'a'), ('q', '1', 'A')",
        'CREATE TABLE notes (id text COLLATE other, k text COLLATE "C", made_by text COLLATE other REFERENCES users,'
        ' post text COLLATE "C", part text COLLATE other, FOREIGN KEY (post, part) REFERENCES posts,'
        " PRIMARY KEY (id, k))",
        "INSERT INTO notes VALUES ('m', 'm', 'a', 'q', '1'), ('n', 'n', 'A', 'p', '1')",
    )
    before = dump(users)
    purged = purge(users, settings(**OWNED, policies=["notes.made_by=null"]), archive=tmp_path)
    assert query(users, "SELECT id, made_by FROM notes") == [("m", None)]
    assert query(users, "SELECT id FROM posts") == [("q",)]
    put_back(users, purged.archive)
    assert dump(users) == before


def test_members_of_another_collation_keep_their_group(users: str) -> None:
    run(
        users,
        'CREATE TABLE org (id text COLLATE "POSIX" PRIMARY KEY)',
        "INSERT INTO org VALUES ('own'), ('shared')",
        "CREATE TABLE mem (u text COLLATE other REFERENCES users, o text COLLATE other REFERENCES org)",
        "INSERT INTO mem VALUES ('a', 'own'), ('a', 'shared'), ('A', 'shared')",
    )
    given = settings(**OWNED | {"owned_through": ["mem(u -> o) -> org(id)"]})
    assert [each.key for each in plan_of(users, given).shared] == ["shared"]
    purge(users, given)
    assert query(users, "SELECT id FROM org") == [("shared",)]


@pytest.mark.parametrize(("code", "tag"), [("varchar(5)", "char(5)"), ("code", "tag")])
def test_a_real_users_row_stays_whose_padded_key_only_looks_like_another(
    users: str, code: str, tag: str
) -> None:
    """Blanks at the end are nothing to a character, and tell keys of text apart."""
    run(
        users,
        "CREATE DOMAIN code AS varchar(5)",
        "CREATE DOMAIN tag AS char(5)",
        f"ALTER TABLE users ADD code {code} UNIQUE, ADD tag {tag} UNIQUE",
        "UPDATE users SET code = 'x ', tag = 'x' WHERE id = 'a'",
        "UPDATE users SET code = 'x', tag = 'y' WHERE id = 'A'",
        "CREATE TABLE seen (code char(5) REFERENCES users (code), tag text REFERENCES users (tag))",
        "INSERT INTO seen VALUES ('x', NULL), (NULL, 'x  '), (NULL, 'y')",
    )
    purge(users, settings(**OWNED))
    assert query(users, "SELECT code, tag FROM seen ORDER BY tag NULLS FIRST") == [
        ("x    ", None),
        (None, "y"),
    ]


def test_a_suspicion_between_two_collations_is_looked_into(users: str) -> None:
    run(
        users,
        "CREATE TABLE seen (user_id text COLLATE other, page int)",
        "INSERT INTO seen VALUES ('a', 1)",
    )
    (blocker,) = plan_of(users, settings(**OWNED)).blockers
    assert "looks like a relation" in blocker
