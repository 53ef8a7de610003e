"""Rename two columns that misled their readers.

Revision ID: 0095_clearer_column_names
Revises: 0094_rename_guest_list
Create Date: 2022-06-23 10:49:38.752305

"""

from alembic import op

revision = "0095_clearer_column_names"
down_revision = "0094_rename_guest_list"


def _rename_inviter(old: str, new: str) -> None:
    op.alter_column("invited_users", old, new_column_name=new)
    op.execute(
        f"ALTER TABLE invited_users RENAME CONSTRAINT fk_invited_users_{old}_users"
        f" TO fk_invited_users_{new}_users"
    )
    op.execute(f"ALTER INDEX ix_invited_users_{old} RENAME TO ix_invited_users_{new}")


def upgrade() -> None:
    _rename_inviter("user_id", "invited_by_id")
    op.alter_column("complaints", "ses_feedback_id", new_column_name="feedback_id")


def downgrade() -> None:
    op.alter_column("complaints", "feedback_id", new_column_name="ses_feedback_id")
    _rename_inviter("invited_by_id", "user_id")
