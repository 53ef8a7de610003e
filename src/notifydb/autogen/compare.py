"""Compares the models with a shadow replay of the history: Alembic's autogenerate, and what it does not see."""

from __future__ import annotations

import dataclasses
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext

from notifydb.autogen import refute
from notifydb.autogen.change import Change
from notifydb.autogen.declared import ModelsNotCreated, declared_catalog
from notifydb.autogen.operations import changes_of
from notifydb.autogen.refute import Facts
from notifydb.autogen.unseen import Unseen, unseen
from notifydb.migrator.config import Project, entered, load_metadata
from notifydb.postgres.connect import make_engine
from notifydb.postgres.objects import Objects, read_objects
from notifydb.shadow.database import Shadows

_PARTITIONS = sa.text("SELECT inhrelid::regclass::text FROM pg_inherits")


@dataclasses.dataclass(frozen=True, slots=True)
class Left:
    """A change that is not made, and why."""

    change: Change
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """What the models have and the history does not make, or the other way round.

    `refuted` are differences that Alembic suggested and Postgres has not, `unwritten` those that somebody has
    to write by hand. `facts` are the two catalogs, `history` the objects of the first. `problem` is why only what
    Alembic sees was compared.
    """

    changes: tuple[Change, ...]
    refuted: tuple[Left, ...] = ()
    unwritten: tuple[str, ...] = ()
    facts: Facts = dataclasses.field(default_factory=Facts)
    history: Objects | None = None
    problem: str | None = None


def compare(project: Project, shadows: Shadows, head: str | None) -> Comparison:
    """Compares the models with the state that the history makes at `head` (None: an empty database).

    Raises ShadowUnavailable, MigrationFailed, and ConfigurationError when the models cannot be loaded.
    """
    with entered(project):
        metadata = load_metadata(project)
        with shadows.at(head) as url:
            with make_engine(url).connect() as conn:
                actual = read_objects(conn)
                partitions = frozenset(conn.scalars(_PARTITIONS))
                context = MigrationContext.configure(conn, opts=_options(metadata))
                script = produce_migrations(context, metadata)
            assert script.upgrade_ops is not None
            found = list(changes_of(script.upgrade_ops))
            try:
                declared = declared_catalog(url, metadata)
            except ModelsNotCreated as error:
                facts = Facts(actual.catalog, partitions=partitions)
                return Comparison(*_judged(found, facts), facts=facts, problem=error.message)
    facts = Facts(actual.catalog, declared.catalog, partitions)
    more = unseen(actual, declared, metadata)
    changes, refuted = _judged(_together(found, more, declared), facts)
    touched = {(each.table, each.name) for each in changes}
    unwritten = (each.description for each in more.unwritten if (each.table, each.name) not in touched)
    return Comparison(changes, refuted, tuple(unwritten), facts, actual)


def _together(found: list[Change], more: Unseen, declared: Objects) -> list[Change]:
    """Alembic's changes and ours, in order; where both know one, it is there once."""
    added = {(each.table, each.name) for each in found if each.kind == "add_index"}

    def is_ours(change: Change) -> bool:
        # Some versions of Alembic compare named checks; and an index that a listener makes, it would drop.
        made = ("index", change.table, str(change.name)) in declared.by_key
        unknown = change.kind == "remove_index" and made and (change.table, change.name) not in added
        return change.noun == "check" or unknown

    anew = {("modify_index", *each) for each in added}
    after = (each for each in more.after if (each.kind, each.table, each.name) not in anew)
    return [*more.before, *(each for each in found if not is_ours(each)), *after]


def _options(metadata: sa.MetaData) -> dict[str, Any]:
    return {
        "target_metadata": metadata,
        "compare_type": True,
        "compare_server_default": True,
        "include_name": _include_name,
        # A plugin may read it without a default.
        "include_schemas": False,
    }


def _include_name(name: str | None, type_: str, _parents: Any) -> bool:
    return not (type_ == "schema" and name == "notifydb")


def _judged(found: list[Change], facts: Facts) -> tuple[tuple[Change, ...], tuple[Left, ...]]:
    reasons = [(change, refute.reason(change, facts)) for change in found]
    return (
        tuple(change for change, reason in reasons if reason is None),
        tuple(Left(change, reason) for change, reason in reasons if reason is not None),
    )
