"""Organizations, the kinds of them, and the e-mail domains that belong to them."""

from __future__ import annotations

import decimal
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from notifydb.models.base import Base, CreatedAt, LongText, LookupKey, Str255, Timestamp, UpdatedAt, UuidKey


class OrganizationType(Base):
    """A kind of organization and the free text messages a service of it gets each year."""

    __tablename__ = "organization_types"

    name: Mapped[LookupKey]
    annual_free_sms_fragment_limit: Mapped[int] = mapped_column(sa.BigInteger)


class Organization(Base):
    """A body that has signed the agreement, or is about to."""

    __tablename__ = "organization"

    id: Mapped[UuidKey]
    name: Mapped[Str255] = mapped_column(unique=True)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt | None]
    organization_type: Mapped[str | None] = mapped_column(sa.ForeignKey("organization_types.name"))
    email_branding_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("email_branding.id"))
    agreement_signed: Mapped[bool | None]
    agreement_signed_at: Mapped[Timestamp | None]
    agreement_signed_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    agreement_signed_on_behalf_of_name: Mapped[Str255 | None]
    agreement_signed_on_behalf_of_email_address: Mapped[Str255 | None]
    agreement_signed_version: Mapped[decimal.Decimal | None] = mapped_column(sa.Numeric(4, 1))
    request_to_go_live_notes: Mapped[LongText | None]
    notes: Mapped[LongText | None]
    purchase_order_number: Mapped[Str255 | None]
    billing_contact_names: Mapped[LongText | None]
    billing_contact_email_addresses: Mapped[LongText | None]
    billing_reference: Mapped[Str255 | None]


class Domain(Base):
    """An e-mail domain whose users belong to one organization."""

    __tablename__ = "domain"

    domain: Mapped[Str255] = mapped_column(primary_key=True)
    organization_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("organization.id"))


user_to_organization = sa.Table(
    "user_to_organization",
    Base.metadata,
    sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organization.id"), nullable=False),
    sa.UniqueConstraint("user_id", "organization_id"),
)
