"""Fixtures that every tier shares: a running Postgres, databases of one's own, small projects."""

from __future__ import annotations

import dataclasses
import os
import secrets
import shutil
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa

from notifydb.guard import Mark, Operation, Request, Target
from notifydb.migrator.config import Project
from notifydb.postgres.connect import autocommit_engine, disconnect
from notifydb.revisions.reader import read_history
from notifydb.runner.upgrade import Runner
from notifydb.settings import Environment, Voice
from notifydb.shadow.binaries import find_binaries
from notifydb.shadow.server import Server

ROOT = Path(__file__).parent.parent
#: What a developer's shell may hold and no test may see.
_SCRUBBED = (
    "NOTIFYDB_",
    "NOTIFY_",
    "DATABASE_URL",
    "SQLALCHEMY_DATABASE_URI",
    "VCAP_",
    "PG",
    "GITHUB_",
    "CI",
)

ON_CI = bool(os.environ.get("CI"))

for _name in list(os.environ):
    if _name.startswith(_SCRUBBED):
        del os.environ[_name]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--postgres-bin", type=Path, help="run on this Postgres instead of the embedded one")


def pytest_configure() -> None:
    # The workers inherit it: one server a run, and none shared with another run.
    os.environ.setdefault("TEST_RUN", str(os.getpid()))


def _server(config: pytest.Config) -> Server:
    binaries = find_binaries(config.getoption("--postgres-bin"))
    return Server(ROOT / ".notifydb" / f"tests-{os.environ['TEST_RUN']}", binaries)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = len(terminalreporter.stats.get("skipped", []))
    terminalreporter.write_line(f"tests skipped: {skipped}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if ON_CI and reporter is not None and reporter.stats.get("skipped"):
            # On CI a skipped test is a check that did not run.
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        server = _server(session.config)
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Server:
    """The session's server: workers share it, the first one starts it."""
    server = _server(request.config)
    server.start()
    return server


@pytest.fixture(scope="session")
def server_url(server: Server) -> str:
    return server.url("postgres")


@pytest.fixture(autouse=True)
def no_idle_sessions() -> Iterator[None]:
    """What a command keeps while it runs, a test does not leave behind."""
    yield
    disconnect()


MakeDatabase = Callable[..., str]


@pytest.fixture
def make_database(server: Server) -> Iterator[MakeDatabase]:
    """Makes databases that are gone after the test: `make_database(template="x") -> URL`."""
    made: list[str] = []
    admin = autocommit_engine(server.url("postgres"))

    def make(template: str = "template0") -> str:
        name = f"test_{secrets.token_hex(6)}"
        with admin.connect() as conn:
            conn.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        made.append(name)
        return server.url(name)

    yield make
    with admin.connect() as conn:
        for name in made:
            conn.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def database(make_database: MakeDatabase) -> str:
    """The URL of an empty database of this test's own."""
    return make_database()


@dataclasses.dataclass(frozen=True)
class SmallProject:
    """A project in a temporary folder whose migrations a test writes."""

    project: Project

    def add(self, revision: str, upgrade: str, downgrade: str = "pass", *, down: str | None = None) -> Path:
        """Writes `revision`, on top of `down` or else of the last one written, with the bodies given."""
        existing = sorted(self.project.versions.glob("*.py"))
        parent = down if down is not None else (existing[-1].stem if existing else None)
        path = self.project.versions / f"{revision}.py"
        path.write_text(_MIGRATION.format(
            revision=revision, down=parent,
            upgrade=textwrap.indent(textwrap.dedent(upgrade).strip(), "    "),
            downgrade=textwrap.indent(textwrap.dedent(downgrade).strip(), "    "),
        ))  # fmt: skip
        return path

    def add_all(self, migrations: Mapping[str, str]) -> None:
        for revision, upgrade in migrations.items():
            self.add(revision, upgrade)


_MIGRATION = '''"""{revision}

Revision ID: {revision}
Revises: {down}
"""

import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {down!r}


def upgrade():
{upgrade}


def downgrade():
{downgrade}
'''


@pytest.fixture
def small_project(tmp_path: Path) -> SmallProject:
    (tmp_path / "alembic" / "versions").mkdir(parents=True)
    (tmp_path / "notifydb.toml").write_text('script_location = "alembic"\n')
    return SmallProject(Project(tmp_path, tmp_path / "alembic"))


MakeRunner = Callable[..., Runner]


@pytest.fixture
def make_runner(database: str, small_project: SmallProject) -> MakeRunner:
    """Makes a runner of the small project's folder as it is now: `make_runner(environment, field=...)`."""

    def make(environment: Environment = Environment.PRODUCTION, **fields: object) -> Runner:
        target = Target("shop", Mark("missing"))
        voices = (Voice("NOTIFYDB_ENVIRONMENT", environment),)
        request = Request(Operation.DESTRUCTIVE_UPGRADE, target, voices)
        history = read_history(small_project.project.versions)
        runner = Runner(database, small_project.project, history, request, lock_wait=0)
        return dataclasses.replace(runner, **fields)  # type: ignore[arg-type]

    return make


def query(url: str, sql: str) -> list[tuple[object, ...]]:
    """The rows of one statement, run on a connection of its own."""
    with autocommit_engine(url).connect() as conn:
        result = conn.execute(sa.text(sql))
        return [tuple(row) for row in result] if result.returns_rows else []


def name_of(url: str) -> str:
    """The database's name in a URL."""
    return sa.make_url(url).database or ""
