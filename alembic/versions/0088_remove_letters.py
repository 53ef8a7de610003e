"""Take letters out of the enums: the last one was posted long ago.

Revision ID: 0088_remove_letters
Revises: 0087_history_without_keys
Create Date: 2021-11-18 14:53:27.696872

"""

from alembic import op

revision = "0088_remove_letters"
down_revision = "0087_history_without_keys"

COLUMNS = {
    "notification_type": (
        ("provider_details", "notification_type"),
        ("provider_details_history", "notification_type"),
        ("rates", "notification_type"),
        ("service_data_retention", "notification_type"),
        ("notifications", "notification_type"),
        ("notification_history", "notification_type"),
    ),
    "template_type": (
        ("templates", "template_type"),
        ("templates_history", "template_type"),
        ("service_contact_list", "template_type"),
    ),
}
PRINT_ROOM = "40647d8c-70d9-4133-83b9-6cd997111144"


def _rebuild(name: str, labels: tuple[str, ...]) -> None:
    quoted = ", ".join(f"'{label}'" for label in labels)
    op.execute(f"ALTER TYPE {name} RENAME TO {name}_old")
    op.execute(f"CREATE TYPE {name} AS ENUM ({quoted})")
    for table, column in COLUMNS[name]:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {name} USING {column}::text::{name}")
    op.execute(f"DROP TYPE {name}_old")


def upgrade() -> None:
    for table, _ in COLUMNS["notification_type"]:
        op.execute(f"DELETE FROM {table} WHERE notification_type = 'letter'")
    for table in ("templates", "templates_history"):
        op.execute(
            f"UPDATE {table} SET template_type = 'email', subject = coalesce(subject, name), archived = true"
            " WHERE template_type = 'letter'"
        )
    op.execute("DELETE FROM service_permissions WHERE permission = 'letter'")
    op.execute("DELETE FROM service_permission_types WHERE name = 'letter'")
    _rebuild("notification_type", ("email", "sms"))
    _rebuild("template_type", ("sms", "email"))


def downgrade() -> None:
    _rebuild("template_type", ("sms", "email", "letter"))
    _rebuild("notification_type", ("email", "sms", "letter"))
    op.execute("INSERT INTO service_permission_types VALUES ('letter')")
    for table in ("provider_details", "provider_details_history"):
        op.execute(
            f"INSERT INTO {table}"
            " (id, version, display_name, identifier, priority, notification_type, active)"
            f" VALUES ('{PRINT_ROOM}', 1, 'Print room', 'print', 10, 'letter', true)"
        )
