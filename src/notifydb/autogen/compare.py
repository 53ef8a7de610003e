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
from notifydb.autogen.unseen import unseen
from notifydb.migrator.config import Project, entered, load_metadata
from notifydb.postgres.connect import make_engine
from notifydb.postgres.objects import read_objects
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
    to write by hand. `facts` are the two catalogs. `problem` is why only what Alembic sees was compared.
    """

    changes: tuple[Change, ...]
    refuted: tuple[Left, ...] = ()
    unwritten: tuple[str, ...] = ()
    facts: Facts = dataclasses.field(default_factory=Facts)
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
    changes, refuted = _judged([*more.before, *found, *more.after], facts)
    touched = {(each.table, each.name) for each in changes}
    unwritten = (each.description for each in more.unwritten if (each.table, each.name) not in touched)
    return Comparison(changes, refuted, tuple(unwritten), facts)


def _options(metadata: sa.MetaData) -> dict[str, Any]:
    return {
        "target_metadata": metadata,
        "compare_type": True,
        "compare_server_default": True,
        "include_name": _include_name,
    }


def _include_name(name: str | None, type_: str, _parents: Any) -> bool:
    return not (type_ == "schema" and name == "notifydb")


def _judged(found: list[Change], facts: Facts) -> tuple[tuple[Change, ...], tuple[Left, ...]]:
    once: dict[tuple[str, str | None, str], Change] = {}
    for change in found:
        # Some versions of Alembic know named checks, too.
        once.setdefault((change.kind, change.table, change.name or change.description), change)
    reasons = [(change, refute.reason(change, facts)) for change in once.values()]
    return (
        tuple(change for change, reason in reasons if reason is None),
        tuple(Left(change, reason) for change, reason in reasons if reason is not None),
    )
