"""Create the companies that deliver, with the first of them.

Revision ID: 0012_provider_details
Revises: 0011_events
Create Date: 2017-03-09 17:21:04.095028

"""

import uuid

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012_provider_details"
down_revision = "0011_events"

PROVIDERS = (
    ("6a61ba89-b21b-4825-87e2-29281af03a67", "AWS SES", "ses", "email", 10),
    ("a53a8d52-bf62-4dc3-97da-8db7a8f597de", "AWS SNS", "sns", "sms", 10),
    ("83b1e95a-1b8b-4eed-991a-005cc0110820", "Short Text Co", "shorttext", "sms", 20),
    ("18a9c7bc-b46e-4697-aaf8-11e0a86787b6", "Load test", "loadtest", "sms", 90),
    ("40647d8c-70d9-4133-83b9-6cd997111144", "Print room", "print", "letter", 10),
)


def upgrade() -> None:
    table = op.create_table(
        "provider_details",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("identifier", sa.String(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column(
            "notification_type", sa.Enum("email", "sms", "letter", name="notification_type"), nullable=False
        ),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_provider_details"),
    )
    op.bulk_insert(
        table,
        [
            {
                "id": uuid.UUID(key),
                "display_name": name,
                "identifier": identifier,
                "notification_type": kind,
                "priority": priority,
                "active": True,
            }
            for key, name, identifier, kind, priority in PROVIDERS
        ],
    )


def downgrade() -> None:
    op.drop_table("provider_details")
    op.execute("DROP TYPE notification_type")
