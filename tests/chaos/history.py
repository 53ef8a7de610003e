"""A project with a generated line of migrations: plain Alembic code, the same for the same seed."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Final

from chaos.kinds import BEGINNING, KINDS, Body, Kind, Maker, drops_on_purpose, indented, sql

_MIGRATION: Final = '''"""{revision}

Revision ID: {revision}
Revises: {down}
"""

import time

import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {down!r}
{mark}

def upgrade():
{body}


def downgrade():
    pass
'''


@dataclasses.dataclass(frozen=True, slots=True)
class Generated:
    """A project's folder, its revisions in order, and of which kind each is."""

    folder: Path
    revisions: tuple[str, ...]
    kinds: dict[str, str]

    @property
    def head(self) -> str:
        return self.revisions[-1]


def generate(folder: Path, seed: int, count: int) -> Generated:
    """Writes `count` migrations; each puts its own id into the table `applied`, at its begin or end."""
    make = Maker(seed)
    bodies: list[tuple[str, Body]] = [("beginning", BEGINNING)]
    kinds = _drawn(make, count - 1)
    for kind in kinds:
        make.number += 1
        bodies.append((kind.__name__, kind(make)))
    written: dict[str, str] = {}
    for number, (name, body) in enumerate(bodies, 1):
        revision = f"{number:04}_{name}"
        entry = sql(f"INSERT INTO applied VALUES ('{revision}')")
        is_first = number > 1 and make.random.random() < 0.5
        lines = [entry, *make.pause(), *body] if is_first else [*body, entry]
        write(folder, revision, lines, destroys=name == drops_on_purpose.__name__)
        written[revision] = name
    return Generated(folder, tuple(written), written)


def write(folder: Path, revision: str, body: Body, *, destroys: bool = False) -> None:
    """Adds a migration on top of those that are there."""
    versions = folder / "alembic" / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    (folder / "notifydb.toml").write_text('script_location = "alembic"\n')
    down = max((path.stem for path in versions.glob("*.py")), default=None)
    mark = '\ndestructive = "nobody reads it any more"\n' if destroys else ""
    text = _MIGRATION.format(revision=revision, down=down, mark=mark, body="\n".join(indented(body)))
    (versions / f"{revision}.py").write_text(text)


def _drawn(make: Maker, count: int) -> list[Kind]:
    """Every kind, and then by weight; in an order of the seed's."""
    kinds = list(KINDS)
    once = make.random.sample(kinds, min(count, len(kinds)))
    drawn = once + make.random.choices(kinds, list(KINDS.values()), k=count - len(once))
    make.random.shuffle(drawn)
    return drawn
