"""Send each row of a job once.

Revision ID: 0074_job_row_number
Revises: 0073_contact_lists
Create Date: 2020-04-02 09:25:37.586006

"""

import sqlalchemy as sa
from alembic import op

revision = "0074_job_row_number"
down_revision = "0073_contact_lists"

UNIQUE = "uq_notifications_job_id_job_row_number"


def upgrade() -> None:
    for table in ("notifications", "notification_history"):
        op.add_column(table, sa.Column("job_row_number", sa.Integer(), nullable=True))
    op.create_unique_constraint(UNIQUE, "notifications", ["job_id", "job_row_number"])
    op.drop_index("ix_notifications_job_id", "notifications")


def downgrade() -> None:
    op.create_index("ix_notifications_job_id", "notifications", ["job_id"])
    op.drop_constraint(UNIQUE, "notifications", type_="unique")
    for table in ("notification_history", "notifications"):
        op.drop_column(table, "job_row_number")
