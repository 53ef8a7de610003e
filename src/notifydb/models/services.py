"""Services, their past versions, and what a service sends from and to."""

from __future__ import annotations

import enum
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
    Timestamp,
    UpdatedAt,
    UuidKey,
    native_enum,
)


class RecipientType(enum.StrEnum):
    """How an entry of the guest list is reached."""

    MOBILE = "mobile"
    EMAIL = "email"


class ServiceColumns:
    """What a service and each of its past versions have in common."""

    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt | None]
    active: Mapped[bool] = mapped_column(default=True)
    message_limit: Mapped[int] = mapped_column(sa.BigInteger)
    total_message_limit: Mapped[int] = mapped_column(sa.BigInteger)
    restricted: Mapped[bool]
    prefix_sms: Mapped[bool] = mapped_column(default=True)
    rate_limit: Mapped[int] = mapped_column(server_default=sa.text("3000"))
    contact_link: Mapped[Str255 | None]
    volume_sms: Mapped[int | None]
    volume_email: Mapped[int | None]
    consent_to_research: Mapped[bool | None]
    count_as_live: Mapped[bool] = mapped_column(server_default=sa.true())
    go_live_at: Mapped[Timestamp | None]
    notes: Mapped[LongText | None]
    purchase_order_number: Mapped[Str255 | None]
    billing_contact_names: Mapped[LongText | None]
    billing_contact_email_addresses: Mapped[LongText | None]
    billing_reference: Mapped[Str255 | None]


class Service(ServiceColumns, Base):
    """Something a team sends messages for."""

    __tablename__ = "services"

    id: Mapped[UuidKey]
    version: Mapped[int] = mapped_column(default=1)
    name: Mapped[Str255] = mapped_column(unique=True)
    email_from: Mapped[LongText] = mapped_column(unique=True)
    created_by_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    organization_type: Mapped[str | None] = mapped_column(sa.ForeignKey("organization_types.name"))
    organization_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    go_live_user_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))


class ServiceHistory(ServiceColumns, Base):
    """A service as it was in one version."""

    __tablename__ = "services_history"

    id: Mapped[UuidKey]
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[Str255]
    email_from: Mapped[LongText]
    created_by_id: Mapped[uuid.UUID] = mapped_column(index=True)
    organization_type: Mapped[str | None]
    organization_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    go_live_user_id: Mapped[uuid.UUID | None]


class ServicePermissionType(Base):
    """Something a service may be allowed to do."""

    __tablename__ = "service_permission_types"

    name: Mapped[LookupKey] = mapped_column(sa.String(255))


class ServicePermission(Base):
    """What a service is allowed to do."""

    __tablename__ = "service_permissions"

    service_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("services.id"), primary_key=True, index=True)
    permission: Mapped[Str255] = mapped_column(
        sa.ForeignKey("service_permission_types.name"), primary_key=True, index=True
    )
    created_at: Mapped[CreatedAt]


class ServiceSmsSender(Base):
    """A name or number that text messages of a service come from."""

    __tablename__ = "service_sms_senders"
    __table_args__ = (
        sa.Index(
            "ix_service_sms_senders_service_id_default",
            "service_id",
            unique=True,
            postgresql_where=sa.text("is_default AND NOT archived"),
        ),
    )

    id: Mapped[UuidKey]
    sms_sender: Mapped[str] = mapped_column(sa.String(11))
    service_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("services.id"), index=True)
    is_default: Mapped[bool] = mapped_column(default=True)
    archived: Mapped[bool] = mapped_column(server_default=sa.false())
    inbound_number_id: Mapped[uuid.UUID | None] = mapped_column(
        sa.ForeignKey("inbound_numbers.id"), unique=True
    )
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt | None]


class ServiceEmailReplyTo(Base):
    """An address that answers to e-mails of a service go to."""

    __tablename__ = "service_email_reply_to"

    id: Mapped[UuidKey]
    service_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("services.id"), index=True)
    email_address: Mapped[LongText]
    is_default: Mapped[bool] = mapped_column(default=True)
    archived: Mapped[bool] = mapped_column(server_default=sa.false())
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt | None]


class ServiceGuestList(Base):
    """Somebody outside the team whom a service in trial mode may write to."""

    __tablename__ = "service_guest_list"

    id: Mapped[UuidKey]
    service_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("services.id"), index=True)
    recipient_type: Mapped[RecipientType] = mapped_column(native_enum(RecipientType, "recipient_type"))
    recipient: Mapped[Str255]
    created_at: Mapped[CreatedAt]


class ServiceContactList(Base):
    """An uploaded list of recipients that jobs can be made from again."""

    __tablename__ = "service_contact_list"

    id: Mapped[UuidKey]
    original_file_name: Mapped[str]
    row_count: Mapped[int]
    template_type: Mapped[TemplateType] = mapped_column(TEMPLATE_TYPE)
    service_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("services.id"), index=True)
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    archived: Mapped[bool] = mapped_column(server_default=sa.false())
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt | None]
