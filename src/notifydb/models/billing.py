"""Free allowances, prices, and the daily facts that bills and charts are made of."""

from __future__ import annotations

import datetime
import decimal
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from notifydb.models.base import (
    NOTIFICATION_TYPE,
    Base,
    CreatedAt,
    LongText,
    NotificationType,
    Timestamp,
    UpdatedAt,
    UuidKey,
)


class AnnualBilling(Base):
    """The free text messages of a service in one year."""

    __tablename__ = "annual_billing"
    __table_args__ = (sa.UniqueConstraint("service_id", "financial_year_start"),)

    id: Mapped[UuidKey]
    service_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("services.id"))
    financial_year_start: Mapped[int]
    free_sms_fragment_limit: Mapped[int]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt | None]


class Rate(Base):
    """What one fragment costs from a day on."""

    __tablename__ = "rates"

    id: Mapped[UuidKey]
    valid_from: Mapped[Timestamp]
    rate: Mapped[decimal.Decimal] = mapped_column(
        sa.Numeric(10, 5), comment="US dollars for one fragment, before the multiplier"
    )
    notification_type: Mapped[NotificationType] = mapped_column(NOTIFICATION_TYPE, index=True)


class FactBilling(Base):
    """What was sent on one day, as far as it has a price."""

    __tablename__ = "ft_billing"
    __table_args__ = ({"comment": "Rebuilt every night; rows of a purged service go with it"},)

    local_date: Mapped[datetime.date] = mapped_column(primary_key=True, index=True)
    template_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, index=True)
    service_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, index=True)
    notification_type: Mapped[LongText] = mapped_column(primary_key=True)
    provider: Mapped[LongText] = mapped_column(primary_key=True)
    rate_multiplier: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rate: Mapped[decimal.Decimal] = mapped_column(sa.Numeric, primary_key=True)
    international: Mapped[bool] = mapped_column(primary_key=True)
    billable_units: Mapped[int]
    notifications_sent: Mapped[int]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt | None]


class FactNotificationStatus(Base):
    """How many messages reached which status on one day."""

    __tablename__ = "ft_notification_status"

    local_date: Mapped[datetime.date] = mapped_column(primary_key=True)
    template_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, index=True)
    service_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, index=True)
    job_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    notification_type: Mapped[LongText] = mapped_column(primary_key=True)
    key_type: Mapped[LongText] = mapped_column(primary_key=True)
    notification_status: Mapped[LongText] = mapped_column(primary_key=True)
    notification_count: Mapped[int]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt | None]


class FactProcessingTime(Base):
    """How many messages of one day left within ten seconds."""

    __tablename__ = "ft_processing_time"

    local_date: Mapped[datetime.date] = mapped_column(primary_key=True)
    messages_total: Mapped[int]
    messages_within_10_secs: Mapped[int]
    messages_late: Mapped[int] = mapped_column(
        sa.Computed("messages_total - messages_within_10_secs", persisted=True)
    )
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt | None]


class DailyNotificationCount(Base):
    """How much of its daily limit a service has used."""

    __tablename__ = "daily_notification_counts"

    service_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("services.id", ondelete="CASCADE"), primary_key=True
    )
    local_date: Mapped[datetime.date] = mapped_column(primary_key=True)
    notification_type: Mapped[NotificationType] = mapped_column(NOTIFICATION_TYPE, primary_key=True)
    notification_count: Mapped[int] = mapped_column(server_default=sa.text("0"))
