"""Changing ids in the source of a migration, and not one other byte."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from notifydb.errors import HistoryError, InternalError
from notifydb.revisions.reader import Declaration, declaration, parse_module, texts

# Python's own line ends; str.splitlines() knows more, and would count lines that ast does not.
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_TWO_LINES: Final = re.compile(rb"(?:[^\r\n]*(?:\r\n|\r|\n)?){2}")
_STRING: Final = re.compile(
    rb"""[A-Za-z]*(?P<quote>'''|\"\"\"|'|")(?P<body>(?:\\.|(?!(?P=quote)).)*)(?P=quote)""", re.DOTALL
)
_BETWEEN_STRINGS: Final = re.compile(rb"(?:[ \t\f\r\n]|\\(?:\r\n|\r|\n)|#[^\r\n]*)*")
_LABELLED: Final = re.compile(rb"(?:\A|(?<=[\r\n]))[ \t\f]*(Revision ID|Revises):(?P<names>[^\r\n]*)")
_NAME: Final = re.compile(rb"[^,\s](?:[^,]*[^,\s])?")
_FIELD_OF: Final = {b"Revision ID": "revision", b"Revises": "down_revision"}
_LABEL_LINE: Final = re.compile(
    rb"^[ \t\f]*(?:Revision ID|Revises|Create Date|Branch Labels|Depends on):.*\n?", re.MULTILINE
)


def rewrite(
    source: bytes, ids: Mapping[str, str], *, path: Path, parents: Mapping[str, str] | None = None
) -> bytes:
    """`source` with the ids in `ids` (old to new) exchanged where they name revisions.

    That is in the string literals assigned to `revision`, `down_revision`, `depends_on` and `replaces`, and
    on the docstring lines `Revision ID:` and `Revises:` as far as these say what the code says. `parents`
    stands in for `ids` in `down_revision` and `Revises:`, for a revision that moves to another parent.
    Raises HistoryError, naming `path`, for a source that the reader would refuse.
    """
    text, encoding = _decoded(source, path)
    module = text.encode()
    declared = declaration(parse_module(text, path), path)
    renames = {
        "revision": ids,
        "down_revision": ids if parents is None else parents,
        "depends_on": ids,
        "replaces": ids,
    }
    edits = [*_in_assignments(module, declared, renames), *_in_docstring(module, declared, renames)]
    changed = _applied(module, edits)
    _prove(changed, declared, renames, path)
    return changed.decode().encode(encoding)


def without_header(source: bytes, path: Path) -> bytes:
    """What a migration does: the source without its place in the history, and with one kind of line end.

    Its place are the values of `revision`, `down_revision` and `depends_on`, and the docstring's labelled
    lines. Raises HistoryError, naming `path`, for a source that the reader would refuse.
    """
    module = _decoded(source, path)[0].encode()
    declared = declaration(parse_module(module.decode(), path), path)
    starts = _line_starts(module)
    fields = ("revision", "down_revision", "depends_on")
    values = [declared.values[field] for field in fields if field in declared.values]
    edits = [(*_span(starts, value), b"") for value in values]
    for start, end in _bodies(module, starts, declared.docstring) if declared.docstring else ():
        edits.append((start, end, _LABEL_LINE.sub(b"", _LINE_END.sub(b"\n", module[start:end]))))
    return _LINE_END.sub(b"\n", _applied(module, edits)).rstrip()


def _decoded(source: bytes, path: Path) -> tuple[str, str]:
    """The text and the encoding that gives exactly `source` back; a BOM is part of the encoding."""
    match = _TWO_LINES.match(source)
    head = _LINE_END.sub(b"\n", match[0] if match else b"")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(head).readline)
        text = source.decode(encoding)
        exact = text.encode(encoding) == source
    except (SyntaxError, UnicodeError) as error:
        raise HistoryError(f"{path}:1: {error}", hint=f"python -m py_compile {path}") from error
    if not exact:
        raise HistoryError(
            f"{path}:1: written back as {encoding}, other bytes would change too",
            hint=f"save {path.name} as UTF-8",
        )
    return text, encoding


def _in_assignments(
    module: bytes, declared: Declaration, renames: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[int, int, bytes]]:
    starts = _line_starts(module)
    for field, names in renames.items():
        for literal in _literals(declared, field):
            new = names.get(str(literal.value))
            if new is not None:
                first, *rest = _bodies(module, starts, literal)
                yield (*first, new.encode())
                # The later parts of an implicit concatenation stay as empty strings, with their comments.
                yield from ((start, end, b"") for start, end in rest)


def _in_docstring(
    module: bytes, declared: Declaration, renames: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[int, int, bytes]]:
    if declared.docstring is None:
        return
    for start, end in _bodies(module, _line_starts(module), declared.docstring):
        for line in _LABELLED.finditer(module[start:end]):
            field = _FIELD_OF[line[1]]
            said = {str(literal.value) for literal in _literals(declared, field)}
            for name in _NAME.finditer(line["names"]):
                old = name[0].decode()
                if old in said and old in renames[field]:
                    offset = start + line.start("names")
                    yield offset + name.start(), offset + name.end(), renames[field][old].encode()


def _line_starts(module: bytes) -> list[int]:
    return [0, *(match.end() for match in _LINE_END.finditer(module))]


def _literals(declared: Declaration, field: str) -> list[ast.Constant]:
    return list(texts(declared.values.get(field)) or ())


def _span(starts: list[int], node: ast.expr) -> tuple[int, int]:
    end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
    return starts[node.lineno - 1] + node.col_offset, end


def _bodies(module: bytes, starts: list[int], literal: ast.Constant) -> Iterator[tuple[int, int]]:
    """Where the text between the quotes is, for each of the strings that make up `literal`."""
    position, end = _span(starts, literal)
    while position < end:
        match = _STRING.match(module, position, end)
        if match is None:
            raise InternalError(f"no string where the parser saw one, at byte {position}")
        yield match.span("body")
        gap = _BETWEEN_STRINGS.match(module, match.end(), end)
        position = gap.end() if gap else match.end()


def _applied(module: bytes, edits: Iterable[tuple[int, int, bytes]]) -> bytes:
    for start, end, text in sorted(edits, reverse=True):
        module = module[:start] + text + module[end:]
    return module


def _prove(changed: bytes, before: Declaration, renames: Mapping[str, Mapping[str, str]], path: Path) -> None:
    after = declaration(parse_module(changed.decode(), path), path)
    for field, names in renames.items():
        meant = [names.get(str(old.value), old.value) for old in _literals(before, field)]
        if [new.value for new in _literals(after, field)] != meant:
            raise InternalError(f"{path}: {field} did not become {meant}")
