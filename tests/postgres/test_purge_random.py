"""Random schemas with random rows: what the purge does is what a walk from row to row says."""

from __future__ import annotations

import dataclasses
import os
import random
from collections import Counter
from pathlib import Path

import pytest
from postgres import naive_purge, random_rows
from postgres.purge_support import execute_on, plan_of, settings
from postgres.random_rows import Texts, columns_of, texts_of
from postgres.random_schemas import Reference, Table, World, quoted, random_world

from conftest import name_of, query
from notifydb import errors, guard
from notifydb.postgres.patience import Terms
from notifydb.purge.execute import Purged
from notifydb.purge.restore import restore
from notifydb.settings.model import PurgeSettings

#: As many schemas; `PURGE_SEEDS=300 pytest tests/postgres/test_purge_random.py` tries more.
_SEEDS = int(os.environ.get("PURGE_SEEDS", "25"))
#: Those that have found something since.
_FOUND = (361,)
#: What a purge may not change, whatever it builds on its way.
_CATALOG = """
    SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace::regnamespace::text NOT IN ('notifydb', 'pg_catalog', 'information_schema')
    UNION ALL
    SELECT schemaname || '.' || tablename, indexname, indexdef FROM pg_indexes
    WHERE schemaname NOT IN ('notifydb', 'pg_catalog', 'information_schema')
    UNION ALL
    SELECT t.tgrelid::regclass::text, 'triggers', string_agg(t.tgenabled, '')
    FROM pg_trigger t GROUP BY 1
    ORDER BY 1, 2, 3
"""
#: All in one transaction; in batches; in batches of two sessions.
_BATCHES: tuple[dict[str, int], ...] = (
    {},
    {"batch_above": 0, "batch_rows": 3},
    {},
    {"batch_above": 2, "batch_rows": 1, "jobs": 2},
)


@dataclasses.dataclass(frozen=True)
class Case:
    """A world in a database, and what a purge has to do there."""

    url: str
    world: World
    texts: dict[Table, list[tuple[str | None, ...]]]
    going: naive_purge.Going
    settings: PurgeSettings

    @property
    def expected(self) -> Texts:
        """All rows after the purge."""
        left = naive_purge.after(self.world, self.going)
        return {
            str(table): Counter(self._changed(table, place, new) for place, new in rows.items())
            for table, rows in left.items()
        }

    def _changed(self, table: Table, place: int, new: dict[str, str | None]) -> tuple[str | None, ...]:
        texts = zip(columns_of(table), self.texts[table][place], strict=True)
        return tuple(new.get(column, text) for column, text in texts)


def make_case(url: str, seed: int) -> Case:
    rng = random.Random(seed)
    world = random_world(rng)
    random_rows.fill(world, rng)
    texts = random_rows.load(url, world, rng)
    chosen = settings(**world.settings, **(_BATCHES[seed % len(_BATCHES)]))
    return Case(url, world, texts, naive_purge.going(world), chosen)


def orphans(url: str, reference: Reference) -> int:
    """Rows whose foreign key refers to nothing."""
    pairs = [(quoted(a), quoted(b)) for a, b in zip(reference.columns, reference.target, strict=True)]
    complete = " AND ".join(f"c.{ours} IS NOT NULL" for ours, _ in pairs)
    equal = " AND ".join(f"p.{theirs} = c.{ours}" for ours, theirs in pairs)
    [(count,)] = query(
        url,
        f"SELECT count(*) FROM {reference.child.sql} c WHERE {complete}"
        f" AND NOT EXISTS (SELECT FROM {reference.parent.sql} p WHERE {equal})".replace(":", r"\:"),
    )
    assert isinstance(count, int)
    return count


@pytest.mark.parametrize("seed", sorted({*range(_SEEDS), *_FOUND}))
def test_the_purge_is_that_of_a_walk_from_row_to_row(database: str, seed: int, tmp_path: Path) -> None:
    case = make_case(database, seed)
    world, going = case.world, case.going
    before, catalog = texts_of(database, world), query(database, _CATALOG)
    plan = plan_of(database, case.settings)
    planned = {(t.table.schema, t.table.name): t.rows for t in plan.tables}
    assert planned == Counter((table.schema, table.name) for table, _ in going)
    assert {s.relation: s.rows for s in plan.standing} == naive_purge.standing(world, going)
    assert plan.shared_count == sum(naive_purge.shared_groups(world, going).values())
    assert bool(plan.blockers) == naive_purge.is_blocked(world, going)
    if plan.blockers:
        with pytest.raises(errors.Refused):
            execute_on(database, plan)
        assert texts_of(database, world) == before
        return
    purged = execute_on(database, plan, archive=tmp_path)
    assert purged.rows == len(going)
    assert texts_of(database, world) == case.expected
    assert not any(orphans(database, each) for each in world.references if each.clause is not None)
    assert query(database, _CATALOG) == catalog
    put_back(database, purged)
    assert texts_of(database, world) == before


def put_back(url: str, purged: Purged) -> None:
    """Restores what was purged, if there was anything."""
    target = guard.Target(name_of(url), guard.Mark("missing"), embedded=True)
    permit = guard.permit(guard.Request(guard.Operation.RESTORE, target, confirmation=name_of(url)))
    if purged.archive is not None and purged.archive.exists():
        restore(url, permit, [purged.archive], Terms())
