"""A user who gets codes by e-mail needs no mobile number.

Revision ID: 0049_mobile_number_optional
Revises: 0048_email_code_template
Create Date: 2018-06-28 15:33:11.388031

"""

from alembic import op

revision = "0049_mobile_number_optional"
down_revision = "0048_email_code_template"


def upgrade() -> None:
    op.alter_column("users", "mobile_number", nullable=True)
    op.execute(
        "ALTER TABLE users ADD CONSTRAINT ck_users_mobile_or_email_auth"
        " CHECK (auth_type <> 'sms_auth' OR mobile_number IS NOT NULL) NOT VALID"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_users_mobile_or_email_auth"), "users", type_="check")
    op.execute("UPDATE users SET mobile_number = '' WHERE mobile_number IS NULL")
    op.alter_column("users", "mobile_number", nullable=False)
