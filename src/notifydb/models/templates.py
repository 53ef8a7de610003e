"""Templates, their past versions, and the folders they are kept in."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from notifydb.models.base import (
    TEMPLATE_TYPE,
    Base,
    CreatedAt,
    LongText,
    LookupKey,
    Str255,
    TemplateType,
    UpdatedAt,
    UuidKey,
    utc_now,
)


class TemplateProcessType(Base):
    """How soon messages of a template are sent."""

    __tablename__ = "template_process_type"

    name: Mapped[LookupKey] = mapped_column(sa.String(255))


class TemplateColumns:
    """What a template and each of its past versions have in common."""

    name: Mapped[Str255]
    template_type: Mapped[TemplateType] = mapped_column(TEMPLATE_TYPE)
    subject: Mapped[LongText | None]
    content: Mapped[LongText]
    archived: Mapped[bool] = mapped_column(default=False)
    hidden: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt | None]


class Template(TemplateColumns, Base):
    """A message with gaps to fill in."""

    __tablename__ = "templates"
    __table_args__ = (
        sa.CheckConstraint("template_type <> 'email' OR subject IS NOT NULL", name="email_has_subject"),
    )

    id: Mapped[UuidKey]
    version: Mapped[int] = mapped_column(default=1)
    service_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("services.id"), index=True)
    created_by_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    process_type: Mapped[Str255] = mapped_column(sa.ForeignKey("template_process_type.name"), index=True)


class TemplateHistory(TemplateColumns, Base):
    """A template as it was in one version; notifications point here."""

    __tablename__ = "templates_history"

    id: Mapped[UuidKey]
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    service_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("services.id"), index=True)
    created_by_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    process_type: Mapped[Str255] = mapped_column(sa.ForeignKey("template_process_type.name"))


class TemplateRedacted(Base):
    """Whether what was filled in is hidden once the message is sent."""

    __tablename__ = "template_redacted"

    template_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("templates.id"), primary_key=True)
    redact_personalisation: Mapped[bool] = mapped_column(default=False)
    updated_at: Mapped[CreatedAt] = mapped_column(onupdate=utc_now)
    updated_by_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)


class TemplateFolder(Base):
    """A folder of templates, or of folders."""

    __tablename__ = "template_folder"
    __table_args__ = (sa.UniqueConstraint("id", "service_id"),)

    id: Mapped[UuidKey]
    service_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("services.id"))
    name: Mapped[str]
    parent_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("template_folder.id"))


template_folder_map = sa.Table(
    "template_folder_map",
    Base.metadata,
    sa.Column("template_id", sa.Uuid, sa.ForeignKey("templates.id"), primary_key=True),
    sa.Column("template_folder_id", sa.Uuid, sa.ForeignKey("template_folder.id"), nullable=False),
)
