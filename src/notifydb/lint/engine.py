"""Runs the rules over the revisions that were asked about, on every level that can be had."""

from __future__ import annotations

import ast
import dataclasses
import itertools
import tokenize
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from notifydb import errors
from notifydb.findings import Finding, Report, Skipped
from notifydb.lint.context import Context, RevisionContext
from notifydb.lint.ignores import ignores_in_sql, read_ignores
from notifydb.lint.options import Options
from notifydb.lint.policy import Policy
from notifydb.lint.registry import choose, load_rules
from notifydb.lint.rule import Claim, Level, Rule
from notifydb.lint.script import Script
from notifydb.lint.sent import Sent
from notifydb.lint.sight import Seen, Sight
from notifydb.lint.sizing import scaled
from notifydb.lint.statement import Statement
from notifydb.lint.statements import statements_of
from notifydb.lint.suppress import Ignore, split
from notifydb.lint.verdict import evidence, judge
from notifydb.migrator.config import Project
from notifydb.revisions.graph import History, Revision
from notifydb.revisions.reader import parse_module
from notifydb.sql.facts import Opaque

if TYPE_CHECKING:
    from notifydb.shadow.database import Shadows

_WORK = (Claim.SCAN, Claim.REWRITE)


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """`revision`, or a script, is being judged; `number` counts from 1 to `total`."""

    revision: str
    number: int
    total: int


Listener = Callable[[Progress], None]


def lint(
    history: History,
    revisions: Sequence[str],
    project: Project,
    *,
    shadows: Shadows | None,
    scripts: Sequence[Script] = (),
    options: Options | None = None,
    no_shadow: str = "there is no server for shadow databases",
    rules: Iterable[Rule] | None = None,
    listen: Listener | None = None,
) -> Report:
    """Judges `revisions` (full ids) and `scripts`; `no_shadow` is why `shadows` is None.

    Raises ConfigurationError for unknown rule names, ShadowUnavailable when the mode is `trace` and no
    shadow can be had, MigrationFailed when the history before a revision cannot be replayed.
    """
    options = options or Options()
    known = load_rules() if rules is None else tuple(rules)
    context = Context(history, frozenset(revisions), options, project.root)
    if shadows is None and options.mode == "trace":
        raise errors.ShadowUnavailable(no_shadow)
    sight = Sight(project, history, shadows, no_shadow, options)
    run = _Run(sight, known, context)
    total = len(revisions) + len(scripts)
    if revisions or not scripts:
        run.graph()
    for number, identifier in enumerate(revisions, start=1):
        if listen:
            listen(Progress(identifier, number, total))
        run.revision(history.revisions[identifier])
    for number, script in enumerate(scripts, start=len(revisions) + 1):
        if listen:
            listen(Progress(script.name, number, total))
        run.script(script)
    return dataclasses.replace(
        run.report(), revisions_checked=len(revisions), files_checked=len({each.path for each in scripts})
    )


