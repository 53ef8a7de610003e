"""Seed the invitation to an organization and the note about going live.

Revision ID: 0117_organization_templates
Revises: 0116_daily_counts
Create Date: 2025-07-10 15:18:04.926523

"""

import datetime
import uuid

import sqlalchemy as sa
from alembic import op

revision = "0117_organization_templates"
down_revision = "0116_daily_counts"

SERVICE_ID = uuid.UUID("3c068010-5bfe-4bca-bf39-33b43a52ed7f")
USER_ID = uuid.UUID("87c3f76d-2c3b-4134-b67e-c60bc78ff758")
TEMPLATES = {
    uuid.UUID("a6b448bb-6dd7-4f3f-a373-522c5b9381fd"): (
        "Invitation to an organization",
        "((user_name)) invites you to ((organization_name))",
        "See its services here: ((url))",
    ),
    uuid.UUID("095e0fcc-905b-44bf-bb89-779e5a38b7e4"): (
        "A service went live",
        "((service_name)) is live",
        "Dear ((name)),\n\nyour service can now write to anybody.",
    ),
}


def _table(name: str) -> sa.TableClause:
    return sa.table(
        name,
        sa.column("id", sa.Uuid),
        sa.column("version", sa.Integer),
        sa.column("name", sa.String),
        sa.column("template_type", sa.Enum("sms", "email", name="template_type")),
        sa.column("subject", sa.String),
        sa.column("content", sa.String),
        sa.column("archived", sa.Boolean),
        sa.column("hidden", sa.Boolean),
        sa.column("process_type", sa.String),
        sa.column("service_id", sa.Uuid),
        sa.column("created_by_id", sa.Uuid),
        sa.column("created_at", sa.DateTime),
    )


def upgrade() -> None:
    rows = [
        {
            "id": key,
            "version": 1,
            "name": name,
            "template_type": "email",
            "subject": subject,
            "content": content,
            "archived": False,
            "hidden": False,
            "process_type": "normal",
            "service_id": SERVICE_ID,
            "created_by_id": USER_ID,
            "created_at": datetime.datetime.fromisoformat("2025-07-10"),
        }
        for key, (name, subject, content) in TEMPLATES.items()
    ]
    for name in ("templates", "templates_history"):
        op.bulk_insert(_table(name), rows)


def downgrade() -> None:
    for name in ("templates_history", "templates"):
        table = _table(name)
        op.execute(table.delete().where(table.c.id.in_(list(TEMPLATES))))
