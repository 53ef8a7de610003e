"""What is written down for later: complaints, events, and reports that somebody asked for."""

from __future__ import annotations

import enum
import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column

from notifydb.models.base import Base, CreatedAt, LongText, Str255, Timestamp, UpdatedAt, UuidKey, native_enum


class ReportStatus(enum.StrEnum):
    """How far a report has come."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    STORED = "stored"
    FAILED = "failed"


class Complaint(Base):
    """A recipient who marked an e-mail as spam; the notification may be gone by then."""

    __tablename__ = "complaints"

    id: Mapped[UuidKey]
    notification_id: Mapped[uuid.UUID] = mapped_column(index=True)
    service_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("services.id"), index=True)
    feedback_id: Mapped[LongText | None]
    complaint_type: Mapped[LongText | None]
    complaint_date: Mapped[Timestamp | None]
    created_at: Mapped[CreatedAt]


class Event(Base):
    """Something that happened; whom it concerns is inside `data`."""

    __tablename__ = "events"
    __table_args__ = (
        sa.Index("ix_events_data", "data", postgresql_using="gin", postgresql_ops={"data": "jsonb_path_ops"}),
    )

    id: Mapped[UuidKey]
    event_type: Mapped[Str255]
    created_at: Mapped[CreatedAt]
    data: Mapped[dict[str, Any]] = mapped_column(postgresql.JSONB)
    position: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True))


class ReportRequest(Base):
    """A report that a user is waiting for."""

    __tablename__ = "report_requests"

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    service_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("services.id"))
    report_type: Mapped[LongText]
    status: Mapped[ReportStatus] = mapped_column(native_enum(ReportStatus, "report_status"))
    parameter: Mapped[dict[str, Any]] = mapped_column(postgresql.JSONB)
    created_at: Mapped[CreatedAt] = mapped_column(server_default=sa.text("now()"))
    updated_at: Mapped[UpdatedAt | None]
