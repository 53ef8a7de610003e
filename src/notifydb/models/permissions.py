"""What a user may do in a service, and which template folders they see there."""

from __future__ import annotations

import enum
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from notifydb.models.base import Base, CreatedAt, UuidKey, native_enum


class PermissionType(enum.StrEnum):
    """What a member of a service can be trusted with."""

    MANAGE_USERS = "manage_users"
    MANAGE_TEMPLATES = "manage_templates"
    MANAGE_SETTINGS = "manage_settings"
    SEND_TEXTS = "send_texts"
    SEND_EMAILS = "send_emails"
    MANAGE_API_KEYS = "manage_api_keys"
    PLATFORM_ADMIN = "platform_admin"
    VIEW_ACTIVITY = "view_activity"


class Permission(Base):
    """One permission of one user, in one service or everywhere."""

    __tablename__ = "permissions"
    __table_args__ = (sa.UniqueConstraint("service_id", "user_id", "permission"),)

    id: Mapped[UuidKey]
    service_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("services.id"), index=True)
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    permission: Mapped[PermissionType] = mapped_column(native_enum(PermissionType, "permission_types"))
    created_at: Mapped[CreatedAt]


class UserFolderPermission(Base):
    """A template folder that a member of a service can see."""

    __tablename__ = "user_folder_permissions"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["user_id", "service_id"], ["user_to_service.user_id", "user_to_service.service_id"]
        ),
        sa.ForeignKeyConstraint(
            ["template_folder_id", "service_id"],
            ["template_folder.id", "template_folder.service_id"],
            name="fk_user_folder_permissions_folder_service_template_folder",
        ),
    )

    user_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    template_folder_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    service_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
