"""The Notify data model, one module per domain."""

from __future__ import annotations

from notifydb.models import (
    api_keys,
    billing,
    branding,
    callbacks,
    inbound,
    invitations,
    jobs,
    notifications,
    organizations,
    permissions,
    providers,
    reports,
    retention,
    services,
    templates,
    users,
    webauthn,
)
from notifydb.models.base import Base

metadata = Base.metadata

__all__ = [
    "Base",
    "api_keys",
    "billing",
    "branding",
    "callbacks",
    "inbound",
    "invitations",
    "jobs",
    "metadata",
    "notifications",
    "organizations",
    "permissions",
    "providers",
    "reports",
    "retention",
    "services",
    "templates",
    "users",
    "webauthn",
]
