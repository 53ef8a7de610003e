"""Companies that deliver the messages, and what they charge."""

from __future__ import annotations

import decimal
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from notifydb.models.base import NOTIFICATION_TYPE, Base, NotificationType, Timestamp, UpdatedAt, UuidKey


class ProviderColumns:
    """What a provider and each of its past versions have in common."""

    display_name: Mapped[str]
    identifier: Mapped[str]
    notification_type: Mapped[NotificationType] = mapped_column(NOTIFICATION_TYPE)
    active: Mapped[bool] = mapped_column(default=False)
    supports_international: Mapped[bool] = mapped_column(server_default=sa.false())
    updated_at: Mapped[UpdatedAt | None]


class ProviderDetails(ProviderColumns, Base):
    """A provider as it is now."""

    __tablename__ = "provider_details"

    id: Mapped[UuidKey]
    version: Mapped[int] = mapped_column(default=1)
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"), index=True)


class ProviderDetailsHistory(ProviderColumns, Base):
    """A provider as it was in one version."""

    __tablename__ = "provider_details_history"

    id: Mapped[UuidKey]
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    created_by_id: Mapped[uuid.UUID | None]


class ProviderRate(Base):
    """What a provider charges from a day on."""

    __tablename__ = "provider_rates"

    id: Mapped[UuidKey]
    provider_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("provider_details.id"), index=True)
    valid_from: Mapped[Timestamp]
    rate: Mapped[decimal.Decimal] = mapped_column(sa.Numeric(10, 5))
