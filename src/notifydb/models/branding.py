"""How e-mails look, and who may use which look."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from notifydb.models.base import Base, CreatedAt, LookupKey, Str255, UpdatedAt, UuidKey


class BrandingType(Base):
    """Where on the page a brand is shown."""

    __tablename__ = "branding_type"

    name: Mapped[LookupKey] = mapped_column(sa.String(255))


class EmailBranding(Base):
    """A logo, a colour and a line of text."""

    __tablename__ = "email_branding"

    id: Mapped[UuidKey]
    name: Mapped[Str255] = mapped_column(unique=True)
    colour: Mapped[str | None] = mapped_column(sa.String(7))
    logo: Mapped[Str255 | None]
    text: Mapped[Str255 | None]
    brand_type: Mapped[Str255] = mapped_column(sa.ForeignKey("branding_type.name"), index=True)
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    created_at: Mapped[CreatedAt | None]
    updated_at: Mapped[UpdatedAt | None]


service_email_branding = sa.Table(
    "service_email_branding",
    Base.metadata,
    sa.Column("service_id", sa.Uuid, sa.ForeignKey("services.id"), primary_key=True),
    sa.Column("email_branding_id", sa.Uuid, sa.ForeignKey("email_branding.id"), nullable=False),
)

email_branding_to_organization = sa.Table(
    "email_branding_to_organization",
    Base.metadata,
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organization.id"), primary_key=True),
    sa.Column("email_branding_id", sa.Uuid, primary_key=True),
    # The convention would make a name that Postgres cuts off.
    sa.ForeignKeyConstraint(
        ["email_branding_id"],
        ["email_branding.id"],
        name="fk_email_branding_to_organization_branding_id_email_branding",
    ),
)
