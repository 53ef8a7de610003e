"""What rules may ask: questions of the domain, answered from the catalog where there is one."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from notifydb.lint.catalog import Catalog
from notifydb.lint.options import Options
from notifydb.lint.sent import AnyFact, Sent
from notifydb.lint.statement import Statement
from notifydb.lint.suppress import Ignore
from notifydb.revisions.graph import History, Revision
from notifydb.sql import facts
from notifydb.sql.facts import Relation
from notifydb.sql.locks import Lock, LockMode, locks_of
from notifydb.sql.volatility import VOLATILE

if TYPE_CHECKING:
    from notifydb.lint.undo import Undone


@dataclasses.dataclass(frozen=True, slots=True)
class Context:
    """The run: the history, the ids that were asked about, the options, and the project's root."""

    history: History
    scope: frozenset[str]
    options: Options
    root: Path

    def is_application(self, module: str) -> bool:
        """Whether a module, by its dotted name, is one of the project's own.

        A migrations folder may be called like the package `alembic`, which hides it.
        """
        name = module.split(".", 1)[0]
        if name in ("alembic", "sqlalchemy"):
            return False
        tops = (self.root / name, self.root / "src" / name)
        return any(top.with_suffix(".py").is_file() or any(top.glob("*.py")) for top in tops)


