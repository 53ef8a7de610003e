"""The database that Cloud Foundry binds to an application through `VCAP_SERVICES`, and the application's names."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from notifydb import errors
from notifydb.settings.environment import Name
from notifydb.settings.url import normalise_url

# cloud.gov's broker first; a user-provided service may hold anything, so it must look like Postgres.
_LABELS = ("aws-rds", "user-provided")
_URI_KEYS = ("uri", "url", "database_url", "DATABASE_URL")


def database_url(vcap_services: str, service_name: object = None) -> tuple[str, str] | None:
    """The URL and the name of the service it came from, or None when no Postgres is bound.

    Raises ConfigurationError when the JSON or the URL cannot be read, or when several databases are bound
    and `service_name` does not say which.
    """
    found = list(_candidates(_parse(vcap_services)))
    chosen = [each for each in found if service_name in (None, each[0])]
    bound = ", ".join(sorted(name for name, _ in found))
    if service_name is not None and not chosen:
        raise errors.ConfigurationError(
            f"VCAP_SERVICES binds no Postgres service named {service_name!r}",
            hint=f"bound are: {bound or 'none'}",
        )
    if len(chosen) > 1:
        raise errors.ConfigurationError(
            f"VCAP_SERVICES binds several databases: {bound}",
            hint="set NOTIFYDB_SERVICE_NAME to the one to use",
        )
    return next(((normalise_url(url), name) for name, url in chosen), None)


def names(vcap_application: str) -> tuple[Name, ...]:
    """What `VCAP_APPLICATION` calls the application and its space; all of it where it cannot be read."""
    if not vcap_application.strip():
        return ()
    try:
        said = json.loads(vcap_application)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        return (Name("VCAP_APPLICATION", vcap_application),)
    called = {"the space of VCAP_APPLICATION": "space_name", "the application": "application_name"}
    return tuple(Name(source, str(said[key])) for source, key in called.items() if said.get(key))


def _parse(vcap_services: str) -> Mapping[str, Any]:
    try:
        services = json.loads(vcap_services)
    except (ValueError, RecursionError) as error:
        # The text holds credentials: no part of it may reach the message or the traceback.
        raise errors.ConfigurationError(
            f"VCAP_SERVICES is not JSON (at character {_position(error)})"
        ) from None
    if not isinstance(services, dict):
        raise errors.ConfigurationError("VCAP_SERVICES is not a JSON object")
    return services


def _position(error: Exception) -> int:
    return getattr(error, "pos", 0)


def _candidates(services: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for label in _LABELS:
        bound = services.get(label, [])
        for place, service in enumerate(bound if isinstance(bound, list) else []):
            if not isinstance(service, dict):
                continue
            url = _url_of(service.get("credentials"))
            if url is not None:
                yield str(service.get("name") or f"{label}[{place}]"), url


def _url_of(credentials: object) -> str | None:
    if not isinstance(credentials, dict):
        return None
    for key in _URI_KEYS:
        uri = credentials.get(key)
        if isinstance(uri, str) and uri.startswith(("postgres://", "postgresql://")):
            return uri
    host, name = credentials.get("host"), credentials.get("db_name") or credentials.get("name")
    if not (host and name and credentials.get("username")):
        return None
    user, password = (quote(str(credentials.get(key, "")), safe="") for key in ("username", "password"))
    return f"postgresql://{user}:{password}@{host}:{credentials.get('port', 5432)}/{name}"
