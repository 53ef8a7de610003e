"""Numbers that text messages come in on, and those messages."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from notifydb.models.base import Base, CreatedAt, Str255, Timestamp, UpdatedAt, UuidKey


class InboundNumber(Base):
    """A number that a service can be given."""

    __tablename__ = "inbound_numbers"

    id: Mapped[UuidKey]
    number: Mapped[Str255] = mapped_column(unique=True)
    provider: Mapped[str]
    service_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("services.id"), unique=True)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt | None]


class InboundSmsColumns:
    """What a received message keeps when it moves to the history."""

    notify_number: Mapped[str]
    provider: Mapped[str]
    provider_date: Mapped[Timestamp | None]
    provider_reference: Mapped[str | None]
    created_at: Mapped[CreatedAt]


class InboundSms(InboundSmsColumns, Base):
    """A text message that came in."""

    __tablename__ = "inbound_sms"
    __table_args__ = (sa.Index(None, "service_id", "user_number", "created_at"),)

    id: Mapped[UuidKey]
    service_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("services.id"))
    user_number: Mapped[str]
    content: Mapped[str] = mapped_column("_content")


class InboundSmsHistory(InboundSmsColumns, Base):
    """That a text message came in, without what it said or who sent it."""

    __tablename__ = "inbound_sms_history"

    id: Mapped[UuidKey]
    service_id: Mapped[uuid.UUID] = mapped_column(index=True)
