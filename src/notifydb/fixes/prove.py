"""Runs the migrations as they are and as they would be on shadow databases, and compares what comes of it."""

from __future__ import annotations

import dataclasses
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from notifydb import errors
from notifydb.findings import Finding, Report, Severity
from notifydb.fixes.plan import Plan, Workshop
from notifydb.lint.engine import lint
from notifydb.lint.options import Options
from notifydb.migrator.config import Project
from notifydb.migrator.execute import downgrade, upgrade
from notifydb.postgres.catalog import Catalog, catalog_at, compare
from notifydb.postgres.connect import make_engine
from notifydb.revisions import changes
from notifydb.revisions.changes import FileChanges
from notifydb.revisions.graph import History
from notifydb.revisions.reader import read_history
from notifydb.shadow.database import Shadows

_NUMBER: Final = re.compile(r"0x[0-9a-f]+|\d+")


class NotProved(Exception):
    """What the shadow showed to be otherwise; the text is for people."""


@dataclasses.dataclass(frozen=True, slots=True)
class Prover:
    """The shadows and options of the lint run whose `report` is to be mended."""

    workshop: Workshop
    shadows: Shadows
    options: Options
    report: Report

    def prove(self, plan: Plan) -> None:
        """Raises NotProved unless the plan gives the same schema, up and down, and no new findings.

        Raises ShadowUnavailable.
        """
        parent = self._parent(plan)
        with self._bench(plan.reference) as old, self._bench(plan.changes) as new:
            try:
                before, after = old.ends(parent), new.ends(parent)
                _same(before.final, after.final, "after the upgrade")
                if not isinstance(before.back, str):
                    _same(before.back, after.back, "after the downgrade")
                if plan.added:
                    new.there_and_back(self.workshop.history.head)
                self._compare_findings(plan, old, new)
            except errors.MigrationFailed as error:
                raise NotProved(error.message) from error

    def _parent(self, plan: Plan) -> str | None:
        first = next(each for each in self.workshop.history.ordered() if each.id in plan.mended)
        return first.down_revisions[0] if first.down_revisions else None

    def _compare_findings(self, plan: Plan, old: _Bench, new: _Bench) -> None:
        """What is mended is gone, and nothing has come."""
        known = Counter(_key(each) for each in self.report.findings)
        if plan.reference:
            known |= Counter(_key(each) for each in old.judge(plan.mended, self.options).findings)
        found = new.judge((*plan.mended, *(each.revision for each in plan.added)), self.options)
        for each in plan.mends:
            known[_key(each.finding)] -= 1
        for key, count in Counter(map(_key, found.findings)).items():
            if count > known[key] and key[1] is not Severity.INFO:
                message = next(each.message for each in found.findings if _key(each) == key)
                raise NotProved(f"{key[0]} would be found then: {message}")

    @contextmanager
    def _bench(self, planned: FileChanges) -> Iterator[_Bench]:
        """The migrations with these changes, in a folder of their own; the project's where nothing changes."""
        workshop = self.workshop
        if not planned:
            yield _Bench(workshop.project, workshop.history, self.shadows, workshop.head_file)
            return
        with tempfile.TemporaryDirectory(prefix="notifydb-fix-") as folder:
            copy = Path(folder) / workshop.project.script_location.name
            shutil.copytree(
                workshop.project.script_location, copy,
                ignore=shutil.ignore_patterns("__pycache__"), ignore_dangling_symlinks=True,
            )  # fmt: skip
            changes.apply(_moved(planned, workshop.project.script_location, copy))
            project = dataclasses.replace(workshop.project, script_location=copy)
            history = read_history(project.versions)
            shadows = Shadows(self.shadows.url, project, history, keep=self.shadows.keep)
            head_file = workshop.head_file and copy / workshop.head_file.name
            yield _Bench(project, history, shadows, head_file)


@dataclasses.dataclass(frozen=True, slots=True)
class _Ends:
    """The catalog at the head, and after the way back to the parent, or why there is none."""

    final: Catalog
    back: Catalog | str


@dataclasses.dataclass(frozen=True, slots=True)
class _Bench:
    """A history to try things on."""

    project: Project
    history: History
    shadows: Shadows
    head_file: Path | None

    def ends(self, parent: str | None) -> _Ends:
        with self.shadows.at(self.history.head) as url:
            final = catalog_at(url)
            try:
                downgrade(make_engine(url), self.project, parent or "base", history=self.history)
            except errors.MigrationFailed as error:
                return _Ends(final, error.message)
            return _Ends(final, catalog_at(url))

    def there_and_back(self, lower: str | None) -> None:
        """Down to `lower` and up again gives what was there."""
        with self.shadows.at(self.history.head) as url:
            before = catalog_at(url)
            try:
                downgrade(make_engine(url), self.project, lower or "base", history=self.history)
            except errors.MigrationFailed as error:
                if isinstance(error.__cause__, NotImplementedError):
                    return
                raise
            upgrade(make_engine(url), self.project, self.history.head or "heads", history=self.history)
            _same(before, catalog_at(url), "after down and up again")

    def judge(self, revisions: Sequence[str], options: Options) -> Report:
        options = dataclasses.replace(options, mode="trace", head_file=self.head_file)
        return lint(self.history, revisions, self.project, shadows=self.shadows, options=options)


def _moved(planned: FileChanges, old: Path, new: Path) -> FileChanges:
    """The same changes in a copy of the folder."""

    def there(path: Path | None) -> Path | None:
        return path and new / path.relative_to(old)

    moved = (dataclasses.replace(each, old=there(each.old), new=there(each.new)) for each in planned.changes)
    return FileChanges(new / planned.versions.relative_to(old), tuple(moved))


def _same(expected: Catalog, actual: Catalog | str, when: str) -> None:
    if isinstance(actual, str):
        raise NotProved(f"there would be no way back any more: {actual}")
    for each in compare(expected, actual):
        raise NotProved(f"{each.kind} {each.name} would be {each.what} {when}")


def _key(finding: Finding) -> tuple[str, Severity, str]:
    """What two mentions of one finding share: lines move, and what is measured differs from run to run."""
    return (finding.rule, finding.severity, _NUMBER.sub("", finding.sql or finding.message))
