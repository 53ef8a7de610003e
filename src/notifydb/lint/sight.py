"""What a revision or a script sends: seen on a shadow, else in offline mode, else not at all and told so."""

from __future__ import annotations

import ast
import dataclasses
from typing import TYPE_CHECKING, Final

from notifydb import errors
from notifydb.findings import Skipped
from notifydb.lint.catalog import Catalog
from notifydb.lint.options import Options
from notifydb.lint.rule import Level
from notifydb.lint.script import Script
from notifydb.lint.source import can_be_undone
from notifydb.lint.statement import Execution
from notifydb.migrator import offline
from notifydb.migrator.config import Project
from notifydb.revisions.graph import History, Revision

if TYPE_CHECKING:
    from notifydb.lint.probe import Observed
    from notifydb.lint.undo import Undone
    from notifydb.shadow.database import Shadows

_SOURCE: Final[frozenset[Level]] = frozenset({"graph", "source"})
_STATEMENT: Final[frozenset[Level]] = _SOURCE | {"statement"}
_TRACE: Final[frozenset[Level]] = _STATEMENT | {"trace"}


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What could be learned, and on which levels; `error` is why it failed where no statement is to blame."""

    executions: tuple[Execution, ...] = ()
    catalog: Catalog | None = None
    levels: frozenset[Level] = _SOURCE
    skipped: tuple[Skipped, ...] = ()
    error: str | None = None
    undone: Undone | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Sight:
    """Looks in the best way that the options allow; `no_shadow` is why `shadows` is None."""

    project: Project
    history: History
    shadows: Shadows | None
    no_shadow: str
    options: Options

    def of_revision(self, revision: Revision, tree: ast.Module, *, downgrade: bool) -> Seen:
        """Raises ShadowUnavailable where the trace is demanded and cannot be had."""
        if self.options.mode == "static":
            return self._offline(revision, ())
        if len(revision.down_revisions) > 1:
            reason = "a merge stands on several states, so there is no one state to run it on"
            return self._offline(revision, (Skipped(revision.id, "trace", reason),))
        try:
            return self._observed(revision, downgrade=downgrade and can_be_undone(tree))
        except errors.ShadowUnavailable as error:
            if self.options.mode == "trace":
                raise
            return self._offline(revision, (Skipped(revision.id, "trace", error.message),))

    def of_script(self, script: Script) -> Seen:
        """What running the script shows, else what its text says; raises as `of_revision` does."""
        known = Seen(levels=frozenset({"statement"}))
        if self.options.mode == "static":
            return known
        try:
            return self._played(script)
        except errors.UsageError as error:
            reason = error.message
        except errors.ShadowUnavailable as error:
            if self.options.mode == "trace":
                raise
            reason = error.message
        return dataclasses.replace(known, skipped=(Skipped(script.name, "trace", reason),))

    def _observed(self, revision: Revision, *, downgrade: bool) -> Seen:
        # The driver is loaded only where something is run: --static answers at once.
        from notifydb.lint.probe import observe

        rows, large = self.options.rows, self.options.large
        return _traced(
            observe(self._server(), self.project, revision, rows, downgrade=downgrade, large=large)
        )

    def _offline(self, revision: Revision, skipped: tuple[Skipped, ...]) -> Seen:
        if not self.options.imports:
            reason = "the statements are known only by importing the migration"
            return Seen(skipped=(*skipped, Skipped(revision.id, "statement", reason)))
        try:
            captured = offline.capture(self.project, self.history, revision)
        except (errors.MigrationFailed, errors.ConfigurationError) as error:
            return Seen(skipped=(*skipped, Skipped(revision.id, "statement", error.message)))
        executions = tuple(Execution(each.sql, each.frames, each.transaction) for each in captured)
        return Seen(executions, levels=_STATEMENT, skipped=skipped)

    def _played(self, script: Script) -> Seen:
        """Raises HistoryError where there is no one state to run it on, ShadowUnavailable without a server."""
        from notifydb.lint.probe import observe_script

        shadows, beyond = self._server(), script.reaches_beyond()
        if beyond is not None:
            raise errors.UsageError(f"{beyond} reaches beyond the shadow database")
        state = script.state_in(self.history)
        seen = _traced(observe_script(shadows, script, state, self.options.rows, large=self.options.large))
        missing = len(script.statements(())) - len(seen.executions)
        if not missing:
            return seen
        unrun = Skipped(script.name, "trace", f"not run after a statement that failed ({missing})")
        return dataclasses.replace(seen, skipped=(*seen.skipped, unrun))

    def _server(self) -> Shadows:
        if self.shadows is None:
            raise errors.ShadowUnavailable(self.no_shadow)
        return self.shadows


def _traced(observed: Observed) -> Seen:
    return Seen(
        observed.executions, observed.catalog, _TRACE, observed.skipped, observed.error, observed.undone
    )
