"""Let rows stay in the history when what they point at is gone.

Revision ID: 0087_history_without_keys
Revises: 0086_live_services_view
Create Date: 2021-07-08 10:34:53.688953

"""

from alembic import op

revision = "0087_history_without_keys"
down_revision = "0086_live_services_view"

TARGETS = {"job_id": "jobs", "service_id": "services", "api_key_id": "api_keys"}


def upgrade() -> None:
    for column, target in TARGETS.items():
        op.drop_constraint(
            f"fk_notification_history_{column}_{target}", "notification_history", type_="foreignkey"
        )


def downgrade() -> None:
    # Rows that point nowhere by now cannot stay as they are.
    op.execute(
        """
        DELETE FROM notification_history h
         WHERE NOT EXISTS (SELECT FROM services s WHERE s.id = h.service_id);
        UPDATE notification_history h SET job_id = NULL
         WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.id = h.job_id);
        UPDATE notification_history h SET api_key_id = NULL
         WHERE NOT EXISTS (SELECT FROM api_keys k WHERE k.id = h.api_key_id);
        """
    )
    for column, target in TARGETS.items():
        op.create_foreign_key(
            f"fk_notification_history_{column}_{target}", "notification_history", target, [column], ["id"]
        )