class _Run:
    """One lint run; collects until `report`."""

    def __init__(self, sight: Sight, known: Sequence[Rule], context: Context) -> None:
        """`known` are all rules, of which the options choose."""
        self.sight = sight
        self.rules = choose(known, context.options)
        self.families = {rule.name: rule.family for rule in known}
        self.context = context
        self.policy = Policy(self.families, context.options)
        self.findings: list[Finding] = []
        self.refuted: list[Finding] = []
        self.skipped: list[Skipped] = []
        self.judged: dict[str, frozenset[str]] = {}
        self._traced = False
        self._version: int | None = None
        self._of_graph: list[Finding] = []
        self._runs_downgrades = any(rule.runs_downgrade for rule in self.rules)

    def graph(self) -> None:
        """Judges the history as a whole; what is about no revision is told even if none was asked about."""
        found = [each for rule in self.rules for each in rule.check_graph(self.context.history, self.context)]
        self.findings += [each for each in found if each.revision is None]
        self._of_graph = [each for each in found if each.revision is not None]

    def revision(self, revision: Revision) -> None:
        """Judges one revision on all levels; after `graph`."""
        with tokenize.open(revision.path) as file:
            source = file.read()
        tree = parse_module(source, revision.path)
        seen = self.sight.of_revision(revision, tree, downgrade=self._runs_downgrades)
        self.skipped += seen.skipped
        self.judged[revision.id] = self._judged(seen.levels)
        self._version = seen.catalog.version if seen.catalog else self._version
        self._traced |= "trace" in seen.levels
        statements = statements_of(revision, seen.executions, tree)
        context = self._context(revision, source, statements, seen)
        ignores = (*read_ignores(revision.path, source, tree), *ignores_in_sql(context.statements))
        found = self._in_source(revision, tree, context)
        found += self._of_downgrade(context)
        found += [finding for finding in self._of_graph if finding.revision == revision.id]
        self._conclude(found, ignores, context, seen)

    def script(self, script: Script) -> None:
        """Judges the statements of plain SQL."""
        seen = self.sight.of_script(script)
        self.skipped += (*script.skipped, *seen.skipped)
        self._traced |= "trace" in seen.levels
        context = self._context(script.subject, script.source, script.statements(seen.executions), seen)
        self._conclude([], script.ignores(), context, seen)

    def _conclude(
        self, found: list[Finding], ignores: Sequence[Ignore], context: RevisionContext, seen: Seen
    ) -> None:
        """Judges the statements, then the suppressions; `found` is what was found without either."""
        if "trace" not in seen.levels:
            self.skipped += _opaque(context.statements)
        refuted: list[Finding] = []
        for _, sent in itertools.groupby(context.statements, key=lambda each: id(each.execution)):
            confirmed, rejected = self._judge(tuple(sent), context)
            found += confirmed
            refuted += rejected
        found = _explained(found, {rule.name for rule in self.rules if rule.claim is Claim.FAILURE})
        in_force = [ignore for ignore in ignores if ignore.holds(self.context.options.today)]
        kept, _, used = split(found, in_force, self.families)
        unneeded, _, also_used = split(refuted, in_force, self.families)
        self.findings += kept
        self.refuted += unneeded
        context = dataclasses.replace(context, used=used | also_used, judged=self._judged(seen.levels))
        self._judge_ignores(ignores, context)

    def report(self) -> Report:
        """All that was found, in the order of history and file, each once."""
        order = {identifier: number for number, identifier in enumerate(self.context.history.revisions)}

        def told(findings: Iterable[Finding]) -> tuple[Finding, ...]:
            # A loop sends one statement many times: it is one problem, told with the first.
            once = {(each.rule, each.location, each.message): each for each in reversed(list(findings))}
            kept = (self.policy.weighed(each) for each in once.values() if not self.policy.is_off(each))
            return tuple(sorted(kept, key=place))

        def place(finding: Finding) -> tuple[int, str, int, str, str]:
            position = order.get(finding.revision or "", -1)
            location = finding.location
            return (position, location.path.as_posix(), location.line, finding.rule, finding.message)

        skipped = tuple(dict.fromkeys(self.skipped))
        return Report(
            told(self.findings), skipped, told(self.refuted), judged=self.judged, untraced=self._untraced(),
            rules=tuple(rule.info for rule in self.rules),
            server_version=self._version,
        )  # fmt: skip

    def _untraced(self) -> str | None:
        """Why no revision was run on a shadow; None if one was, or there was none to judge."""
        if self.sight.shadows is None:
            return self.sight.no_shadow
        reasons = [each.reason for each in self.skipped if each.level == "trace"]
        return reasons[0] if reasons and not self._traced else None

    def _context(
        self, revision: Revision, source: str, statements: Sequence[Statement], seen: Seen
    ) -> RevisionContext:
        return RevisionContext(
            self.context.history,
            self.context.scope,
            self.context.options,
            self.context.root,
            revision=revision,
            source=source,
            statements=Sent(statements),
            catalog=seen.catalog,
            known_rules=frozenset(self.families) | frozenset(self.families.values()),
            error=seen.error,
            undone=seen.undone,
        )

    def _judged(self, levels: frozenset[Level]) -> frozenset[str]:
        judged = {rule for rule in self.rules if levels.issuperset(rule.levels)}
        half_judged = {rule.family for rule in self.rules if rule not in judged}
        families = {rule.family for rule in judged} - half_judged
        return frozenset(rule.name for rule in judged) | families

    def _in_source(self, revision: Revision, tree: ast.Module, context: RevisionContext) -> list[Finding]:
        return [finding for rule in self.rules for finding in rule.check_source(revision, tree, context)]

    def _of_downgrade(self, context: RevisionContext) -> list[Finding]:
        if context.undone is None:
            return []
        found = [each for rule in self.rules for each in rule.check_downgrade(context.undone, context)]
        return [dataclasses.replace(each, source="trace", status="raised") for each in found]

    def _judge(
        self, sent: Sequence[Statement], context: RevisionContext
    ) -> tuple[list[Finding], list[Finding]]:
        """The findings about statements sent together, and the suspicions that their trace refutes."""
        found: list[Finding] = []
        refuted: list[Finding] = []
        claims: set[Claim] = set()
        for statement, rule in itertools.product(sent, self.rules):
            for finding in rule.check_statement(statement, context):
                tables = context.tables(statement)
                judged, verdict = judge(finding, rule, statement, tables)
                judged = scaled(judged, statement.trace, tables, context.options)
                if verdict == "refuted" and rule.holds_in_production(statement, context):
                    refuted.append(judged)
                else:
                    found.append(judged)
                    claims.add(rule.claim)
        return found + self._raised(sent[0], context, explained=bool(claims.intersection(_WORK))), refuted

    def _raised(self, statement: Statement, context: RevisionContext, *, explained: bool) -> list[Finding]:
        """What only the trace shows; work under a lock is told once, by the rule that knows its cause."""
        trace = statement.trace
        if trace is None:
            return []
        found = [
            scaled(evidence(finding, trace), trace, (), context.options)
            for rule in self.rules
            if not (explained and rule.claim in _WORK)
            for finding in rule.check_trace(statement, trace, context)
        ]
        return [dataclasses.replace(each, source="trace", status="raised") for each in found]

    def _judge_ignores(self, ignores: Sequence[Ignore], context: RevisionContext) -> None:
        found = [finding for rule in self.rules for finding in rule.check_ignores(ignores, context)]
        in_force = [ignore for ignore in ignores if ignore.holds(self.context.options.today)]
        self.findings += split(found, in_force, self.families)[0]


def _opaque(statements: Sequence[Statement]) -> list[Skipped]:
    """Code that nobody can judge without running it."""
    return [
        Skipped(
            f"{each.revision.id}: line {each.location.line}",
            "statement",
            f"what {fact.command.upper()} does, only running it can tell",
        )
        for each in statements
        for fact in each.each(Opaque)
    ]


def _explained(found: list[Finding], failures: set[str]) -> list[Finding]:
    """That it failed is left out where a rule says why."""
    if not any(each.rule in failures and each.source == "static" for each in found):
        return found
    return [each for each in found if not (each.rule in failures and each.source == "trace")]
