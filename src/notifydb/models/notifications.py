"""Messages that were sent lately, and the long memory of those sent before."""

from __future__ import annotations

import decimal
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from notifydb.models.base import (
    NOTIFICATION_TYPE,
    Base,
    LongText,
    LookupKey,
    NotificationType,
    Timestamp,
    UpdatedAt,
    UuidKey,
)


class NotificationStatusType(Base):
    """How far a notification has come."""

    __tablename__ = "notification_status_types"

    name: Mapped[LookupKey]


class NotificationColumns:
    """What a notification keeps when it moves to the history."""

    job_row_number: Mapped[int | None]
    template_version: Mapped[int]
    billable_units: Mapped[int] = mapped_column(default=0)
    notification_type: Mapped[NotificationType] = mapped_column(NOTIFICATION_TYPE)
    sent_at: Mapped[Timestamp | None]
    sent_by: Mapped[str | None]
    updated_at: Mapped[UpdatedAt | None]
    international: Mapped[bool] = mapped_column(default=False)
    phone_prefix: Mapped[str | None]
    rate_multiplier: Mapped[decimal.Decimal | None] = mapped_column(sa.Numeric)
    document_download_count: Mapped[int | None]
    message_cost: Mapped[decimal.Decimal | None] = mapped_column(sa.Numeric(10, 5))
    carrier: Mapped[LongText | None]


class Notification(NotificationColumns, Base):
    """One message to one recipient."""

    __tablename__ = "notifications"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["template_id", "template_version"], ["templates_history.id", "templates_history.version"]
        ),
        sa.UniqueConstraint("job_id", "job_row_number"),
        sa.Index(None, "service_id", "created_at"),
        sa.Index(
            "ix_notifications_type_status_created_at",
            "notification_type",
            "notification_status",
            "created_at",
        ),
        sa.Index(
            "ix_notifications_created_at_underway",
            "created_at",
            postgresql_where=sa.text("notification_status IN ('created', 'sending', 'pending')"),
        ),
    )

    id: Mapped[UuidKey]
    to: Mapped[str]
    normalised_to: Mapped[str | None]
    job_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("jobs.id"))
    service_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("services.id"))
    template_id: Mapped[uuid.UUID]
    api_key_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("api_keys.id"))
    key_type: Mapped[str] = mapped_column(sa.ForeignKey("key_types.name"))
    created_at: Mapped[Timestamp] = mapped_column(index=True)
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    notification_status: Mapped[str | None] = mapped_column(sa.ForeignKey("notification_status_types.name"))
    reference: Mapped[str | None] = mapped_column(index=True)
    client_reference: Mapped[str | None] = mapped_column(index=True)
    personalisation: Mapped[str | None] = mapped_column("_personalisation")
    reply_to_text: Mapped[str | None]
    provider_response: Mapped[LongText | None]


class NotificationHistory(NotificationColumns, Base):
    """A message after its personal data was let go; no foreign key, so that moving rows here stays cheap."""

    __tablename__ = "notification_history"
    __table_args__ = (
        sa.Index(
            "ix_notification_history_service_id_created_at",
            "service_id",
            "created_at",
            postgresql_include=["notification_type", "notification_status"],
        ),
    )

    id: Mapped[UuidKey]
    job_id: Mapped[uuid.UUID | None]
    service_id: Mapped[uuid.UUID]
    template_id: Mapped[uuid.UUID]
    api_key_id: Mapped[uuid.UUID | None]
    key_type: Mapped[str]
    created_at: Mapped[Timestamp] = mapped_column(index=True)
    created_by_id: Mapped[uuid.UUID | None]
    notification_status: Mapped[str | None]
    reference: Mapped[str | None] = mapped_column(index=True)
    client_reference: Mapped[str | None]


class ScheduledNotification(Base):
    """A notification that waits for its hour."""

    __tablename__ = "scheduled_notifications"

    id: Mapped[UuidKey]
    notification_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("notifications.id"), index=True)
    scheduled_for: Mapped[Timestamp] = mapped_column(index=True)
    pending: Mapped[bool] = mapped_column(default=True)