@dataclasses.dataclass(frozen=True, slots=True)
class RevisionContext(Context):
    """One revision of the run.

    `source` is its text, `statements` what it sends in order, `catalog` the database before it (None
    without a shadow). `used` are the ignores that silenced something; `judged` the rules, and the families
    all of whose rules, could run on every level they have, so that an ignore for another is not called
    unused. `known_rules` are the names of all rules and families. `error` is why the
    migration failed where no statement is to blame; `undone` is what came of its downgrade, None if that
    was not run or refused on purpose.
    """

    revision: Revision
    source: str = ""
    statements: Sent = dataclasses.field(default_factory=Sent)
    catalog: Catalog | None = None
    used: frozenset[Ignore] = frozenset()
    judged: frozenset[str] = frozenset()
    known_rules: frozenset[str] = frozenset()
    error: str | None = None
    undone: Undone | None = None
    taken: dict[int, list[tuple[Statement, Lock]]] = dataclasses.field(default_factory=dict, repr=False)

    @property
    def version(self) -> int | None:
        """The major version of Postgres to judge for: production's, else the shadow's; None: any."""
        if self.options.target_version is not None:
            return self.options.target_version
        return self.catalog.version if self.catalog else None

    @property
    def is_like_production(self) -> bool:
        """Whether the shadow, where there is one, is of the version to judge for."""
        return self.catalog is None or self.catalog.version == self.version

    def is_partitioned(self, relation: Relation) -> bool:
        """Whether the table is known to have partitions."""
        return self.catalog is not None and self.catalog.is_partitioned(relation)

    def is_new(self, relation: Relation, statement: Statement) -> bool:
        """Whether the table was made by this revision before `statement`: then nobody else waits for it."""
        original = self.original(relation, statement)
        if self.catalog is not None and self.catalog.relations and original not in self.catalog:
            return True
        return relation.key in self._created(statement)

    def original(self, relation: Relation, statement: Statement) -> Relation:
        """The name that the table had before this revision renamed it: the one that catalog and trace know."""
        for fact in reversed(list(self.facts_before(statement, facts.RenameTable))):
            if fact.target.key == relation.key:
                relation = fact.relation
        return relation

    def is_small(self, relation: Relation) -> bool:
        """Whether production is known to have too few rows for a lock to matter."""
        size = self.options.size_of(relation)
        return size is not None and size.rows < self.options.small_table_rows

    def is_busy(self, relation: Relation, statement: Statement) -> bool:
        """Whether a lock on the table matters: it was there before and is not known to be small."""
        return not self.is_new(relation, statement) and not self.is_small(self.original(relation, statement))

    def earlier(self, statement: Statement) -> Iterator[Statement]:
        """The statements before `statement` in its transaction; none when it runs outside of any."""
        transaction = statement.execution.transaction
        if transaction is not None:
            for each in self.statements.of_transaction(transaction):
                if each.index >= statement.index:
                    return
                yield each

    def before(self, statement: Statement) -> Sequence[Statement]:
        """All statements of the revision before `statement`."""
        return self.statements[: statement.index]

    def facts_before(self, statement: Statement, *kinds: type[AnyFact]) -> Iterator[AnyFact]:
        """The facts of these kinds of all statements before it, in order."""
        return (fact for _, fact in self.statements.facts_before(statement, *kinds))

    def earlier_facts(self, statement: Statement, kind: type[AnyFact]) -> Iterator[tuple[Statement, AnyFact]]:
        """Those of the statements before it in its transaction, each with its statement."""
        transaction = statement.execution.transaction
        for each, fact in self.statements.facts_before(statement, kind):
            if transaction is not None and each.execution.transaction == transaction:
                yield each, fact

    def held(self, statement: Statement, at_least: LockMode) -> Iterator[tuple[Statement, Lock]]:
        """The documented locks of that strength on busy tables that its transaction already holds."""
        transaction = statement.execution.transaction
        if transaction is not None:
            for each, lock in self._taken_by(transaction):
                if each.index >= statement.index:
                    return
                if lock.mode >= at_least and self.is_busy(lock.relation, statement):
                    yield each, lock

    def holds(self, statement: Statement, relation: Relation, at_least: LockMode) -> bool:
        """Whether its transaction already holds a lock of that strength on the table."""
        transaction = statement.execution.transaction
        return transaction is not None and any(
            lock.relation.key == relation.key and lock.mode >= at_least and each.index < statement.index
            for each, lock in self._taken_by(transaction)
        )

    def _taken_by(self, transaction: int) -> list[tuple[Statement, Lock]]:
        """Each lock of the transaction where it is taken first: what is weaker after it changes nothing."""
        if transaction not in self.taken:
            strongest: dict[tuple[str, str], LockMode] = {}
            found = self.taken[transaction] = []
            for each in self.statements.of_transaction(transaction):
                for lock in self.locks(each):
                    if lock.mode > strongest.get(lock.relation.key, 0):
                        strongest[lock.relation.key] = lock.mode
                        found.append((each, lock))
        return self.taken[transaction]

    def locks(self, statement: Statement) -> Iterator[Lock]:
        """The documented locks of a statement, on tables that only the catalog knows of, too."""
        for fact in statement.facts:
            yield from locks_of(fact)
            yield from (Lock(table, LockMode.ACCESS_EXCLUSIVE) for table in self.referenced(fact))
            if isinstance(fact, facts.DropIndex) and not fact.concurrently:
                table = self.table_of_index(fact.index, statement)
                yield from [Lock(table, LockMode.ACCESS_EXCLUSIVE)] if table else []

    def referenced(self, fact: facts.Fact) -> tuple[Relation, ...]:
        """The tables at the other end of the foreign keys that go with the fact: locked like its own.

        Measured on PostgreSQL 15, 16 and 18 for DROP of the table, the constraint and the column.
        """
        if self.catalog is None or not isinstance(fact, _DROPS):
            return ()
        found: set[tuple[str, str]] = set()
        for (key, name), entry in self.catalog.constraints.items():
            if entry.references is None or entry.references.key == key:
                continue
            if fact.relation.key == key and _drops(fact, name, entry.columns):
                found.add(entry.references.key)
            elif fact.relation.key == entry.references.key and getattr(fact, "cascade", False):
                found.add(key)
        return tuple(Relation(name, schema) for schema, name in sorted(found))

    def is_volatile(self, functions: Iterable[str]) -> bool:
        """Whether one of the functions gives a new value for each row; the shadow knows, names suggest."""
        if self.catalog is None:
            return any(name in VOLATILE for name in functions)
        own = {name for name in functions if name not in self.catalog.functions}
        return any(name in self.catalog.volatile for name in functions) or any(
            name in VOLATILE for name in own
        )

    def table_of_index(self, index: Relation, statement: Statement) -> Relation | None:
        """The table that an index is on; None where neither catalog nor revision tells."""
        for fact in reversed([*self.facts_before(statement, facts.CreateIndex)]):
            if fact.index == index.name and fact.relation.key[0] == index.key[0]:
                return fact.relation
        entry = self.catalog.indexes.get(index.key) if self.catalog else None
        return entry.table if entry else None

    def nullable_of_index(self, index: Relation, statement: Statement) -> tuple[str, ...]:
        """The index's columns that the catalog has as nullable."""
        table = self.table_of_index(index, statement)
        if self.catalog is None or table is None:
            return ()
        made = self.facts_before(statement, facts.CreateIndex)
        columns = [fact.columns for fact in made if fact.index == index.name]
        entry = self.catalog.indexes.get(index.key)
        found = columns[-1] if columns else entry.columns if entry else ()
        entries = self.catalog.columns.get(table.key, {})
        return tuple(each for each in found if each in entries and not entries[each].not_null)

    def tables(self, statement: Statement) -> tuple[Relation, ...]:
        """The tables that the statement acts on, for an index the one that it is on."""
        indexes = {fact.index for fact in statement.each(facts.DropIndex)}
        reindexed = (fact for fact in statement.each(facts.Reindex) if fact.kind == "index")
        indexes |= {fact.relation for fact in reindexed if fact.relation is not None}
        found = [
            self.table_of_index(each, statement) if each in indexes else each for each in statement.relations
        ]
        for fact in statement.each(facts.AlterDomain):
            found += self.tables_of_domain(fact.domain)
        return tuple(self.original(each, statement) for each in found if each is not None)

    def tables_of_domain(self, domain: Relation) -> tuple[Relation, ...]:
        """The tables that have a column of the domain, as far as the catalog knows."""
        return self.catalog.domain_tables.get(domain.key, ()) if self.catalog else ()

    def proved_not_null(self, relation: Relation, column: str, statement: Statement) -> bool:
        """Whether a validated constraint says that the column has no nulls: SET NOT NULL then skips its scan.

        A validated CHECK does since Postgres 12, a NOT NULL constraint in Postgres 18.
        """
        if self._proved_here(relation, column, statement):
            return True
        original = self.original(relation, statement)
        return not self._is_changed(relation, column, statement) and self._proved_in_catalog(original, column)

    def _is_changed(self, relation: Relation, column: str, statement: Statement) -> bool:
        """Whether the catalog's column of that name is not the one that has it by now, or may be null by now."""
        return any(
            getattr(fact, "relation", relation).key == relation.key
            and column in (getattr(fact, "column", None), getattr(fact, "new_name", None))
            for fact in self.facts_before(statement, *_CHANGES_OF_COLUMNS)
        )

    def _proved_in_catalog(self, relation: Relation, column: str) -> bool:
        if self.catalog is None:
            return False
        test = re.compile(rf'\(\(?"?{re.escape(column)}"? IS NOT NULL\)?', re.IGNORECASE)
        null = re.compile(rf'^NOT NULL "?{re.escape(column)}"?( |$)', re.IGNORECASE)
        return any(
            entry.validated and bool((test if entry.kind == "c" else null).search(entry.definition))
            for (key, _), entry in self.catalog.constraints.items()
            if key == relation.key and entry.kind in ("c", "n") and " OR " not in entry.definition
        )

    def _proved_here(self, relation: Relation, column: str, statement: Statement) -> bool:
        """CHECK ... NOT VALID and VALIDATE earlier in the same revision."""
        validated = {
            fact.name
            for fact in self.facts_before(statement, facts.ValidateConstraint)
            if fact.relation.key == relation.key
        }
        added = (
            fact
            for fact in self.facts_before(statement, facts.AddConstraint)
            if fact.relation.key == relation.key and (not fact.not_valid or fact.name in validated)
        )
        return any(
            column in fact.proves_not_null
            or (fact.kind is facts.ConstraintKind.NOT_NULL and column in fact.columns)
            for fact in added
        )

    def _created(self, statement: Statement) -> set[tuple[str, str]]:
        created: set[tuple[str, str]] = set()
        for fact in self.facts_before(statement, facts.CreateTable, facts.RenameTable):
            if isinstance(fact, facts.CreateTable):
                created.add(fact.relation.key)
            elif isinstance(fact, facts.RenameTable) and fact.relation.key in created:
                created.add(fact.target.key)
        return created


_CHANGES_OF_COLUMNS = (facts.AddColumn, facts.DropColumn, facts.RenameColumn, facts.DropNotNull)
_DROPS = (facts.DropTable, facts.DropConstraint, facts.DropColumn)


def _drops(fact: facts.Fact, name: str, columns: Sequence[str]) -> bool:
    """Whether a constraint of the fact's table goes with it."""
    if isinstance(fact, facts.DropConstraint):
        return fact.name == name
    return isinstance(fact, facts.DropTable) or (
        isinstance(fact, facts.DropColumn) and fact.column in columns
    )
