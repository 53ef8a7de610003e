"""A rule's examples: what it finds and what it accepts, as whole small projects that are really run."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

#: The schema that examples start from, unless they bring their own.
BASELINE: Final = """
op.create_table(
    "organizations",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
)
op.create_table(
    "users",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("email", sa.Text),
    sa.Column("name", sa.String(50)),
    sa.Column("logins", sa.Integer),
    sa.Column("organization_id", sa.Integer),
)
op.create_index("ix_users_email", "users", ["email"])
"""

_TEMPLATE: Final = '''\
"""{title}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
{imports}
revision = "{revision}"
down_revision = {down_revision}


def upgrade():
{upgrade}


def downgrade():
{downgrade}
'''


@dataclasses.dataclass(frozen=True, slots=True)
class Example:
    """A migration under judgement: the bodies of its functions.

    `before` are the bodies of earlier migrations, `files` whole further files of the versions folder by
    name, `application` files below the project's root. `revision` is the migration's id; the file is named
    after it unless `file` says otherwise. `options` are those of `Options` that it is judged with.
    `trace_only`: without a database a bad example is not found, and a good one is suspected. `since` is the
    major version of Postgres that knows the statement.
    """

    upgrade: str
    downgrade: str = 'raise NotImplementedError("the data is gone")'
    before: tuple[str, ...] = (BASELINE,)
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)
    application: Mapping[str, str] = dataclasses.field(default_factory=dict)
    imports: str = ""
    revision: str | None = None
    file: str | None = None
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    trace_only: bool = False
    since: int = 0

    @property
    def code(self) -> str:
        """What is judged, to be read: the body of `upgrade()`, and the files beside it."""
        beside = {**self.files, **self.application}
        files = [f"# {name}\n{textwrap.dedent(text).strip() or '(empty)'}" for name, text in beside.items()]
        return "\n\n".join(filter(None, [textwrap.dedent(self.upgrade).strip(), *files]))

    def write(self, root: Path) -> str:
        """Writes a project with `migrations/versions` below `root`; returns the id of the one to judge."""
        versions = root / "migrations" / "versions"
        versions.mkdir(parents=True)
        ids = [f"{number:04d}_before" for number in range(1, len(self.before) + 1)]
        last = self.revision or f"{len(ids) + 1:04d}_example"
        bodies = [*((body, "pass  # kept") for body in self.before), (self.upgrade, self.downgrade)]
        for number, (upgrade, downgrade) in enumerate(bodies):
            current = [*ids, last][number]
            is_last = number == len(ids)
            name = self.file if is_last and self.file else f"{current}.py"
            source = _TEMPLATE.format(
                title=f"Migration {current}",
                imports=f"{self.imports}\n" if is_last and self.imports else "",
                revision=current,
                down_revision=repr(ids[number - 1]) if number else None,
                upgrade=_body(upgrade),
                downgrade=_body(downgrade),
            )
            (versions / name).write_text(source, encoding="utf-8")
        for name, text in self.files.items():
            (versions / name).write_text(textwrap.dedent(text), encoding="utf-8")
        for name, text in self.application.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(textwrap.dedent(text), encoding="utf-8")
        return last


def _body(text: str) -> str:
    return textwrap.indent(textwrap.dedent(text).strip("\n") or "pass", "    ")
