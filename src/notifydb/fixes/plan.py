"""Which files change, and how, so that findings are mended: each in its place, or in a new migration after all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import libcst as cst

from notifydb.findings import Finding
from notifydb.fixes import forms
from notifydb.fixes.form import Form, Statements
from notifydb.fixes.source import (
    NotFixable,
    Operation,
    Source,
    does_something,
    in_block,
    is_refusal,
    read_source,
)
from notifydb.migrator.config import Project
from notifydb.migrator.template import Body, Declared, render
from notifydb.revisions import headfile, naming
from notifydb.revisions.changes import FileChange, FileChanges
from notifydb.revisions.graph import History, Revision

#: The migrations that are added come in this order.
_ORDER: Final = ("index", "constraint", "reindex", "validate", "drop")


@dataclasses.dataclass(frozen=True, slots=True)
class Mend:
    """One finding and the form that mends it."""

    finding: Finding
    revision: Revision
    source: Source
    operation: Operation
    form: Form


@dataclasses.dataclass(frozen=True, slots=True)
class Added:
    """A migration that is not there yet."""

    revision: str
    path: Path
    content: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """The mended revisions (ids), those that are added on top of the head, and all that changes on the disk.

    `reference` are the changes that make the old migrations run where they could not.
    """

    mends: tuple[Mend, ...]
    added: tuple[Added, ...]
    changes: FileChanges
    reference: FileChanges

    @property
    def mended(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.revision.id for each in self.mends))


@dataclasses.dataclass(frozen=True, slots=True)
class Workshop:
    """What plans are made with: `shared` are ids that others have, `target_version` is production's.

    `formatter` takes a source and its path, and gives the source as it is to be written.
    """

    project: Project
    history: History
    shared: frozenset[str]
    width: int = 4
    head_file: Path | None = None
    target_version: int | None = None
    formatter: Callable[[str, Path], str] = lambda source, _: source


def mend(finding: Finding, workshop: Workshop) -> Mend:
    """How the finding is mended; raises NotFixable with the reason why it is not."""
    fix = finding.fix
    if fix is None or fix.rewrite is None or finding.revision is None or finding.sql is None:
        raise NotFixable("it has to be mended by hand")
    revision = workshop.history.revisions[finding.revision]
    if revision.id in workshop.shared:
        raise NotFixable(
            "it is on the main branch or applied, so a change of the file would not reach those who have it"
        )
    if revision.is_merge:
        raise NotFixable("a merge stands on several states, so there is no one state to prove it on")
    source = read_source(revision.path, revision.path.read_bytes())
    operation = source.operation_at(finding.location.line)
    form = forms.form_of(fix.rewrite, source, operation, finding.sql, workshop.target_version)
    return Mend(finding, revision, source, operation, form)


def plan(mends: Sequence[Mend], workshop: Workshop) -> Plan:
    """The changes of all mends together; NotFixable where they, or the history, do not allow it."""
    changes: list[FileChange] = []
    reference: list[FileChange] = []
    parts: list[_Part] = []
    for revision in workshop.history.ordered():
        mine = [each for each in mends if each.revision.id == revision.id]
        if mine:
            edited = _edit(mine)
            changes.append(FileChange.of(revision.path, revision.path, edited.content))
            reference += edited.reference
            parts += edited.parts
    added = tuple(_added(parts, workshop))
    changes += [FileChange.of(None, each.path, each.content) for each in added]
    if added and workshop.head_file is not None:
        changes.append(headfile.change(workshop.head_file, added[-1].revision))
    versions = workshop.project.versions
    return Plan(
        tuple(mends), added, FileChanges(versions, tuple(changes)), FileChanges(versions, tuple(reference))
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Part:
    """The body of a migration that is added because of `mend`."""

    mend: Mend
    up: Statements
    down: Statements


@dataclasses.dataclass(frozen=True, slots=True)
class _Edited:
    content: bytes
    reference: tuple[FileChange, ...]
    parts: tuple[_Part, ...]


def _edit(mends: Sequence[Mend]) -> _Edited:
    """One file; nothing but its two functions changes."""
    source = mends[0].source
    ups, downs = source.statements("upgrade"), source.statements("downgrade")
    found = _by_statement(mends)
    doing = [each for each in ups if does_something(each)]
    alone = [found[id(each)] for each in doing if id(each) in found]
    stays = alone[0] if len(alone) == len(doing) and all(each.form.alone for each in alone) else None
    blocks = {id(inner) for each in ups for inner in in_block(each)}
    outside = [each for key, each in found.items() if key not in blocks or not each.form.alone]
    up = [new for each in ups for new in _up(each, found, stays)]
    content = source.with_bodies(up, list(_down(downs, outside, stays)))
    moved = [each for each in outside if each is not stays]
    return _Edited(content, tuple(_reference(source, list(found.values()))), tuple(_parts(moved)))


def _by_statement(mends: Sequence[Mend]) -> dict[int, Mend]:
    """By the identity of what they change; two findings may ask for the same form of one operation."""
    found: dict[int, Mend] = {}
    for each in mends:
        other = found.setdefault(id(each.operation.statement), each)
        if other.form.suffix != each.form.suffix:
            raise NotFixable("another finding asks for another form of this operation")
    return found


def _up(statement: cst.BaseStatement, mends: Mapping[int, Mend], stays: Mend | None) -> Statements:
    mend = mends.get(id(statement))
    if mend is not None:
        return mend.form.later if mend is stays else mend.form.here
    if not any(id(each) in mends for each in in_block(statement)):
        return (statement,)
    assert isinstance(statement, cst.With)
    inside = [new for each in in_block(statement) for new in _inside(each, mends.get(id(each)))]
    return (statement.with_changes(body=statement.body.with_changes(body=inside)),)


def _inside(statement: cst.BaseStatement, mend: Mend | None) -> Statements:
    """In an autocommit block, what is alone needs no block of its own."""
    if mend is None:
        return (statement,)
    if not mend.form.alone:
        return mend.form.here
    first, *rest = [inner for each in mend.form.later for inner in in_block(each) or (each,)]
    return (first.with_changes(leading_lines=mend.operation.statement.leading_lines), *rest)


def _down(statements: Statements, mends: Sequence[Mend], stays: Mend | None) -> Iterator[cst.BaseStatement]:
    """The way back of what stayed; what takes back something that had none stands first."""
    counterparts = {id(each.form.counterpart): each for each in mends if each.form.counterpart is not None}
    doing = [each for each in statements if does_something(each)]
    refuses = len(doing) == 1 and is_refusal(doing[0])
    if not refuses:
        for each in reversed(mends):
            if each.form.counterpart is None:
                yield from each.form.here_down
    for statement in statements:
        mend = counterparts.get(id(statement))
        if mend is None:
            yield statement
        elif mend is not stays:
            yield from mend.form.here_down
        else:
            yield from mend.form.later_down if len(doing) == 1 else (statement,)


def _reference(source: Source, mends: Sequence[Mend]) -> Iterator[FileChange]:
    plain = {id(each.operation.statement): each.form.reference for each in mends if each.form.reference}
    if plain:
        up = [plain.get(id(each)) or each for each in source.statements("upgrade")]
        content = source.with_bodies(up, source.statements("downgrade"))
        yield FileChange.of(source.path, source.path, content)


def _parts(mends: Sequence[Mend]) -> Iterator[_Part]:
    """One for each operation outside of a transaction; one for all that only waits for another transaction."""
    for each in mends:
        if each.form.alone:
            yield _Part(each, each.form.later, each.form.later_down)
    waiting = [each for each in mends if not each.form.alone and each.form.later]
    if waiting:
        # What is validated first is settled afterwards, under locks that are kept to the end.
        up = [each.form.later[0] for each in waiting]
        up += [statement for each in waiting for statement in each.form.later[1:]]
        down = [statement for each in reversed(waiting) for statement in each.form.later_down]
        yield _Part(waiting[0], tuple(up), tuple(down))


def _added(parts: Iterable[_Part], workshop: Workshop) -> Iterator[Added]:
    ordered = sorted(parts, key=lambda part: _ORDER.index(part.mend.form.suffix))
    if not ordered:
        return
    head = workshop.history.head
    for number, part in enumerate(ordered, start=naming.next_number(workshop.history)):
        slug = naming.slug_of(part.mend.revision.id)
        name = naming.number_slug(number, slug, workshop.width, part.mend.form.suffix).id
        path = workshop.project.versions / f"{name}.py"
        yield Added(name, path, _content(part, name, head, path, workshop))
        head = name


def _content(part: _Part, name: str, head: str | None, path: Path, workshop: Workshop) -> bytes:
    template = workshop.project.script_location / "script.py.mako"
    mended = part.mend
    imports = mended.source.imports_for([*part.up, *part.down])
    message = mended.revision.message or naming.slug_of(mended.revision.id).replace("_", " ")

    def rendered(*lines: str) -> Source:
        body = Body(imports=lines, suffix=mended.form.suffix)
        return Source(path, render(template, Declared(name, head, message, body)).encode())

    there = rendered().imports()
    source = rendered(*(line for line in imports if line not in there))
    content = source.with_bodies(_from_the_top(part.up), _from_the_top(part.down))
    return workshop.formatter(content.decode(), path).encode()


def _from_the_top(statements: Statements) -> Statements:
    """Without the empty lines above the first."""
    first, *rest = statements
    lines = list(getattr(first, "leading_lines", ()))
    while lines and lines[0].comment is None:
        del lines[0]
    return (first.with_changes(leading_lines=lines), *rest)
