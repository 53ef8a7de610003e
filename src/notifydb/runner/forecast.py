"""What an upgrade would do to one database, before it does: each pending migration seen on a shadow, or read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeGuard

from notifydb import errors, guard
from notifydb.findings import Skipped
from notifydb.guard import Request
from notifydb.lint.context import RevisionContext
from notifydb.lint.options import Options
from notifydb.lint.rule import Level
from notifydb.lint.sent import Sent
from notifydb.lint.sight import Seen, Sight
from notifydb.lint.statement import Statement
from notifydb.lint.statements import statements_of
from notifydb.migrator.config import Project
from notifydb.postgres.sizes import TableSize
from notifydb.revisions.graph import History, Revision
from notifydb.revisions.reader import parse_module
from notifydb.runner.destructive import reason_of
from notifydb.runner.elsewhere import Ran
from notifydb.runner.lost import losses, untold
from notifydb.runner.touched import Touched, touched
from notifydb.runner.wayback import WayBack, way_back
from notifydb.shadow.database import Shadows
from notifydb.sql import facts

#: The best first.
_LEVELS: Final[tuple[Level, ...]] = ("trace", "statement", "source")


@dataclasses.dataclass(frozen=True, slots=True)
class Forecast:
    """What is known of one pending migration.

    `level` is `trace` where it was run on a shadow, `statement` where only its text is known and its locks are
    the documented ones, `source` where not even that is. `losses` are what it takes away, `reason` why it may,
    as it says itself, and `refusals` why the guard would not let it. `failure` is why it failed on the shadow.
    `unchecked` is what nobody could find out, and why.
    """

    revision: Revision
    level: Level
    statements: tuple[Statement, ...]
    tables: tuple[Touched, ...]
    losses: tuple[str, ...]
    reason: str | None
    refusals: tuple[str, ...]
    back: WayBack
    ran: Ran | None
    failure: str | None
    unchecked: tuple[str, ...]

    @property
    def measured(self) -> bool:
        return self.level == "trace"

    @property
    def outside(self) -> tuple[Statement, ...]:
        """The statements that stay when a later one fails: none of them where all is one transaction."""
        commit = facts.Transaction("commit")
        return tuple(each for each in self.statements if not each.in_transaction or commit in each.facts)


@dataclasses.dataclass(frozen=True, slots=True)
class World:
    """What a forecast is made from; `no_shadow` is why `shadows` is None.

    `options` hold the sizes of the target's tables. `destruction` is what the guard is asked, unless the target
    `is_empty`: there it does not watch. `ran` is how long it took elsewhere, by revision.
    """

    project: Project
    history: History
    shadows: Shadows | None
    no_shadow: str
    options: Options
    destruction: Request
    is_empty: bool
    ran: Mapping[str, Ran]


def forecast(
    steps: Sequence[Revision], world: World, listen: Callable[[Revision], None] = lambda _: None
) -> Iterator[Forecast]:
    """One for each step, in order. Raises ConfigurationError for a migration that cannot be imported."""
    sizes = world.options.production
    for revision in steps:
        listen(revision)
        options = dataclasses.replace(world.options, production=sizes)
        found = _Look(dataclasses.replace(world, options=options), revision).forecast()
        yield found
        sizes = _sizes_after(found.statements, sizes)


def _sizes_after(statements: Sequence[Statement], sizes: Mapping[str, TableSize]) -> Mapping[str, TableSize]:
    """By the names that tables have from then on: what is made anew is not in the target yet."""
    found = dict(sizes)
    for fact in (fact for statement in statements for fact in statement.facts):
        if isinstance(fact, facts.RenameTable):
            size = found.pop(".".join(fact.relation.key), None)
            found |= {".".join(fact.target.key): size} if size else {}
        elif isinstance(fact, facts.DropTable) or _makes_anew(fact):
            found.pop(".".join(fact.relation.key), None)
    return found


def _makes_anew(fact: facts.Fact) -> TypeGuard[facts.CreateTable]:
    return isinstance(fact, facts.CreateTable) and not fact.if_not_exists


class _Look:
    """At one migration."""

    def __init__(self, world: World, revision: Revision) -> None:
        self.world = world
        self.revision = revision
        self.tree = parse_module(revision.path.read_bytes(), revision.path)

    def forecast(self) -> Forecast:
        seen = self._seen()
        level: Level = next(each for each in _LEVELS if each in seen.levels)
        context = self._context(seen)
        lost = losses(
            self.world.shadows if level == "trace" else None,
            self.world.project,
            context,
            self.world.destruction,
        )
        reason, failure = reason_of(self.revision), _failure(seen)
        return Forecast(
            self.revision, level, tuple(context.statements), touched(context), lost, reason,
            refusals=self._refusals(lost, reason),
            back=way_back(self.tree, seen, went_through=failure is None, loses=bool(lost)),
            ran=self.world.ran.get(self.revision.id),
            failure=failure,
            unchecked=(*map(self._told, seen.skipped), *untold(context.statements, measured=level == "trace")),
        )  # fmt: skip

    def _seen(self) -> Seen:
        world = self.world
        sight = Sight(world.project, world.history, world.shadows, world.no_shadow, world.options)
        try:
            return sight.of_revision(self.revision, self.tree, downgrade=True)
        except errors.MigrationFailed as error:
            # There is no state to run this one on.
            why = f"{error.revision}, which comes before it, fails on the shadow"
            blind = dataclasses.replace(sight, shadows=None, no_shadow=why)
            return blind.of_revision(self.revision, self.tree, downgrade=False)

    def _context(self, seen: Seen) -> RevisionContext:
        statements = statements_of(self.revision, seen.executions, self.tree)
        return RevisionContext(
            self.world.history,
            frozenset({self.revision.id}),
            self.world.options,
            self.world.project.root,
            revision=self.revision,
            statements=Sent(statements),
            catalog=seen.catalog,
        )

    def _refusals(self, lost: tuple[str, ...], reason: str | None) -> tuple[str, ...]:
        """As the guard will find when the migration has run there."""
        if not lost or self.world.is_empty:
            return ()
        return guard.refusals(dataclasses.replace(self.world.destruction, reasoned=reason is not None))

    def _told(self, skipped: Skipped) -> str:
        subject = skipped.subject.removeprefix(self.revision.id).removeprefix(": ")
        return f"{subject}: {skipped.reason}" if subject else skipped.reason


def _failure(seen: Seen) -> str | None:
    """Why it failed on the shadow; not where only the synthetic rows were to blame."""
    found = [each.failure for each in seen.executions if each.failure]
    fatal = [each.message for each in found if not (each.survived or each.with_rows_only)]
    return seen.error or (fatal[0] if fatal else None)
