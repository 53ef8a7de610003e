"""What a purge says of the relations of a database, and the settings it drafts for one that it does not know."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from postgres.foreign_schemas import ALL, Schema
from postgres.notify_world import World, fill
from postgres.purge_support import Filler, database_of, dump, execute_on, plan_of, run, settings

from cli.conftest import matches_schema
from conftest import ROOT, MakeDatabase
from notifydb import errors
from notifydb.cli.console import Console
from notifydb.cli.deps import Deps
from notifydb.cli.options import OutputFormat
from notifydb.cli.purge_explain import run_explain, run_suggest, show_explanation
from notifydb.migrator.config import Project
from notifydb.postgres.connect import make_engine
from notifydb.purge.explain import Explanation, explain
from notifydb.purge.suggest import suggest
from notifydb.purge.suggestion import Entry, Item, Suggestion
from notifydb.revisions.reader import read_history
from notifydb.settings.model import PurgeSettings
from notifydb.shadow.database import Shadows
from notifydb.shadow.server import Server


def explained(url: str, given: PurgeSettings) -> Explanation:
    with make_engine(url).connect() as conn:
        return explain(conn, given)


def suggested(url: str) -> Suggestion:
    with make_engine(url).connect() as conn:
        return suggest(conn)


def settings_in(toml: str) -> dict[str, Any]:
    """What the text sets, as the settings of a project are read."""
    found: dict[str, Any] = tomllib.loads(toml)["tool"]["notifydb"]["purge"]
    return found


@pytest.fixture(params=ALL)
def foreign(request: pytest.FixtureRequest, database: str) -> tuple[str, Schema]:
    """A database of another application, filled, and what is known of it."""
    schema = ALL[request.param]
    run(database, schema.script)
    return database, schema


def test_a_suggestion_loads_plans_and_leaves_what_is_real(foreign: tuple[str, Schema]) -> None:
    url, schema = foreign
    before = dump(url)
    values = settings_in(suggested(url).toml())
    assert dump(url) == before
    said = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    assert {name: said[name] for name in schema.suggested} == dict(schema.suggested)
    chosen = settings(**values)
    plan = plan_of(url, chosen)
    assert plan.matched == 3
    assert plan.blockers == ()
    assert [text for text in plan.warnings if "is not in this database" in text] == []
    execute_on(url, plan)
    for table, left in schema.left.items():
        found = [str(row[0]) for row in rows_of(url, table)]
        assert (table, sorted(found) if isinstance(left, list) else len(found)) == (table, left)
    assert plan_of(url, chosen).is_empty


def rows_of(url: str, table: str) -> list[Any]:
    with make_engine(url).connect() as conn:
        return list(conn.exec_driver_sql(f"SELECT * FROM {table}"))


def test_a_suggestion_says_what_it_does_not_know(database: str) -> None:
    run(
        database,
        "CREATE TABLE people (id int PRIMARY KEY, email text, contact_email text)",
        "CREATE TABLE teams (id int PRIMARY KEY, name text)",
        "CREATE TABLE team_members (person_id int REFERENCES people, team_id int REFERENCES teams)",
        "CREATE TABLE clubs (id int PRIMARY KEY, created_by_id int REFERENCES people)",
        "CREATE TABLE club_members (person_id int REFERENCES people, club_id int REFERENCES clubs)",
        "CREATE TABLE team_pages (id int PRIMARY KEY, team_id int REFERENCES teams, a int, b int)",
        "CREATE TABLE club_pages (id int PRIMARY KEY, club_id int REFERENCES clubs, a int, b int)",
        "CREATE TABLE clients (id int PRIMARY KEY, email text)",
        "CREATE TABLE logins (person_id int)",
        "CREATE TABLE wiki (id int PRIMARY KEY, written_by int REFERENCES people)",
        "CREATE TABLE visits (person_id int, client_id int)",
    )
    found = suggested(database)
    assert found.notes == ("the root may be another column: clients.email",)
    commented = [line.strip() for line in found.toml().splitlines() if line.startswith("    #")]
    assert commented == [
        '# "team_members(person_id -> team_id) -> teams(id)",  # a group that is not made by its members?',
        '# "wiki.written_by=follow",  # nobody owns these rows: to let them go with who made them',
        '# "logins.person_id -> people.id",  # no values to go by',
        '# "visits.person_id -> people.id",  # no values to go by',
    ]
    assert found.values["owned_through"] == ("club_members(person_id -> club_id) -> clubs(id)",)
    assert found.values["owned_when_empty"] == ("clubs.created_by_id",)


def test_without_people_there_is_no_suggestion(database: str) -> None:
    run(
        database,
        "CREATE TABLE users (id int PRIMARY KEY, email text, login text)",
        "INSERT INTO users SELECT i, 'none', 'name' || i FROM generate_series(1, 5) i",
        "CREATE TABLE templates (id int PRIMARY KEY, reply_email text)",
    )
    with pytest.raises(errors.ConfigurationError, match="no column looks like the addresses of users"):
        suggested(database)
    run(database, "UPDATE users SET login = login || '@example.org'")
    assert suggested(database).values["root"] == "users.login"


def test_a_column_that_fits_several_tables_is_left_to_somebody(database: str) -> None:
    """Numbers are in every table: what is proved of two of them is proved of none."""
    run(
        database,
        "CREATE TABLE users (id int PRIMARY KEY, email text)",
        "CREATE TABLE a (id int PRIMARY KEY, user_id int REFERENCES users)",
        "CREATE TABLE b (id int PRIMARY KEY, user_id int REFERENCES users)",
        "CREATE TABLE a_part (thing_id int REFERENCES a)",
        "CREATE TABLE b_part (thing_id int REFERENCES b)",
        "CREATE TABLE c (thing_id int)",
        "INSERT INTO users SELECT i, 'p' || i || '@example.org' FROM generate_series(1, 30) i",
        *(f"INSERT INTO {table} SELECT id, id FROM users" for table in "ab"),
        "INSERT INTO c SELECT id FROM users",
    )
    found = suggested(database)
    assert found.values["implicit"] == ()
    text = "30 of 30 sampled values are there, but the column fits other tables too"
    assert f'    # "c.thing_id -> a.id",  # {text}' in found.toml()
    assert f'    # "c.thing_id -> b.id",  # {text}' in found.toml()


def test_a_name_cannot_leave_its_line() -> None:
    odd = 'a"\n[tool.other]\nb = "\x7f\\'
    entries = (Entry("x", f"of {odd}", (Item(odd, odd), Item(odd, odd, doubtful=True))), Entry("y", "", odd))
    made = Suggestion(odd, entries, ()).toml()
    assert tomllib.loads(made) == {"tool": {"notifydb": {"purge": {"x": [odd], "y": odd}}}}


# -- Notify's own schema --


@pytest.fixture(scope="module")
def filled(server: Server) -> Iterator[str]:
    """The name of a database at the head of the shipped migrations, filled, to be cloned."""
    history = read_history(ROOT / "alembic" / "versions")
    shadows = Shadows(server.url("postgres"), Project(ROOT, ROOT / "alembic"), history)
    with shadows.at(history.head) as url:
        with make_engine(url).begin() as conn:
            fill(World(conn))
        yield database_of(url)


def test_notifys_own_suggestion_amounts_to_the_defaults(make_database: MakeDatabase, filled: str) -> None:
    url = make_database(filled)
    with make_engine(url).begin() as conn:
        Filler(conn).insert("inbound_numbers", service_id=None)
    drafted = suggested(url)
    defaults = PurgeSettings()
    values = {name: set(v) if isinstance(v, tuple) else v for name, v in drafted.values.items()}
    for name in (
        "root",
        "age",
        "require_uuid",
        "protected_when",
        "owned_through",
        "owned_when_empty",
    ):
        default = getattr(defaults, name)
        assert values[name] == (set(default) if isinstance(default, tuple) else default), name
    assert drafted.values["policies"] == ("inbound_numbers.service_id=null",)
    assert set(drafted.values["actors"]) == set(defaults.actors)  # type: ignore[call-overload]
    ours = decisions(explained(url, defaults))
    theirs = decisions(explained(url, settings(**drafted.values)))
    # What has no rows to go by, or too few, is left to somebody; the settings know.
    differing = {
        relation for relation in ours.keys() | theirs.keys() if ours.get(relation) != theirs.get(relation)
    }
    assert {relation: (ours[relation], theirs[relation]) for relation in differing} == {
        "inbound_sms_history.id -> inbound_sms.id": ("waived", "suspect"),
        "notification_history.id -> notifications.id": ("waived", "suspect"),
        "provider_details_history.created_by_id -> users.id": ("refuse", "suspect"),
        "services_history.go_live_user_id -> users.id": ("refuse", "suspect"),
    }


def decisions(found: Explanation) -> dict[str, str]:
    return {each.relation: each.policy for each in found.relations}


# -- explanations --


@pytest.fixture
def app(database: str) -> tuple[str, PurgeSettings]:
    """A database with a relation of every kind, and settings that speak of some."""
    run(
        database,
        "CREATE TABLE users (id int PRIMARY KEY, email_address text)",
        "INSERT INTO users SELECT i, 'p' || i || '@example.org' FROM generate_series(1, 30) i",
        "CREATE TABLE teams (id int PRIMARY KEY, created_by_id int REFERENCES users)",
        "CREATE TABLE members (user_id int REFERENCES users, team_id int REFERENCES teams)",
        "CREATE TABLE pages (id int PRIMARY KEY, team_id int REFERENCES teams, made_by_id int REFERENCES users,"
        " read_by_id int REFERENCES users ON DELETE SET NULL, kept_by_id int REFERENCES users,"
        " sent_by_id int REFERENCES users)",
        "CREATE TABLE pages_history (id int, team_id int, version int)",
        "INSERT INTO pages SELECT i FROM generate_series(1, 30) i",
        "INSERT INTO pages_history SELECT id + 1000, 7 FROM pages",
        "CREATE TABLE logs (user_id int, data jsonb)",
        "INSERT INTO logs SELECT id FROM users",
        "CREATE TABLE visits (user_id int, page_id int)",
        "CREATE TABLE weather (id int)",
    )
    return database, settings(
        owned_through=("members(user_id -> team_id) -> teams(id)",),
        owned_when_empty=(),
        policies=("pages.kept_by_id=null", "pages.sent_by_id=reassign:7", "visits.page_id=leave"),
        implicit=("logs.data->>'user_id' -> users.id",),
        waived=("visits.user_id -> users.id", "nothing.user_id -> users.id"),
    )  # fmt: skip


def test_each_relation_is_explained(app: tuple[str, PurgeSettings]) -> None:
    found = explained(*app)
    assert {each.relation: (each.policy, each.origin, each.why) for each in found.relations} == {
        "members.team_id -> teams.id": ("follow", "foreign key", "an owner"),
        "members.user_id -> users.id": ("follow", "foreign key", "an owner"),
        "pages.team_id -> teams.id": ("follow", "foreign key", "an owner"),
        "logs.data->>'user_id' -> users.id": ("follow", "declared", "an owner"),
        "teams.created_by_id -> users.id": ("refuse", "foreign key", "rows of teams are chosen, not reached"),
        "pages.made_by_id -> users.id": ("refuse", "foreign key", "an actor, by *_by_id"),
        "pages.read_by_id -> users.id": ("server", "foreign key", "ON DELETE SET NULL"),
        "pages.kept_by_id -> users.id": ("null", "foreign key", "purge.policies: null"),
        "pages.sent_by_id -> users.id": ("reassign", "foreign key", "purge.policies: reassign to 7"),
        "visits.page_id -> pages.id": ("leave", "detected", "purge.policies: leave"),
        "visits.user_id -> users.id": ("waived", "declared", "purge.waived"),
        "logs.user_id -> users.id": (
            "suspect",
            "detected",
            "named like one; 30 of 30 sampled values are there",
        ),
        "pages_history.team_id -> teams.id": (
            "suspect",
            "detected",
            "named like one; 0 of 1 sampled values are there",
        ),
        "pages_history.id -> pages.id": (
            "refuted",
            "detected",
            "named like one; 0 of 30 sampled values are there",
        ),
    }
    assert (found.root, found.groups) == (
        "users.email_address",
        ("members(user_id -> team_id) -> teams(id)",),
    )
    assert found.untouched == ("pages_history", "visits", "weather")
    assert found.unknown == ("purge.waived: nothing.user_id -> users.id",)


def test_an_explanation_reads_only(app: tuple[str, PurgeSettings]) -> None:
    url, given = app
    before = dump(url)
    with make_engine(url).connect() as conn:
        conn.exec_driver_sql("SET default_transaction_read_only = on")
        conn.commit()
        assert explain(conn, given) == explained(url, given)
        suggest(conn)
    assert dump(url) == before


def test_an_explanation_as_text_and_as_json(
    app: tuple[str, PurgeSettings],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, _ = app
    monkeypatch.chdir(tmp_path)
    lines = suggested(url).toml().replace("[tool.notifydb.purge]", "[purge]")
    (tmp_path / "notifydb.toml").write_text(f'environment = "test"\n{lines}')
    run_explain(Deps(database_url=url), OutputFormat.JSON)
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert matches_schema("purge-explain", document)
    assert document["relations"][0] == {
        "relation": "members.team_id -> teams.id", "policy": "follow", "origin": "foreign key",
        "why": "an owner", "sampled": None, "found": None,
    }  # fmt: skip
    run_explain(Deps(database_url=url), OutputFormat.TEXT)
    text = capsys.readouterr().out
    for part in (
        "a purge starts at users.email_address",
        "groups that go with the last of their members: members(user_id -> team_id) -> teams(id)",
        "  pages.made_by_id -> users.id  [foreign key: an actor, by *_by_id]",
        "no part in it: ",
    ):
        assert part in text
    run_suggest(Deps(database_url=url))
    assert "[tool.notifydb.purge]\n" in capsys.readouterr().out


def test_the_command_writes_settings_that_it_reads(database: str, tmp_path: Path) -> None:
    run(database, ALL["shop"].script)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DATABASE_URL": database}

    def notifydb(*arguments: str) -> str:
        command = [sys.executable, "-m", "notifydb", "purge", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    (tmp_path / "pyproject.toml").write_text(notifydb("--suggest-config"))
    document = json.loads(notifydb("--explain", "--format", "json"))
    assert (document["root"], document["unknown"]) == ("sales.customers.email", [])


def test_what_is_in_the_way_is_said_aside(capsys: pytest.CaptureFixture[str]) -> None:
    empty = Explanation("db", "users.id", (), (), (), ("t: u inherits from it",), ("purge.waived: x",))
    show_explanation(Console(), empty)
    told = capsys.readouterr()
    assert told.out == "database db: a purge starts at users.id\n"
    assert told.err == "blocked: t: u inherits from it\nwarning: purge.waived: x is not in this database\n"
