"""The purge on the Notify schema, judged by a checker that knows nothing of the purge's rules."""

from __future__ import annotations

import dataclasses
import datetime
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from postgres.notify_world import World, fill
from postgres.purge_support import (
    PREFIX,
    Dump,
    Filler,
    database_of,
    dump,
    execute_on,
    plan_of,
    purge,
    run,
    settings,
)

from conftest import ROOT, MakeDatabase, query
from notifydb import errors
from notifydb.cli import demo_data
from notifydb.migrator.config import Project
from notifydb.models import metadata
from notifydb.postgres.connect import make_engine
from notifydb.purge.plan import build_plan
from notifydb.revisions.reader import read_history
from notifydb.settings.model import PurgeSettings
from notifydb.shadow.database import Shadows
from notifydb.shadow.server import Server


@dataclasses.dataclass(frozen=True)
class Templates:
    """Names of databases to clone, and what was filled into the second."""

    empty: str
    filled: str
    world: World
    cast: dict[str, Any]


@pytest.fixture(scope="module")
def templates(server: Server) -> Iterator[Templates]:
    """A database at the head of the shipped migrations, empty and filled, made once."""
    history = read_history(ROOT / "alembic" / "versions")
    shadows = Shadows(server.url("postgres"), Project(ROOT, ROOT / "alembic"), history)
    with shadows.at(history.head) as empty, shadows.at(history.head) as filled:
        with make_engine(filled).begin() as conn:
            world = World(conn)
            cast = fill(world)
        yield Templates(database_of(empty), database_of(filled), world, cast)


@pytest.fixture
def notify(make_database: MakeDatabase, templates: Templates) -> str:
    """The URL of a database with nothing but what the migrations load."""
    return make_database(templates.empty)


@pytest.fixture
def filled(make_database: MakeDatabase, templates: Templates) -> tuple[str, World, dict[str, Any]]:
    return make_database(templates.filled), templates.world, templates.cast


def without_tests(before: Dump, world: World) -> Dump:
    """What has to be there afterwards: all of it but the rows labelled as a test's, when they were made."""
    return {table: rows - world.rows["test"].get(table, Counter()) for table, rows in before.items()}


def test_every_table_takes_part(filled: tuple[str, World, dict[str, Any]]) -> None:
    url, world, _ = filled
    empty = {table for table, rows in dump(url).items() if not rows}
    assert empty <= {"domain", "email_branding_to_organization", "ft_processing_time", "provider_rates"}
    owned = {column.table.name for key in ("users", "services") for column in _references(key)}
    assert owned - set(world.rows["test"]) <= {
        "email_branding", "inbound_numbers", "invited_organization_users", "organization", "provider_details",
    }  # fmt: skip


def _references(table: str) -> list[Any]:
    keys = [key for other in metadata.tables.values() for key in other.foreign_keys]
    return [key.parent for key in keys if key.column.table.name == table]


def test_all_test_rows_go_and_every_other_row_stays_as_it_was(
    filled: tuple[str, World, dict[str, Any]],
) -> None:
    url, world, cast = filled
    before = dump(url)
    purged = purge(url)
    after = dump(url)
    (lent,) = world.rows["lent"]["inbound_numbers"]
    given_back = lent.replace(str(cast["own"]["id"]), "")
    expected = without_tests(before, world)
    expected["inbound_numbers"].subtract({lent: 1})
    expected["inbound_numbers"][given_back] += 1
    assert after == {table: +rows for table, rows in expected.items()}
    assert purged.rows == sum(sum(rows.values()) for rows in world.rows["test"].values())
    assert purged.detached == (("inbound_numbers.service_id -> services.id", 1),)


def test_a_second_purge_finds_nothing(filled: tuple[str, World, dict[str, Any]]) -> None:
    url, _, _ = filled
    purge(url)
    plan = plan_of(url)
    assert (plan.is_empty, plan.matched, plan.blockers) == (True, 0, ())


