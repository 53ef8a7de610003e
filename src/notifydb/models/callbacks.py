"""Addresses of services that are told about deliveries, complaints and incoming messages."""

from __future__ import annotations

import enum
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from notifydb.models.base import Base, CreatedAt, UpdatedAt, UuidKey, native_enum


class CallbackType(enum.StrEnum):
    """What a callback tells."""

    DELIVERY_STATUS = "delivery_status"
    COMPLAINT = "complaint"


CALLBACK_TYPE = native_enum(CallbackType, "callback_type")


class EndpointColumns:
    """An address and the token to show there."""

    url: Mapped[str]
    bearer_token: Mapped[str]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt | None]


class ServiceInboundApi(EndpointColumns, Base):
    """Where incoming messages of a service are passed on to."""

    __tablename__ = "service_inbound_api"

    id: Mapped[UuidKey]
    version: Mapped[int] = mapped_column(default=1)
    service_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("services.id"), unique=True)
    updated_by_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)


class ServiceInboundApiHistory(EndpointColumns, Base):
    """Where they were passed on to, in one version."""

    __tablename__ = "service_inbound_api_history"

    id: Mapped[UuidKey]
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    service_id: Mapped[uuid.UUID] = mapped_column(index=True)
    updated_by_id: Mapped[uuid.UUID]


class ServiceCallbackApi(EndpointColumns, Base):
    """Where a service is told of deliveries or complaints."""

    __tablename__ = "service_callback_api"
    __table_args__ = (sa.UniqueConstraint("service_id", "callback_type"),)

    id: Mapped[UuidKey]
    version: Mapped[int] = mapped_column(default=1)
    service_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("services.id"))
    callback_type: Mapped[CallbackType] = mapped_column(CALLBACK_TYPE)
    updated_by_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))


class ServiceCallbackApiHistory(EndpointColumns, Base):
    """Where it was told, in one version."""

    __tablename__ = "service_callback_api_history"

    id: Mapped[UuidKey]
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    service_id: Mapped[uuid.UUID] = mapped_column(index=True)
    callback_type: Mapped[CallbackType] = mapped_column(CALLBACK_TYPE)
    updated_by_id: Mapped[uuid.UUID]
