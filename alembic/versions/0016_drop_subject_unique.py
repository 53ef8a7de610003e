"""Let two templates have the same subject.

Revision ID: 0016_drop_subject_unique
Revises: 0015_rename_notify_service
Create Date: 2017-04-11 11:52:00.126704

"""

from alembic import op

revision = "0016_drop_subject_unique"
down_revision = "0015_rename_notify_service"


def upgrade() -> None:
    op.drop_constraint("uq_templates_subject", "templates", type_="unique")


def downgrade() -> None:
    op.create_unique_constraint("uq_templates_subject", "templates", ["subject"])
