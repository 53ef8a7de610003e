"""Runs the checks, and counts those that could not look."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Final

from notifydb.findings import Severity
from notifydb.runner.doctor import half_done, purges, records, server, stamps
from notifydb.runner.doctor.ailment import Ailment, Diagnosis, NotRun
from notifydb.runner.doctor.examine import Examined

Needs = Callable[[Examined], str | None]


def _nothing(_found: Examined) -> str | None:
    return None


def _objects(found: Examined) -> str | None:
    return found.health.unread


def _replay(found: Examined) -> str | None:
    return found.replayed if isinstance(found.replayed, str) else None


def _entries(found: Examined) -> str | None:
    return found.entries if isinstance(found.entries, str) else None


def _purges(found: Examined) -> str | None:
    return found.purges if isinstance(found.purges, str) else found.health.unread


def _all_sessions(found: Examined) -> str | None:
    if not found.health.hidden:
        return None
    return (
        f"{found.health.hidden} of the database's sessions cannot be looked into:"
        f" GRANT pg_read_all_stats TO {found.health.role.name};"
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """A question; `lacks` tells why it could not be asked, or not all of it."""

    name: str
    ask: Callable[[Examined], Iterable[Ailment]]
    lacks: Needs = _nothing


#: What keeps the others from working comes first.
CHECKS: Final = (
    Check("server", server.server),
    Check("privileges", server.privileges),
    Check("environment-mark", records.environment_mark),
    Check("alembic-version", stamps.alembic_version, _objects),
    Check("half-done-migrations", records.half_done_migrations, _entries),
    Check("invalid-indexes", half_done.invalid_indexes, _objects),
    Check("unvalidated-constraints", half_done.unvalidated_constraints, _replay),
    Check("edited-migrations", records.edited_migrations, _entries),
    Check("missing-objects", stamps.missing_objects, _replay),
    Check("unstamped-objects", stamps.unstamped_objects, _replay),
    Check("unknown-objects", stamps.unknown_objects, _replay),
    Check("purges", purges.purges, _purges),
    Check("sessions", server.sessions, _all_sessions),
)


def diagnose(found: Examined) -> Diagnosis:
    """What all checks say, the worst first."""
    not_run = tuple(NotRun(each.name, reason) for each in CHECKS if (reason := each.lacks(found)) is not None)
    ailments = [ailment for check in CHECKS for ailment in check.ask(found)]
    ailments.sort(key=lambda each: list(Severity).index(each.severity))
    return Diagnosis(tuple(ailments), not_run, len(CHECKS) - len(not_run))
