"""Seed the template of the code by e-mail.

Revision ID: 0048_email_code_template
Revises: 0047_user_auth_types
Create Date: 2018-06-14 11:03:45.380112

"""

from alembic import op

revision = "0048_email_code_template"
down_revision = "0047_user_auth_types"

TEMPLATE_ID = "f3ed89c7-dce8-49b5-8971-90da7e8ca7f6"
SERVICE_ID = "3c068010-5bfe-4bca-bf39-33b43a52ed7f"
USER_ID = "87c3f76d-2c3b-4134-b67e-c60bc78ff758"


def upgrade() -> None:
    for table in ("templates", "templates_history"):
        op.execute(
            f"""
            INSERT INTO {table} (id, version, name, template_type, subject, content, service_id,
                                 created_by_id, created_at, process_type, archived, hidden)
            VALUES ('{TEMPLATE_ID}', 1, 'Sign-in link', 'email', 'Sign in',
                    'Dear ((name)), sign in within an hour\\: ((url))', '{SERVICE_ID}',
                    '{USER_ID}', now(), 'priority', false, false)
            """
        )
    op.execute(
        "INSERT INTO template_redacted (template_id, redact_personalisation, updated_at, updated_by_id)"
        f" VALUES ('{TEMPLATE_ID}', true, now(), '{USER_ID}')"
    )


def downgrade() -> None:
    op.execute(f"DELETE FROM template_redacted WHERE template_id = '{TEMPLATE_ID}'")
    op.execute(f"DELETE FROM templates_history WHERE id = '{TEMPLATE_ID}'")
    op.execute(f"DELETE FROM templates WHERE id = '{TEMPLATE_ID}'")
