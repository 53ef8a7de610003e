"""Runs one migration, or a script, on shadow databases and says what it sent and what that did."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress

import psycopg
import sqlalchemy as sa

from notifydb import errors
from notifydb.findings import Skipped
from notifydb.lint import snapshot
from notifydb.lint.capture import Recorder
from notifydb.lint.catalog import Catalog, read_catalog
from notifydb.lint.fill import Filled, fill, held_by
from notifydb.lint.script import Script, Step
from notifydb.lint.sizing import SAMPLES, samples_of, with_samples
from notifydb.lint.snapshot import Sampler
from notifydb.lint.statement import Execution
from notifydb.lint.undo import Undone, undo
from notifydb.migrator.config import Project
from notifydb.migrator.execute import Event, Started, upgrade
from notifydb.migrator.frames import Frame, call_chain, entry_of
from notifydb.postgres import failures
from notifydb.postgres.catalog import Catalog as Objects
from notifydb.postgres.catalog import catalog_at
from notifydb.postgres.connect import autocommit_engine, make_engine, plain_url
from notifydb.revisions.graph import History, Revision
from notifydb.shadow.database import Shadows
from notifydb.sql.facts import ChangeRows, Relation, relation_of
from notifydb.sql.locks import LockMode
from notifydb.sql.parse import parse


@dataclasses.dataclass(frozen=True, slots=True)
class Observed:
    """What was seen of one migration or script. `error` is why it failed where no statement is to blame.

    `undone` is what came of its downgrade, None if that was not run or refused on purpose.
    """

    executions: tuple[Execution, ...]
    catalog: Catalog
    skipped: tuple[Skipped, ...] = ()
    error: str | None = None
    undone: Undone | None = None

    @property
    def went_through(self) -> bool:
        """Whether `upgrade()` did without synthetic rows."""
        failures = [each.failure for each in self.executions if each.failure]
        return self.error is None and all(each.with_rows_only or each.survived for each in failures)


def observe(
    shadows: Shadows,
    project: Project,
    revision: Revision,
    rows: int,
    *,
    downgrade: bool = False,
    large: Collection[str] = (),
) -> Observed:
    """Runs `upgrade()` twice, each time on a fresh clone of its parent's state, and maybe `downgrade()`.

    The first run shows which tables it touches; for the second those hold `rows` synthetic rows. Where the
    second one fails, the first one's traces stand in, marked as not filled. Where it works on one of the
    `large` tables (`schema.table`), more runs with more rows tell how its time grows.
    Raises ShadowUnavailable, and MigrationFailed when the history before the revision cannot be replayed.
    """
    parent = revision.down_revisions[0] if revision.down_revisions else None
    before: Objects | None = None

    def run(url: str) -> _Ran:
        nonlocal before
        if downgrade and before is None:
            before = catalog_at(url)
        return _run(url, project, shadows.history, revision)

    seen = _observe(shadows, parent, revision.id, run, rows, large, keep_as=revision.id)
    if before is None or not seen.went_through:
        return seen
    return dataclasses.replace(seen, undone=undo(shadows, project, revision, before))


def observe_script(
    shadows: Shadows, script: Script, state: str | None, rows: int, *, large: Collection[str] = ()
) -> Observed:
    """Runs a script as `observe` runs a migration, on clones of `state` (None: empty)."""
    return _observe(shadows, state, script.name, lambda url: _play(url, script), rows, large)


def _observe(
    shadows: Shadows,
    state: str | None,
    subject: str,
    run: Callable[[str], _Ran],
    rows: int,
    large: Collection[str],
    *,
    keep_as: str | None = None,
) -> Observed:
    """`subject` is how it is called; what went well without rows is kept as the state `keep_as`."""
    with shadows.at(state) as url:
        with psycopg.connect(plain_url(url), autocommit=True) as driver:
            catalog = read_catalog(driver)
        survey, error = run(url)
        surveyed = Observed(survey, catalog, error=error)
        if keep_as is not None and surveyed.went_through:
            shadows.keep_as(keep_as, url)
    touched = _touched(survey, catalog)
    if not touched:
        return surveyed
    if rows < 1:
        unjudged = Skipped(subject, "trace", "traced without rows, because none were asked for")
        return dataclasses.replace(surveyed, skipped=(unjudged,))
    with shadows.at(state) as url:
        filled = fill(plain_url(url), touched, rows)
        measured, _ = run(url)
    skipped = tuple(_unfilled(subject, each) for each in filled if each.problem)
    merged, missing = _merge(survey, measured, filled)
    samples = samples_of(merged, large)
    if samples and not missing:
        runs = []
        for _ in range(SAMPLES):
            with shadows.at(state) as url:
                held = held_by(plain_url(url), fill(plain_url(url), touched, rows, samples))
                runs.append(run(url)[0])
        merged = with_samples(merged, survey, runs, held)
    return Observed(merged, catalog, (*skipped, *_untraced(subject, missing, measured)), error)


#: CREATE INDEX CONCURRENTLY and the like; a procedure that commits.
_NOT_WITHIN_A_TRANSACTION = ("25001", "2D000")
#: The statements, and the message of an error that no statement made.
_Ran = tuple[tuple[Execution, ...], str | None]


def _run(url: str, project: Project, history: History, revision: Revision) -> _Ran:
    engine = make_engine(url, application_name="notifydb lint")
    entry = entry_of(revision.path)
    error, begun = None, False

    def origin() -> tuple[Frame, ...]:
        # What is sent before the migration begins is Alembic's.
        return call_chain(entry) if begun else ()

    def listen(event: Event) -> None:
        nonlocal begun
        begun |= isinstance(event, Started)

    recorder = _recorder(url, origin)

    with recorder.listening(engine):
        try:
            upgrade(engine, project, revision.id, history=history, listen=listen)
        except errors.MigrationFailed as failed:
            error = failed.message
    executions = tuple(_with_survival(each, error) for each in recorder.executions)
    blamed = any(each.failure and not each.failure.survived for each in executions)
    return executions, None if blamed else error


def _with_survival(execution: Execution, error: str | None) -> Execution:
    """A statement's failure is survived unless it is what the run ended with."""
    failure = execution.failure
    if failure is None or (error is not None and failure.message in error):
        return execution
    return dataclasses.replace(execution, failure=dataclasses.replace(failure, survived=True))


