"""Ask users now and then whether they still read their mail.

Revision ID: 0068_email_access_validated
Revises: 0067_billing_details
Create Date: 2019-07-18 14:44:28.538492

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.orm import Session

revision = "0068_email_access_validated"
down_revision = "0067_billing_details"

users = sa.table(
    "users",
    sa.column("id", sa.Uuid),
    sa.column("created_at", sa.DateTime),
    sa.column("logged_in_at", sa.DateTime),
    sa.column("auth_type", sa.String),
    sa.column("email_access_validated_at", sa.DateTime),
)


def upgrade() -> None:
    op.add_column("users", sa.Column("email_access_validated_at", sa.DateTime(), nullable=True))
    with Session(bind=op.get_bind()) as session:
        for user in session.execute(sa.select(users).order_by(users.c.id)).all():
            # A code by e-mail proves it with each sign-in, a code by text message only at the start.
            seen = user.logged_in_at if user.auth_type == "email_auth" else None
            session.execute(
                users.update()
                .where(users.c.id == user.id)
                .values(email_access_validated_at=seen or user.created_at)
            )
        session.commit()
    op.alter_column("users", "email_access_validated_at", nullable=False)


def downgrade() -> None:
    op.drop_column("users", "email_access_validated_at")
