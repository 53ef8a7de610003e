"""Keys that services call the API with."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from notifydb.models.base import Base, CreatedAt, LookupKey, Str255, Timestamp, UpdatedAt, UuidKey


class KeyType(Base):
    """Whom messages sent with a key can reach."""

    __tablename__ = "key_types"

    name: Mapped[LookupKey]


class ApiKey(Base):
    """A key as it is now."""

    __tablename__ = "api_keys"
    __table_args__ = (
        sa.Index(
            "ix_api_keys_service_id_name_unexpired",
            "service_id",
            "name",
            unique=True,
            postgresql_where=sa.text("expiry_date IS NULL"),
        ),
    )

    id: Mapped[UuidKey]
    version: Mapped[int] = mapped_column(default=1)
    name: Mapped[Str255]
    secret: Mapped[Str255] = mapped_column(unique=True)
    service_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("services.id"), index=True)
    key_type: Mapped[str] = mapped_column(sa.ForeignKey("key_types.name"), index=True)
    expiry_date: Mapped[Timestamp | None]
    created_by_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt | None]


class ApiKeyHistory(Base):
    """A key as it was in one version."""

    __tablename__ = "api_keys_history"

    id: Mapped[UuidKey]
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[Str255]
    secret: Mapped[Str255]
    service_id: Mapped[uuid.UUID] = mapped_column(index=True)
    key_type: Mapped[str]
    expiry_date: Mapped[Timestamp | None]
    created_by_id: Mapped[uuid.UUID] = mapped_column(index=True)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt | None]
