"""What commands work with, made from the settings: the project, its history, the database, the shadows."""

from __future__ import annotations

import dataclasses
import logging
from functools import cached_property
from typing import TYPE_CHECKING

from notifydb import errors
from notifydb.cli.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from notifydb.guard import Operation, Permit, Request
    from notifydb.migrator.config import Project
    from notifydb.numbering.conflict import OnRef
    from notifydb.postgres.patience import Cancelling, Terms
    from notifydb.revisions.graph import History, Revision
    from notifydb.runner.events import Listener
    from notifydb.runner.records import Deployed
    from notifydb.runner.upgrade import Runner
    from notifydb.settings import Loaded, Settings
    from notifydb.shadow.database import Shadows
    from notifydb.shadow.server import Server


@dataclasses.dataclass(frozen=True, slots=True)
class Database:
    """The database to work on; `embedded` is notifydb's own."""

    url: str
    embedded: bool


class Deps:
    """One command's collaborators, each made when it is first asked for."""

    def __init__(self, **options: object) -> None:
        """`options` are command-line values by setting name; None is not set."""
        self.options = options
        self.console = Console()

    @classmethod
    def for_job(
        cls,
        database_url: str | None,
        lock_wait: float | None,
        lock_timeout: float | None,
        deadline: float | None,
        cancel_blockers: list[str] | None,
        log_format: str | None,
    ) -> Deps:
        """Of a command that runs migrations, with its options."""
        return cls(
            **{
                "database_url": database_url,
                "lock_wait": lock_wait,
                "upgrade.lock_timeout": lock_timeout,
                "upgrade.deadline": deadline,
                "upgrade.cancel_blockers": cancel_blockers or None,
                "upgrade.log_format": None if log_format is None else str(log_format),
            }
        )

    @property
    def logs_json(self) -> bool:
        """Whether a job tells its events as JSON."""
        # Given as an option, it also holds for settings that cannot be read.
        given = self.options.get("upgrade.log_format")
        return (given or self.settings.upgrade.log_format) == "json"

    @cached_property
    def loaded(self) -> Loaded:
        from notifydb.settings import load_settings

        loaded = load_settings(self.options)
        logging.getLogger().setLevel(loaded.settings.log_level.upper())
        return loaded

    @property
    def settings(self) -> Settings:
        return self.loaded.settings

    @cached_property
    def project(self) -> Project:
        from notifydb.migrator.config import find_project

        settings = self.settings
        return find_project(self.loaded.root, settings.script_location, settings.metadata, settings.bootstrap)

    def check_version_table(self) -> None:
        """Raises ConfigurationError where plain Alembic keeps this project's revisions in another table."""
        from notifydb.migrator.version_table import check_version_table

        check_version_table(self.project)

    @property
    def head_file(self) -> Path | None:
        """The file that names the head, None where the settings say that there is none."""
        from notifydb.revisions import headfile

        return headfile.path_in(self.project.script_location, self.settings.head_file)

    def relative(self, path: Path) -> str:
        """The path as it is shown: from the project's root."""
        from notifydb.reporters.words import relative

        return relative(path, self.loaded.root)

    def recover(self) -> None:
        """What a killed change of the migrations folder left behind is finished or undone."""
        from notifydb.revisions import changes

        if changes.recover(self.project.versions):
            self.console.say("a change of the migrations folder had been cut short; it is whole again")

    @cached_property
    def revisions(self) -> tuple[Revision, ...]:
        """The folder's revisions, after `recover`."""
        from notifydb.revisions.reader import read_revisions

        self.recover()
        return read_revisions(self.project.versions)

    @cached_property
    def history(self) -> History:
        """The folder's history; raises HistoryError where the revisions are not one graph."""
        from notifydb.revisions.graph import History

        return History(self.revisions)

    @cached_property
    def server(self) -> Server:
        from notifydb.shadow.binaries import find_binaries
        from notifydb.shadow.server import Server

        folder = self.loaded.root / self.settings.data_dir / "postgres"
        return Server(folder, find_binaries(self.settings.postgres_bin))

    @cached_property
    def database(self) -> Database:
        """The configured database, or, in development only, the embedded one."""
        from notifydb.settings import Environment

        url = self.settings.database_url
        if url is not None:
            given = url.get_secret_value()
            return self._as_embedded(given) or Database(given, embedded=False)
        if self.loaded.database_problem is not None:
            raise self.loaded.database_problem
        if self.settings.environment is not Environment.DEVELOPMENT:
            raise errors.ConfigurationError(
                "no database is set",
                hint="set DATABASE_URL; the embedded Postgres is used in development only",
            )
        self.console.say("using the embedded Postgres (no DATABASE_URL is set)", style="dim")
        return self.embedded_database()

    def embedded_database(self) -> Database:
        """notifydb's own database, running."""
        self.start_server()
        return Database(self.server.url(), embedded=True)

    def start_server(self) -> None:
        """Starts the embedded Postgres where it does not run."""
        with self.console.working("starting the embedded Postgres"):
            self.server.start()

    def shadows(self) -> Shadows:
        """Shadow databases on the given server or the embedded one; raises ShadowUnavailable."""
        from notifydb.shadow.database import Shadows

        project, history = self.project, self.history
        if self.settings.shadow_url is not None:
            url = self.settings.shadow_url.get_secret_value()
        else:
            self.start_server()
            url = self.server.url("postgres")
        return Shadows(
            url,
            project,
            history,
            keep=self.settings.shadow_templates,
            progress=self.console.progress,
        )

    def wait_for_database(self, seconds: float, waiting: Callable[[str], None] | None = None) -> None:
        """Waits until the server lets somebody in, and tells why; raises DatabaseUnreachable after `seconds`."""
        from notifydb.postgres.endpoint import wait_until_reachable

        if seconds and not self.database.embedded:
            tell = waiting or (lambda why: self.console.say(f"waiting for the database: {why}"))
            wait_until_reachable(self.database.url, seconds, tell)

    def job_runner(self, listen: Listener, *, confirm: str | None, from_start: bool, dry: bool) -> Runner:
        """A runner that may wait for others, and end them; raises Refused where it may not, unless it is `dry`."""
        terms = self._terms(None if dry else self._may_cancel(confirm))
        return dataclasses.replace(self.runner(listen), terms=terms, from_start=from_start)

    def runner(self, listen: Listener) -> Runner:
        """What looks at the configured database and changes it; raises ConfigurationError."""
        from notifydb.guard import Operation
        from notifydb.runner.upgrade import Runner

        self.check_version_table()
        destruction = self._request(self.database, Operation.DESTRUCTIVE_UPGRADE)
        return Runner(
            self.database.url,
            self.project,
            self.history,
            destruction,
            self.settings.lock_wait,
            listen,
            is_shared=lambda revision: self._on_main is None or revision in self._on_main.revisions,
            shared=self._source_on_main,
            terms=self._terms(),
            deployed=lambda: self._deployed,
        )

    def _terms(self, cancelling: Cancelling | None = None) -> Terms:
        from notifydb.postgres.patience import Terms

        settings = self.settings.upgrade
        return Terms(
            settings.lock_timeout, settings.attempts, settings.deadline, settings.queries, cancelling
        )

    def _may_cancel(self, confirm: str | None) -> Cancelling | None:
        from notifydb.guard import Operation
        from notifydb.postgres.patience import Cancelling

        settings = self.settings.upgrade
        if not settings.cancel_blockers:
            return None
        permit = self.permit(Operation.CANCEL_BLOCKERS, confirm)
        return Cancelling(settings.cancel_blockers, settings.cancel_after, permit)

    @cached_property
    def _deployed(self) -> Deployed:
        """The application's version as the settings say, and its commit where this is a repository."""
        from notifydb.numbering import git
        from notifydb.runner.records import Deployed

        found = git.run(self.loaded.root, "rev-parse", "HEAD")
        commit = found.decode().strip() if isinstance(found, bytes) else None
        return Deployed(self.settings.upgrade.code_version, commit)

    @cached_property
    def _on_main(self) -> OnRef | None:
        """The revisions of the main branch; None where git does not know."""
        from notifydb.numbering import conflict

        versions = self.project.versions
        main = conflict.main_branch(versions, self.settings.main_branch)
        found = conflict.revisions_on(main, versions) if isinstance(main, str) else main
        return found if isinstance(found, conflict.OnRef) else None

    def _source_on_main(self, revision: str) -> bytes | None:
        """The main branch's file of that id; None where it has none, or git does not know."""
        from notifydb.numbering import git

        if self._on_main is None:
            return None
        for each in self._on_main.revisions:
            if each.id == revision:
                place = f"{self._on_main.ref}:./{each.path.name}"
                found = git.run(self.project.versions, "cat-file", "blob", place)
                return found if isinstance(found, bytes) else None
        return None

    def _request(self, database: Database, operation: Operation, confirmation: str | None = None) -> Request:
        """What the guard is asked about the database as it is now."""
        from notifydb.guard import DATA_LOSS, Request
        from notifydb.postgres import endpoint, failures, own
        from notifydb.postgres.connect import own_engine

        with failures.translated(), own_engine(database.url).connect() as conn:
            target = own.target_of(conn, embedded=database.embedded)
            names = (*endpoint.names_of(database.url, conn), *self.loaded.names)
            if operation in DATA_LOSS:
                target = dataclasses.replace(target, unfit=endpoint.why_unfit(database.url, conn))
        allow = self.settings.allow_destructive
        return Request(operation, target, self.loaded.voices, allow, confirmation, names=names)

    def refuse_early(self, operation: Operation) -> Permit:
        """Raises Refused where no confirmation could help, before any work is done.

        The permit is for a rehearsal: for nothing but what is rolled back again.
        """
        from notifydb import guard
        from notifydb.postgres import ledger
        from notifydb.postgres.connect import own_engine

        request = self._request(self.database, operation)
        try:
            return guard.permit(request, rehearsal=True)
        except errors.Refused as refusal:
            ledger.record_decision(own_engine(self.database.url), operation, "refused", refusal.reasons)
            raise

    def permit(self, operation: Operation, confirmation: str | None) -> Permit:
        """The guard's permit for the configured database, as `permit_on` gives it."""
        return self.permit_on(self.database, operation, confirmation)

    def permit_on(self, database: Database, operation: Operation, confirmation: str | None) -> Permit:
        """The guard's permit for `database`; asks for its name where a terminal can.

        Raises Refused; permits and refusals are written to the database's history as far as it can be.
        """
        from notifydb import guard
        from notifydb.postgres import ledger
        from notifydb.postgres.connect import own_engine

        engine = own_engine(database.url)
        request = self._confirmed(self._request(database, operation, confirmation))
        try:
            permit = guard.permit(request)
        except errors.Refused as refusal:
            ledger.record_decision(engine, operation, "refused", refusal.reasons)
            raise
        ledger.record_decision(engine, operation, "permitted")
        return permit

    def _confirmed(self, request: Request) -> Request:
        """Asks for the database's name only where nothing else stands in the way."""
        from notifydb import guard
        from notifydb.cli.confirm import ask_for_name_of

        if request.confirmation is not None:
            return request
        typed = dataclasses.replace(request, confirmation=request.target.database)
        environment = guard.environment_of(request)
        if guard.refusals(typed) or not guard.needs_confirmation(request.operation, environment):
            return request
        typed_name = ask_for_name_of(self.console, request.operation, request.target.database)
        return dataclasses.replace(request, confirmation=typed_name)

    def _as_embedded(self, url: str) -> Database | None:
        """notifydb's own server, where the URL names just that: its socket, its superuser, and nothing more.

        The URL is then made anew: another parameter, `hostaddr` for one, could lead elsewhere.
        """
        import sqlalchemy as sa

        from notifydb.shadow.server import SUPERUSER

        parsed = sa.make_url(url)
        if parsed.host or parsed.username != SUPERUSER or not set(parsed.query) <= {"host", "port"}:
            return None
        try:
            ours = sa.make_url(self.server.url(parsed.database or ""))
        except errors.ShadowUnavailable:
            return None
        same = all(ours.query.get(name) == value for name, value in parsed.query.items())
        is_ours = same and "host" in parsed.query
        return Database(ours.render_as_string(hide_password=False), embedded=True) if is_ours else None
