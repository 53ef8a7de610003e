"""What a rule is: a documented claim about migrations, checked on one or several of four levels."""

from __future__ import annotations

import ast
import enum
import inspect
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from notifydb.findings import Finding, Fix, Location, RuleInfo, Severity
from notifydb.sql.locks import LockMode

if TYPE_CHECKING:
    from notifydb.lint.context import Context, RevisionContext
    from notifydb.lint.example import Example
    from notifydb.lint.statement import Statement
    from notifydb.lint.suppress import Ignore
    from notifydb.lint.trace import Trace
    from notifydb.lint.undo import Undone
    from notifydb.revisions.graph import History, Revision

Level = Literal["graph", "source", "statement", "trace"]


class Claim(enum.Enum):
    """What a rule says will happen when the statement runs, so that the trace can confirm or refute it."""

    NOTHING = "nothing that a run would show"
    LOCK = "the lock is taken"
    SCAN = "rows are scanned under the lock"
    REWRITE = "the table is rewritten under the lock"
    CHANGE = "many rows are changed"
    FAILURE = "the statement fails"


class Rule:
    """Base of all rules; the docstring of a subclass is its documentation.

    A rule overrides the methods of the levels that it needs. `name` is the module's name with hyphens,
    `family` the name of the package around it. `lock` is the mode that its findings claim, at least.
    A rule that is `opt_in` is a policy that not every team has: it runs only where its
    name is selected.
    `help` is the safe form; `{names}` in it are filled in by `finding`. `fix` is what `lint --fix` makes of it.
    """

    name: ClassVar[str]
    family: ClassVar[str]
    severity: ClassVar[Severity] = Severity.ERROR
    claim: ClassVar[Claim] = Claim.NOTHING
    opt_in: ClassVar[bool] = False
    lock: ClassVar[LockMode | None] = None
    help: ClassVar[str]
    fix: ClassVar[Fix | None] = None
    bad: ClassVar[tuple[Example, ...]]
    good: ClassVar[tuple[Example, ...]]

    def check_graph(self, history: History, ctx: Context) -> Iterator[Finding]:  # noqa: ARG002
        """Judges the history as a whole; `ctx.scope` are the revisions that were asked about."""
        yield from ()

    def check_source(self, revision: Revision, tree: ast.Module, ctx: RevisionContext) -> Iterator[Finding]:  # noqa: ARG002
        """Judges the text of one migration."""
        yield from ()

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:  # noqa: ARG002
        """Judges one SQL statement by what it says."""
        yield from ()

    def check_trace(self, statement: Statement, trace: Trace, ctx: RevisionContext) -> Iterator[Finding]:  # noqa: ARG002
        """Judges one SQL statement by what it was seen to do."""
        yield from ()

    def check_downgrade(self, undone: Undone, ctx: RevisionContext) -> Iterator[Finding]:  # noqa: ARG002
        """Judges what came of running downgrade() after upgrade(); part of the trace."""
        yield from ()

    def check_ignores(self, ignores: Sequence[Ignore], ctx: RevisionContext) -> Iterator[Finding]:  # noqa: ARG002
        """Judges the suppressions of one migration, after all else has been judged."""
        yield from ()

    @property
    def documentation(self) -> str:
        return inspect.cleandoc(type(self).__doc__ or "")

    @property
    def safe_form(self) -> str:
        """`help` as text, its placeholders as `<name>`."""
        return re.sub(r"\{(\w+)\}", r"<\1>", inspect.cleandoc(self.help))

    @property
    def about(self) -> tuple[str, ...]:
        """Its facts in words, a line each."""
        lock = (f"Lock: {self.lock}: {self.lock.waits}",) if self.lock is not None else ()
        choice = ("Opt-in: it runs only where its name is selected",) if self.opt_in else ()
        fix = (f"Fix: {self.fix.description}",) if self.fix is not None else ()
        levels = f"Judged on: {', '.join(self.levels) or 'the ignores'}"
        return (f"Family: {self.family}", f"Severity: {self.severity}", levels, *lock, *choice, *fix)

    @property
    def info(self) -> RuleInfo:
        """What reports tell about it."""
        return RuleInfo(self.name, self.family, self.severity, self.documentation, self.safe_form)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels that the rule overrides."""
        checks = _overridden(type(self)) | ({"check_trace"} if self.runs_downgrade else set())
        return tuple(level for level in _LEVELS if f"check_{level}" in checks)

    @property
    def runs_downgrade(self) -> bool:
        return "check_downgrade" in _overridden(type(self))

    def holds_in_production(self, statement: Statement, ctx: RevisionContext) -> bool:  # noqa: ARG002
        """Whether production does what the shadow does; where it may not, the trace refutes nothing."""
        return True

    def finding(
        self, statement: Statement, message: str, /, *, instead: str | None = None, **names: object
    ) -> Finding:
        """A finding about a statement; `names` fill the placeholders of `help`, or of the safe form `instead`."""
        return Finding(
            self.name,
            self.severity,
            statement.location,
            message,
            revision=statement.revision.id or None,
            sql=statement.sql,
            waits=self.lock.waits if self.lock and self.lock >= LockMode.SHARE else None,
            help=self._help(names, instead),
            fix=self.fix,
            frames=statement.frames,
        )

    def finding_at(
        self, revision: Revision, node: ast.stmt | ast.expr | int, message: str, /, **names: object
    ) -> Finding:
        """A finding about a place in the file: a node of its tree, or a line."""
        if isinstance(node, int):
            location = Location(revision.path, node, node)
        else:
            location = Location(revision.path, node.lineno, node.end_lineno)
        return Finding(
            self.name, self.severity, location, message, revision=revision.id or None, help=self._help(names)
        )

    def _help(self, names: dict[str, object], instead: str | None = None) -> str:
        known = defaultdict(lambda: "...", {key: str(value) for key, value in names.items()})
        return inspect.cleandoc(instead or self.help).format_map(known)


_LEVELS: tuple[Level, ...] = ("graph", "source", "statement", "trace")


def _overridden(kind: type[Rule]) -> set[str]:
    parents = kind.__mro__[: kind.__mro__.index(Rule)]
    return {name for parent in parents for name in vars(parent)}
