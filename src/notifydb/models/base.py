"""The declarative base, the naming convention and the column types that all models share."""

from __future__ import annotations

import datetime
import enum
import uuid
from typing import Annotated

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """What every mapped class derives from."""

    metadata = sa.MetaData(naming_convention=NAMING_CONVENTION)


def utc_now() -> datetime.datetime:
    """The columns are `timestamp without time zone` and hold UTC."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def native_enum(members: type[enum.StrEnum], name: str) -> sa.Enum:
    """A Postgres enum that stores the values of the members, not their names."""
    return sa.Enum(members, name=name, values_callable=lambda kind: [member.value for member in kind])


UuidKey = Annotated[uuid.UUID, mapped_column(sa.Uuid, primary_key=True, default=uuid.uuid4)]
LookupKey = Annotated[str, mapped_column(sa.String, primary_key=True)]
Timestamp = Annotated[datetime.datetime, mapped_column(sa.DateTime)]
CreatedAt = Annotated[datetime.datetime, mapped_column(sa.DateTime, default=utc_now)]
UpdatedAt = Annotated[datetime.datetime, mapped_column(sa.DateTime, onupdate=utc_now)]
Str255 = Annotated[str, mapped_column(sa.String(255))]
LongText = Annotated[str, mapped_column(sa.Text)]


class NotificationType(enum.StrEnum):
    """The channels a message can go through."""

    EMAIL = "email"
    SMS = "sms"


class TemplateType(enum.StrEnum):
    """What a template is written for."""

    SMS = "sms"
    EMAIL = "email"


NOTIFICATION_TYPE = native_enum(NotificationType, "notification_type")
TEMPLATE_TYPE = native_enum(TemplateType, "template_type")
