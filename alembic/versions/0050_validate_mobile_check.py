"""Check the users that are there.

Revision ID: 0050_validate_mobile_check
Revises: 0049_mobile_number_optional
Create Date: 2018-06-28 16:01:54.395950

"""

from alembic import op

revision = "0050_validate_mobile_check"
down_revision = "0049_mobile_number_optional"


def upgrade() -> None:
    op.execute("ALTER TABLE users VALIDATE CONSTRAINT ck_users_mobile_or_email_auth")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_users_mobile_or_email_auth"), "users", type_="check")
    op.execute(
        "ALTER TABLE users ADD CONSTRAINT ck_users_mobile_or_email_auth"
        " CHECK (auth_type <> 'sms_auth' OR mobile_number IS NOT NULL) NOT VALID"
    )