def test_the_plan_says_who_why_and_what_is_left(filled: tuple[str, World, dict[str, Any]]) -> None:
    url, world, cast = filled
    plan = plan_of(url)
    assert plan.matched == 6
    assert (plan.warnings, plan.blockers, plan.suspicious) == ((), (), ())
    assert {(kept.label, kept.reason) for kept in plan.kept} >= {
        ("notify-tests-preview@example.gov", "has no + and UUID before its @"),
        ("notify-tests-preview+1@example.gov", "has no + and UUID before its @"),
    }
    assert sorted(kept.reason for kept in plan.kept) == [
        "differs in case", "has no + and UUID before its @", "has no + and UUID before its @", "platform_admin",
    ]  # fmt: skip
    assert {(shared.key, shared.leaving, shared.staying, shared.protected) for shared in plan.shared} == {
        (str(cast["shared"]["id"]), 2, 1, False),
        ("3c068010-5bfe-4bca-bf39-33b43a52ed7f", 1, 1, True),
    }
    paths = {str(table.table): table.path for table in plan.tables}
    assert paths["templates"] == ("users", "user_to_service", "services", "templates")
    assert paths["scheduled_notifications"][-2:] == ("notifications", "scheduled_notifications")
    rows = {str(table.table): table.rows for table in plan.tables}
    assert rows == {table: sum(found.values()) for table, found in world.rows["test"].items()}


def test_what_a_test_user_did_in_a_real_service_stands_in_the_way(
    filled: tuple[str, World, dict[str, Any]],
) -> None:
    url, _, cast = filled
    tester, shared = cast["tests"][1], cast["shared"]
    with make_engine(url).begin() as conn:
        world = Filler(conn)
        made = {"service_id": shared["id"], "created_by_id": tester["id"]}
        world.insert("templates", template_type="sms", **made)
        world.insert("api_keys_history", version=2, **made)
    before = dump(url)
    with pytest.raises(errors.Refused) as refused:
        purge(url)
    assert refused.value.reasons == (
        "api_keys_history.created_by_id -> users.id: 1 row that would stay refer to rows that would go",
        "templates.created_by_id -> users.id: 1 row that would stay refer to rows that would go",
    )
    assert dump(url) == before


def test_a_service_made_by_a_test_user_for_a_real_one_is_not_theirs(
    filled: tuple[str, World, dict[str, Any]],
) -> None:
    url, _, cast = filled
    run(
        url,
        f"UPDATE services SET created_by_id = '{cast['tests'][1]['id']}' WHERE id = '{cast['shared']['id']}'",
    )
    plan = plan_of(url)
    assert [(found.relation, found.keys) for found in plan.standing if found.policy == "refuse"] == [
        ("services.created_by_id -> users.id", (str(cast["shared"]["id"]),))
    ]


def test_a_nullable_actor_lets_go_where_the_settings_say_so(
    filled: tuple[str, World, dict[str, Any]],
) -> None:
    url, _, cast = filled
    shared = cast["shared"]["id"]
    run(url, f"UPDATE services SET go_live_user_id = '{cast['tests'][1]['id']}' WHERE id = '{shared}'")
    assert "services.go_live_user_id" in plan_of(url).blockers[0]
    default = PurgeSettings().policies
    purged = purge(url, settings(policies=(*default, "services.go_live_user_id=null")))
    assert ("services.go_live_user_id -> users.id", 1) in purged.detached
    assert query(url, f"SELECT go_live_user_id FROM services WHERE id = '{shared}'") == [(None,)]


def test_the_demo_rows(notify: str) -> None:
    with make_engine(notify).begin() as conn:
        before = datetime.datetime.now(datetime.UTC)
        loaded = demo_data.load(conn)
    assert (datetime.datetime.now(datetime.UTC) - before).total_seconds() < 5
    assert 5_000 < loaded < 10_000
    with make_engine(notify).connect() as conn:
        plan = build_plan(conn, PurgeSettings(), PREFIX)
        assert (plan.matched, plan.shared_count, plan.blockers, plan.warnings) == (40, 1, (), ())
    assert execute_on(notify, plan).rows == plan.rows
    assert query(notify, "SELECT count(*) FROM services WHERE name LIKE 'Real%'") == [(6,)]
