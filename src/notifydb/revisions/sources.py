"""What a migration does, apart from how it is called and where it stands."""

from __future__ import annotations

import ast
from pathlib import Path

from notifydb.revisions import naming
from notifydb.revisions.graph import Revision
from notifydb.revisions.reader import FIELDS, parse_module


def is_same_upgrade(kept: Revision, source: bytes, here: Revision) -> bool:
    """Whether `here` does what was applied from `source`, at the same place in the history.

    `downgrade()` does not count: the file's may have been mended since.
    """
    if (kept.down_revisions, kept.depends_on) != (here.down_revisions, here.depends_on):
        return False
    now = here.path.read_bytes()
    return now == source or _body(now, here.path, "downgrade") == _body(source, kept.path, "downgrade")


def is_renamed(kept: Revision, source: bytes, here: Revision) -> bool:
    """Whether `here` is the migration that was applied from `source`, with another id or place."""
    same_words = naming.slug_of(kept.id) == naming.slug_of(here.id)
    same_birth = kept.created is not None and kept.created == here.created
    if not (same_words or same_birth):
        return False
    return _body(here.path.read_bytes(), here.path) == _body(source, kept.path)


def _body(source: bytes, path: Path, *left_out: str) -> list[str]:
    """The statements as text, without the docstring, the fields of a revision, and functions `left_out`."""
    return [
        ast.dump(each)
        for each in parse_module(source, path).body
        if not _is_text(each) and not _is_field(each) and getattr(each, "name", None) not in left_out
    ]


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_field(node: ast.stmt) -> bool:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name in FIELDS
        case _:
            return False
