"""A small project whose migrations lint finds something in, and the plan that mends them."""

from __future__ import annotations

from typing import Literal

from conftest import SmallProject
from notifydb.findings import Report
from notifydb.fixes.mending import Mended, mend_all
from notifydb.fixes.plan import Plan, Workshop, mend, plan
from notifydb.fixes.prove import Prover
from notifydb.lint.engine import lint
from notifydb.lint.options import Options
from notifydb.revisions.reader import read_history
from notifydb.shadow.database import Shadows

TEMPLATE = '''\
"""${message}"""

from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade():
    ${upgrades}


def downgrade():
    ${downgrades}
'''
#: What the migrations below stand on.
USERS = """
op.create_table("organizations", sa.Column("id", sa.Integer, primary_key=True))
op.create_table(
    "users",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("email", sa.Text),
    sa.Column("logins", sa.Integer),
    sa.Column("organization_id", sa.Integer),
)
op.create_index("ix_users_email", "users", ["email"])
"""
DROP_USERS = """
op.drop_table("users")
op.drop_table("organizations")
"""


class Fixing:
    """Fixes what lint finds in all migrations but the first."""

    def __init__(self, small: SmallProject, upgrade: str, downgrade: str = "pass", **options: object) -> None:
        """The second migration of the project has these bodies."""
        self.small = small
        self.options = options
        (small.project.script_location / "script.py.mako").write_text(TEMPLATE)
        small.add("0001_users", USERS, DROP_USERS, down="None")
        path = small.project.versions / "0001_users.py"
        path.write_text(path.read_text().replace("'None'", "None"))
        self.path = small.add("0002_change", upgrade, downgrade, down="0001_users")

    def report(self, mode: Literal["static", "trace"] = "static", url: str = "") -> Report:
        history = read_history(self.small.project.versions)
        options = Options(mode=mode, **self.options)  # type: ignore[arg-type]
        revisions = [each for each in history.revisions if each != "0001_users"]
        shadows = Shadows(url, self.small.project, history) if url else None
        return lint(history, revisions, self.small.project, shadows=shadows, options=options)

    def workshop(self) -> Workshop:
        history = read_history(self.small.project.versions)
        version = self.options.get("target_version")
        assert version is None or isinstance(version, int)
        return Workshop(self.small.project, history, frozenset({"0001_users"}), target_version=version)

    def planned(self) -> Plan:
        """The plan for what is found without a database; nothing is proved."""
        workshop = self.workshop()
        found = [each for each in self.report().findings if each.fix and each.fix.rewrite]
        return plan([mend(each, workshop) for each in found], workshop)

    def mended(self, url: str) -> Mended:
        """What is proved on the server."""
        workshop = self.workshop()
        shadows = Shadows(url, workshop.project, workshop.history)
        options = Options(mode="trace", **self.options)  # type: ignore[arg-type]
        report = self.report("trace", url)
        return mend_all(Prover(workshop, shadows, options, report), report.findings)
