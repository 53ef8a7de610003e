"""How long messages of a service are kept."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from notifydb.models.base import NOTIFICATION_TYPE, Base, CreatedAt, NotificationType, UpdatedAt, UuidKey


class ServiceDataRetention(Base):
    """The days after which messages of one kind move to the history."""

    __tablename__ = "service_data_retention"
    __table_args__ = (
        sa.UniqueConstraint("service_id", "notification_type"),
        sa.CheckConstraint("days_of_retention BETWEEN 3 AND 90", name="days_of_retention"),
    )

    id: Mapped[UuidKey]
    service_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("services.id"))
    notification_type: Mapped[NotificationType] = mapped_column(NOTIFICATION_TYPE)
    days_of_retention: Mapped[int]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt | None]
