"""Migration sources in every style they are found in, built so that the ids in them are known."""

from __future__ import annotations

import dataclasses

from hypothesis import strategies as st


@dataclasses.dataclass(frozen=True, slots=True)
class Style:
    """How one migration is written; none of it changes what the migration says."""

    newline: str
    encoding: str
    bom: bool
    quote: str
    prefix: str
    annotated: bool
    container: str
    concatenated: bool
    docstring: str
    same_line: bool
    comment: str

    def text(self, name: str, old: frozenset[str]) -> str:
        """The literal for an id; of a concatenated one that is not `old` the later part is empty."""
        if not self.concatenated:
            return f"{self.prefix}{self.quote}{name}{self.quote}"
        first, second = (name[:3], name[3:]) if name in old else (name, "")
        return (
            f"({self.prefix}{self.quote}{first}{self.quote}  # é's part\n"
            f"    {self.quote}{second}{self.quote})"
        )

    def assign(self, field: str, value: str) -> str:
        before = '_ = "é\x0c"; ' if self.same_line else ""
        annotation = ": Union[str, Sequence[str], None]" if self.annotated else ""
        return f"{before}{field}{annotation} = {value}{self.comment}\n"

    def several(self, names: tuple[str, ...], old: frozenset[str]) -> str:
        texts = [self.text(name, old) for name in names]
        if not texts:
            return "None"
        if self.container == "plain" and len(texts) == 1:
            return texts[0]
        opening, closing = "[]" if self.container == "list" else "()"
        return f"{opening}{''.join(f'{text}, ' for text in texts)}{closing}"


@dataclasses.dataclass(frozen=True, slots=True)
class Ids:
    """The ids that a migration names."""

    own: str
    down: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()


def render(style: Style, ids: Ids, *, mentions: Ids | None = None, message: str = "Add é") -> bytes:
    """The file; `mentions` are the ids in its body, where they are no ids, and default to `ids`.

    Given `mentions`, the rest is written as renaming `mentions` to `ids` has to write it.
    """
    body = mentions or ids
    old = frozenset((body.own, *body.down, *body.depends_on, *body.replaces))
    parts = [
        f"# -*- coding: {style.encoding} -*-\n" if style.encoding != "utf-8" else "",
        _docstring(style, ids, message),
        "\x0c\nimport sqlalchemy as sa\n",
        style.assign("revision", style.text(ids.own, old)),
        style.assign("down_revision", style.several(ids.down, old)),
        style.assign("depends_on", style.several(ids.depends_on, old)),
        style.assign("replaces", style.several(ids.replaces, old)),
        _body(body),
    ]
    text = "".join(parts).replace("\n", style.newline)
    return (b"\xef\xbb\xbf" if style.bom else b"") + text.encode(style.encoding)


def _docstring(style: Style, ids: Ids, message: str) -> str:
    if style.docstring == "none":
        return ""
    down = ", ".join(ids.down) or "None"
    labels = f"Revision ID: {ids.own}\nRevises: {down}\nCreate Date: 2024-01-02 03:04:05\n\n"
    return f'"""{message if style.docstring == "alembic" else ""}\n\n{labels}"""\n'


def _body(ids: Ids) -> str:
    lines = [f"# Revises: {ids.own}\n", f'note = """\nRevision ID: {ids.own}\n"""\n', "def upgrade():\n"]
    for name in (ids.own, *ids.down, *ids.depends_on, *ids.replaces):
        lines += [
            f'    op.create_index("ix_{name}_users", "users", [{name!r}])  # after {name}\n',
            f"    op.execute(\"UPDATE t SET id = '00000234-{name}-1'\")\n",
            f"    revision = down_revision = {name!r}\n",
        ]
    return "".join(lines)


@st.composite
def styles(draw: st.DrawFn) -> Style:
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "latin-1"]))
    return Style(
        newline=draw(st.sampled_from(["\n", "\r\n", "\r"])),
        encoding=encoding,
        bom=encoding == "utf-8" and draw(st.booleans()),
        quote=draw(st.sampled_from(['"', "'", '"""', "'''"])),
        prefix=draw(st.sampled_from(["", "", "r", "u", "R"])),
        annotated=draw(st.booleans()),
        container=draw(st.sampled_from(["plain", "tuple", "list"])),
        concatenated=draw(st.booleans()),
        docstring=draw(st.sampled_from(["none", "alembic", "flask"])),
        same_line=draw(st.booleans()),
        comment=draw(st.sampled_from(["", "  # was 'x' é", "  # \x0c", ";"])),
    )
