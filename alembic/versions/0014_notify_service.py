"""Seed the service that Notify itself sends from.

Revision ID: 0014_notify_service
Revises: 0013_template_version
Create Date: 2017-03-22 14:36:55.110866

"""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0014_notify_service"
down_revision = "0013_template_version"

SERVICE_ID = uuid.UUID("3c068010-5bfe-4bca-bf39-33b43a52ed7f")
USER_ID = uuid.UUID("87c3f76d-2c3b-4134-b67e-c60bc78ff758")
TEMPLATES = (
    (
        "d4f6eea4-4248-4f94-ae39-ecce0ce53311",
        "Confirm an address",
        "email",
        "Confirm your e-mail address",
        "Dear ((name)),\n\nplease open this link within a day: ((url))",
    ),
    ("72e8360c-b52a-447c-bd0f-1e4d355676d5", "Sign-in code", "sms", None, "((verify_code)) is your code"),
    (
        "888d2f9e-18f8-4034-93db-6787695440cc",
        "Invitation to a service",
        "email",
        "((user_name)) invites you to ((service_name))",
        "Join the team here: ((url))",
    ),
    (
        "51b30458-079d-4505-b6f4-3b116e7c279e",
        "Forgotten password",
        "email",
        "Choose a new password",
        "Dear ((name)),\n\nchoose a new password here: ((url))",
    ),
)

users = sa.table(
    "users",
    sa.column("id", sa.Uuid),
    sa.column("name"),
    sa.column("email_address"),
    sa.column("mobile_number"),
    sa.column("_password"),
    sa.column("failed_login_count", sa.Integer),
    sa.column("state"),
    sa.column("platform_admin", sa.Boolean),
    sa.column("created_at", sa.DateTime),
)


def upgrade() -> None:
    bind = op.get_bind()
    # No hash can equal the password, so that nobody signs in as this user.
    op.execute(
        users.insert().values(
            id=USER_ID,
            name="Notify service user",
            email_address="notify-service-user@notify.example.gov",
            mobile_number="+12025550100",
            _password="!",  # noqa: S106
            failed_login_count=0,
            state="active",
            platform_admin=False,
            created_at=sa.func.now(),
        )
    )
    bind.execute(
        sa.text(
            "INSERT INTO services (id, version, name, active, message_limit, restricted, email_from,"
            " created_by_id, created_at)"
            " VALUES (:service, 1, 'GOV Notify', true, 1000, false, 'gov.notify', :user, now())"
        ),
        {"service": SERVICE_ID, "user": USER_ID},
    )
    bind.execute(
        sa.text(
            "INSERT INTO services_history (id, version, name, active, message_limit, restricted, email_from,"
            " created_by_id, created_at)"
            " SELECT id, version, name, active, message_limit, restricted, email_from,"
            " created_by_id, created_at FROM services WHERE id = :service"
        ),
        {"service": SERVICE_ID},
    )
    bind.execute(
        sa.text("INSERT INTO user_to_service (user_id, service_id) VALUES (:user, :service)"),
        {"user": USER_ID, "service": SERVICE_ID},
    )
    for template in TEMPLATES:
        _insert_template(bind, *template)


def _insert_template(
    bind: sa.Connection, key: str, name: str, kind: str, subject: str | None, content: str
) -> None:
    for table in ("templates", "templates_history"):
        bind.execute(
            sa.text(
                f"INSERT INTO {table} (id, version, name, template_type, subject, content, service_id,"
                " created_by_id, created_at)"
                " VALUES (:id, 1, :name, CAST(:kind AS template_type), :subject, :content,"
                " :service, :user, now())"
            ),
            {
                "id": uuid.UUID(key),
                "name": name,
                "kind": kind,
                "subject": subject,
                "content": content,
                "service": SERVICE_ID,
                "user": USER_ID,
            },
        )


def downgrade() -> None:
    op.execute(f"DELETE FROM templates_history WHERE service_id = '{SERVICE_ID}'")
    op.execute(f"DELETE FROM templates WHERE service_id = '{SERVICE_ID}'")
    op.execute(f"DELETE FROM user_to_service WHERE service_id = '{SERVICE_ID}'")
    op.execute(f"DELETE FROM services_history WHERE id = '{SERVICE_ID}'")
    op.execute(f"DELETE FROM services WHERE id = '{SERVICE_ID}'")
    op.execute(f"DELETE FROM users WHERE id = '{USER_ID}'")
