"""Database URLs: one driver, and no password in anything that is shown."""

from __future__ import annotations

import re

from notifydb import errors

DRIVER = "postgresql+psycopg"
_SCHEME = re.compile(r"^(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*)://")
_POSTGRES = re.compile(r"^(postgres|postgresql)(\+\w+)?$")
# The greedy match reaches the last @ before the path: passwords may hold an unescaped @, : or /.
_IN_URL = re.compile(r"(?P<head>[A-Za-z][A-Za-z0-9+.\-]*://[^\s:/@'\"]*:)(?P<secret>[^\s'\"]*)(?=@)")
_AS_FIELD = re.compile(
    r"(?P<head>\b(?:pass(?:word|wd)?|pgpassword|sslpassword)['\"]?\s*[=:]\s*\\*)"
    r"(?P<secret>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^\s&'\",)}]+)",
    re.IGNORECASE,
)


def normalise_url(raw: str) -> str:
    """`postgres://`, `postgresql://` and other drivers' spellings, all as psycopg 3.

    Raises ConfigurationError for anything that is not a Postgres URL; the message holds no part of it
    but the scheme.
    """
    text = raw.strip()
    match = _SCHEME.match(text)
    if match is None:
        raise errors.ConfigurationError(
            "the database URL is not a URL", hint="it looks like postgresql://user:password@host:5432/name"
        )
    scheme = match["scheme"].lower()
    if not _POSTGRES.match(scheme):
        raise errors.ConfigurationError(
            f"the database URL is for {scheme}; notifydb works on Postgres only",
            hint="it looks like postgresql://user:password@host:5432/name",
        )
    return f"{DRIVER}{text[match.end('scheme') :]}"


def redact(text: str) -> str:
    """The text with every password of a URL or a `password=` field replaced by `***`."""
    text = _IN_URL.sub(lambda match: f"{match['head']}***", text)
    return _AS_FIELD.sub(lambda match: f"{match['head']}***", text)
