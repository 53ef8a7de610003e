"""People asked to join a service or an organization."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column

from notifydb.models.base import Base, CreatedAt, LookupKey, Str255, UuidKey


class InviteStatusType(Base):
    """What became of an invitation."""

    __tablename__ = "invite_status_types"

    name: Mapped[LookupKey]


class InvitedUser(Base):
    """An invitation to a service."""

    __tablename__ = "invited_users"

    id: Mapped[UuidKey]
    email_address: Mapped[Str255]
    invited_by_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    service_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("services.id"), index=True)
    status: Mapped[str] = mapped_column(sa.ForeignKey("invite_status_types.name"))
    permissions: Mapped[str]
    auth_type: Mapped[str] = mapped_column(
        sa.ForeignKey("auth_type.name"), index=True, server_default=sa.text("'sms_auth'")
    )
    folder_permissions: Mapped[list[str]] = mapped_column(
        postgresql.JSONB, server_default=sa.text("'[]'::jsonb")
    )
    created_at: Mapped[CreatedAt]


class InvitedOrganizationUser(Base):
    """An invitation to an organization."""

    __tablename__ = "invited_organization_users"

    id: Mapped[UuidKey]
    email_address: Mapped[Str255]
    invited_by_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    organization_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("organization.id"))
    status: Mapped[str] = mapped_column(sa.ForeignKey("invite_status_types.name"))
    created_at: Mapped[CreatedAt]