def _play(url: str, script: Script) -> _Ran:
    """As psql does it, up to the first statement that fails."""
    engine = autocommit_engine(url, application_name="notifydb lint")
    sending: Step | None = None
    recorder = _recorder(url, lambda: (sending.frame,) if sending and sending.is_judged else ())

    def send(text: str, step: Step | None = None) -> None:
        nonlocal sending
        sending = step
        conn.exec_driver_sql(text)

    def send_alone(step: Step) -> None:
        """What psql commits at once is begun first, so that its locks are seen; unless it refuses that."""
        send("BEGIN")
        try:
            send(step.parsed.text, step)
        except sa.exc.DBAPIError as error:
            send("ROLLBACK")
            if failures.sqlstate(error) not in _NOT_WITHIN_A_TRANSACTION:
                raise
            recorder.executions.pop()
            send(step.parsed.text, step)
        else:
            send("COMMIT")

    # What failed is among the executions.
    with recorder.listening(engine), engine.connect() as conn, suppress(sa.exc.DBAPIError):
        if script.begins_inside:
            send("BEGIN")
        for step in script.steps:
            if step.transaction is None and step.is_judged:
                send_alone(step)
            else:
                send(step.parsed.text, step)
    judged = (step for step in script.steps if step.is_judged)
    played = zip(recorder.executions, judged, strict=False)
    return tuple(dataclasses.replace(each, transaction=step.transaction) for each, step in played), None


def _recorder(url: str, origin: Callable[[], tuple[Frame, ...]]) -> Recorder:
    with psycopg.connect(plain_url(url), autocommit=True) as driver:
        return Recorder(origin, Sampler(plain_url(url)), snapshot.outside(driver))


def _touched(executions: Sequence[Execution], catalog: Catalog) -> tuple[Relation, ...]:
    """Existing tables that a statement names, locks against writers, or whose rows it reads or changes.

    For a materialized view, which cannot be filled, those that are read while it is refreshed.
    """
    found = {relation.key: relation for each in executions for relation in _named(each, catalog)}
    for trace in (each.trace for each in executions if each.trace):
        locks = [lock for lock in (*trace.locks, *trace.held) if not lock.is_index]
        refreshes = any(catalog.relations.get(lock.relation.key) == "m" for lock in trace.locks)
        for lock in locks:
            if lock.mode >= LockMode.ROW_SHARE or refreshes:
                found[lock.relation.key] = lock.relation
        for relation in (*(trace.scanned or ()), *(trace.changed or ()), *trace.dropped):
            found[relation.key] = relation
    return tuple(
        each
        for each in found.values()
        if catalog.relations.get(each.key) in ("r", "p") and each.name != "alembic_version"
    )


def _named(execution: Execution, catalog: Catalog) -> Iterator[Relation]:
    """Tables in the text: outside of a transaction the sampler may have missed their locks."""
    for fact in (fact for statement in parse(execution.sql) for fact in statement.facts):
        relation = relation_of(fact)
        if relation is not None and relation.key in catalog.indexes:
            relation = catalog.indexes[relation.key].table
        if relation is not None and catalog.relations.get(relation.key) in ("r", "p"):
            yield relation
            if isinstance(fact, ChangeRows) and fact.command == "delete":
                yield from catalog.reached_by_delete(relation)


def _merge(
    survey: Sequence[Execution], measured: Sequence[Execution], filled: Sequence[Filled]
) -> tuple[tuple[Execution, ...], int]:
    """The measured run, completed by the survey from where it failed; and how many were so completed.

    With rows in the tables a migration may well send more statements than without (it loops over them), so
    the measured run counts as long as it went through.
    """
    rows = {each.relation.key: each.rows for each in filled}
    merged = [_with_rows(each, rows) for each in measured]
    if not merged or merged[-1].failure is None or survey[-1].failure is not None:
        return tuple(merged) if merged else tuple(survey), 0
    failure = dataclasses.replace(merged[-1].failure, with_rows_only=True)
    rest = survey[len(merged) - 1 :]
    merged[-1] = dataclasses.replace(merged[-1], failure=failure)
    return (*merged, *rest[1:]), len(rest)


def _with_rows(execution: Execution, rows: Mapping[tuple[str, str], int]) -> Execution:
    if execution.trace is None:
        return execution
    return dataclasses.replace(execution, trace=dataclasses.replace(execution.trace, rows=rows, filled=True))


def _unfilled(subject: str, filled: Filled) -> Skipped:
    return Skipped(
        f"{subject}: {filled.relation}", "trace", f"not filled with synthetic rows: {filled.problem}"
    )


def _untraced(subject: str, missing: int, measured: Sequence[Execution]) -> tuple[Skipped, ...]:
    failure = measured[-1].failure if measured else None
    if not missing or failure is None:
        return ()
    reason = f"traced without rows from the statement on that failed with them ({missing}): {failure.message}"
    return (Skipped(subject, "trace", reason),)
