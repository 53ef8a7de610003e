"""Plans a purge: reads, and changes nothing."""

from __future__ import annotations

import dataclasses

import sqlalchemy as sa

from notifydb.purge.events import Listener, Reading
from notifydb.purge.planned import Plan
from notifydb.purge.session import PLAN, transaction
from notifydb.purge.survey import survey
from notifydb.purge.target import moment
from notifydb.settings.model import PurgeSettings

__all__ = ["Plan", "build_plan"]


def build_plan(
    conn: sa.Connection, settings: PurgeSettings, prefix: str, *, listen: Listener | None = None
) -> Plan:
    """What purging `prefix` would do, seen in one snapshot; what forbids it is in `Plan.blockers`.

    `conn` must have no open transaction. Raises UsageError for a prefix that is none, ConfigurationError when
    the settings do not fit the database.
    """
    tell = listen or (lambda _: None)
    if settings.older_than is not None:
        # Nobody grows old enough while the purge runs.
        limit = moment(settings.older_than)
        settings = dataclasses.replace(settings, older_than=limit.isoformat())
    with transaction(conn, "REPEATABLE READ") as begun:
        conn.execute(sa.text(f"SET LOCAL application_name = '{PLAN}'"))
        found = survey(conn, settings, prefix, lock=False, reading=lambda table: tell(Reading(table)))
        begun.rollback()
    return found.plan
