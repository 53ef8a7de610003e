"""Users, how they prove who they are, and the services they work in."""

from __future__ import annotations

import enum
import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column

from notifydb.models.base import (
    Base,
    CreatedAt,
    LongText,
    LookupKey,
    Str255,
    Timestamp,
    UpdatedAt,
    UuidKey,
    native_enum,
)


class VerifyCodeType(enum.StrEnum):
    """Where a verification code was sent to."""

    EMAIL = "email"
    SMS = "sms"


class AuthType(Base):
    """A second factor."""

    __tablename__ = "auth_type"

    name: Mapped[LookupKey]


class User(Base):
    """Somebody who can sign in."""

    __tablename__ = "users"
    __table_args__ = (
        sa.CheckConstraint("state IN ('pending', 'active', 'inactive')", name="state"),
        sa.CheckConstraint(
            "auth_type <> 'sms_auth' OR mobile_number IS NOT NULL", name="mobile_or_email_auth"
        ),
    )

    id: Mapped[UuidKey]
    name: Mapped[str]
    email_address: Mapped[Str255] = mapped_column(index=True, unique=True)
    login_uuid: Mapped[LongText | None] = mapped_column(unique=True)
    mobile_number: Mapped[str | None]
    password: Mapped[str] = mapped_column("_password")
    password_changed_at: Mapped[Timestamp]
    logged_in_at: Mapped[Timestamp | None]
    failed_login_count: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(default="pending")
    platform_admin: Mapped[bool] = mapped_column(server_default=sa.false())
    current_session_id: Mapped[uuid.UUID | None]
    auth_type: Mapped[str] = mapped_column(
        sa.ForeignKey("auth_type.name"), index=True, server_default=sa.text("'sms_auth'")
    )
    email_access_validated_at: Mapped[Timestamp]
    preferred_timezone: Mapped[LongText] = mapped_column(server_default=sa.text("'US/Eastern'"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt | None]


class ServiceUser(Base):
    """The membership of a user in a service."""

    __tablename__ = "user_to_service"

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), primary_key=True)
    service_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("services.id"), primary_key=True, index=True)


class VerifyCode(Base):
    """A code sent to a user, hashed."""

    __tablename__ = "verify_codes"

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    code: Mapped[str] = mapped_column("_code")
    code_type: Mapped[VerifyCodeType] = mapped_column(native_enum(VerifyCodeType, "verify_code_types"))
    expiry_datetime: Mapped[Timestamp]
    code_used: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[CreatedAt]


class LoginEvent(Base):
    """A sign-in and the device it came from."""

    __tablename__ = "login_events"

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    data: Mapped[dict[str, Any]] = mapped_column(postgresql.JSONB)
    created_at: Mapped[CreatedAt] = mapped_column(server_default=sa.text("now()"))
