"""Let the members that there are see what they could see before.

Revision ID: 0081_grant_view_activity
Revises: 0080_view_activity_permission
Create Date: 2020-11-05 14:31:58.641439

"""

from alembic import op

revision = "0081_grant_view_activity"
down_revision = "0080_view_activity_permission"


def upgrade() -> None:
    op.execute(
        """
        INSERT INTO permissions (id, service_id, user_id, permission, created_at)
        SELECT gen_random_uuid(), service_id, user_id, 'view_activity', now() FROM user_to_service
        ON CONFLICT DO NOTHING
        """
    )


def downgrade() -> None:
    op.execute("DELETE FROM permissions WHERE permission = 'view_activity'")
