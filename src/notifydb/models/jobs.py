"""Uploaded files of recipients, to be sent one template."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from notifydb.models.base import Base, CreatedAt, LookupKey, Timestamp, UpdatedAt, UuidKey


class JobStatus(Base):
    """How far a job has come."""

    __tablename__ = "job_status"

    name: Mapped[LookupKey] = mapped_column(sa.String(255))


class Job(Base):
    """One file of recipients."""

    __tablename__ = "jobs"

    id: Mapped[UuidKey]
    original_file_name: Mapped[str]
    service_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("services.id"), index=True)
    template_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("templates.id"), index=True)
    template_version: Mapped[int]
    notification_count: Mapped[int]
    notifications_sent: Mapped[int] = mapped_column(default=0)
    notifications_delivered: Mapped[int] = mapped_column(default=0)
    notifications_failed: Mapped[int] = mapped_column(default=0)
    processing_started: Mapped[Timestamp | None]
    processing_finished: Mapped[Timestamp | None]
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"), index=True)
    scheduled_for: Mapped[Timestamp | None] = mapped_column(index=True)
    job_status: Mapped[str] = mapped_column(sa.String(255), sa.ForeignKey("job_status.name"), index=True)
    archived: Mapped[bool] = mapped_column(server_default=sa.false())
    contact_list_id: Mapped[uuid.UUID | None] = mapped_column(
        sa.ForeignKey("service_contact_list.id", ondelete="SET NULL")
    )
    created_at: Mapped[CreatedAt] = mapped_column(index=True)
    updated_at: Mapped[UpdatedAt | None]
