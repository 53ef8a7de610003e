"""Write down the change of provider as an event.

Revision ID: 0103_provider_renamed_event
Revises: 0102_events_jsonb
Create Date: 2023-06-15 11:38:45.815657

"""

from alembic import op

revision = "0103_provider_renamed_event"
down_revision = "0102_events_jsonb"


def upgrade() -> None:
    op.execute(
        """
        INSERT INTO events (id, event_type, created_at, data)
        VALUES ('24c1346d-6cf5-435e-908f-8d77e3ecf63b', 'provider_renamed', '2023-03-02',
                '{"from"\\:"shorttext","to"\\:"longwave","user_id"\\:null}')
        """
    )
    # Straight to the driver, where a colon is just a colon.
    op.get_bind().exec_driver_sql(
        "INSERT INTO events (id, event_type, created_at, data) VALUES"
        " ('75d5bc3d-2ddd-488c-940c-7cd9cd0590c1', 'provider_dropped', '2023-03-02',"
        """ '{"identifier":"loadtest","user_id":null}'::jsonb)"""
    )


def downgrade() -> None:
    op.execute("DELETE FROM events WHERE event_type LIKE 'provider\\_%'")
