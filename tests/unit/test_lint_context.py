"""What rules ask of the catalog."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, cast

import pytest

from notifydb.findings import Location
from notifydb.lint.catalog import Catalog, ConstraintEntry
from notifydb.lint.context import RevisionContext
from notifydb.lint.options import Options
from notifydb.lint.sent import Sent
from notifydb.lint.statement import Execution, Statement
from notifydb.sql.facts import Relation
from notifydb.sql.parse import parse

USERS, TEAMS = Relation("users"), Relation("teams")


def _judging(sql: str, constraints: dict[str, ConstraintEntry]) -> tuple[RevisionContext, Statement]:
    nowhere = cast("Any", None)
    (parsed,) = parse(sql)
    statement = Statement(nowhere, 0, parsed, Execution(sql, (), 1), Location(Path("x.py")))
    catalog = Catalog(
        relations={USERS.key: "r", TEAMS.key: "r"},
        indexes={},
        constraints={(USERS.key, name): entry for name, entry in constraints.items()},
        volatile=frozenset(),
        functions=frozenset(),
        checked_domains=frozenset(),
        version=18,
    )
    context = RevisionContext(
        nowhere,
        frozenset(),
        Options(),
        Path(),
        revision=nowhere,
        statements=Sent([statement]),
        catalog=catalog,
    )
    return context, statement


@pytest.mark.parametrize(
    ("kind", "validated", "definition", "proved"),
    [
        ("c", True, "CHECK ((email IS NOT NULL))", True),
        ("c", True, "CHECK (((email IS NOT NULL) AND (name IS NOT NULL)))", True),
        ("n", True, "NOT NULL email", True),
        ("c", False, "CHECK ((email IS NOT NULL)) NOT VALID", False),
        ("c", True, "CHECK (((email IS NOT NULL) OR (name IS NOT NULL)))", False),
        ("c", True, "CHECK ((email <> ''::text))", False),
        ("n", True, "NOT NULL email_address", False),
    ],
)
def test_what_proves_that_a_column_has_no_nulls(
    kind: str, validated: bool, definition: str, proved: bool
) -> None:
    context, statement = _judging("SELECT 1", {"c": ConstraintEntry(kind, validated, definition)})
    assert context.proved_not_null(USERS, "email", statement) is proved


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE users",
        "ALTER TABLE users DROP CONSTRAINT fk",
        "ALTER TABLE ONLY public.users DROP team_id",
    ],
)
def test_a_drop_locks_the_table_that_its_foreign_key_refers_to(sql: str) -> None:
    key = ConstraintEntry("f", True, "FOREIGN KEY ...", ("team_id",), TEAMS)
    context, statement = _judging(sql, {"fk": key})
    assert {lock.relation.name: str(lock.mode) for lock in context.locks(statement)} == {
        "users": "ACCESS EXCLUSIVE",
        "teams": "ACCESS EXCLUSIVE",
    }


def test_a_table_dropped_with_cascade_locks_those_that_refer_to_it() -> None:
    key = ConstraintEntry("f", True, "FOREIGN KEY ...", ("team_id",), TEAMS)
    context, statement = _judging("DROP TABLE teams CASCADE", {"fk": key})
    assert [each.name for each in context.referenced(statement.facts[0])] == ["users"]


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE users RENAME address TO email",
        "ALTER TABLE users ADD email text",
        "ALTER TABLE users ALTER email DROP NOT NULL",
    ],
)
def test_another_column_of_the_name_is_proved_by_nothing(sql: str) -> None:
    context, first = _judging(sql, {"n": ConstraintEntry("n", True, "NOT NULL email")})
    second = dataclasses.replace(first, index=1)
    context = dataclasses.replace(context, statements=Sent([first, second]))
    assert context.proved_not_null(USERS, "email", first)
    assert not context.proved_not_null(USERS, "email", second)
