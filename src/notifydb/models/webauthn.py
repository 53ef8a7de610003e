"""Security keys that users sign in with."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from notifydb.models.base import Base, CreatedAt, Timestamp, UpdatedAt, UuidKey


class WebauthnCredential(Base):
    """One security key of a user."""

    __tablename__ = "webauthn_credential"

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    name: Mapped[str]
    credential_data: Mapped[str]
    registration_response: Mapped[str]
    logged_in_at: Mapped[Timestamp | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt | None]
