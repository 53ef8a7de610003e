"""Database URLs: one driver, and no password in anything that is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote_plus

from notifydb import errors

DRIVER = "postgresql+psycopg"
# The secret of the example is what redaction makes of one: it reads the same in every output.
_LOOKS_LIKE = "it looks like postgresql://USER:***@HOST:5432/NAME"
_ESCAPE = "a @, : or / of the user or the password is written %40, %3A or %2F"

# SQLAlchemy divides a URL just so; where it saw another password, that one would be shown.
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*)://"
    r"(?P<login>(?P<user>[^:/]*)(?P<password>:[^@]*)?@)?"
    r"(?P<hosts>[^/?]*)(?P<name>/[^?]*)?(?P<query>\?.*)?",
    re.DOTALL,
)
_POSTGRES = re.compile(r"(postgres|postgresql)(\+\w+)?")
_HOST = re.compile(r"(\[[^\s@\[\]/]+\]|[^\s@\[\]:]*)(?::(?P<port>[0-9]*))?")
# Known to every libpq; it is only asked for more than these, because loading it takes its time.
_COMMON = frozenset({"host", "port", "sslmode", "sslrootcert", "connect_timeout", "application_name"})
_SECRET_PARAMETER = re.compile(r"pass|secret|_key", re.IGNORECASE)

# The greedy match reaches the last @ before a space: passwords may hold an unescaped @, :, / or quote.
_IN_URL = re.compile(r"(?P<head>[A-Za-z][A-Za-z0-9+.\-]*://[^\s:/]*:)(?P<secret>\S*)(?=@)")
_AS_FIELD = re.compile(
    r"(?P<head>(?P<in_query>[?&])?\b(?:pass(?:word|wd)?|pgpassword|sslpassword)['\"]?\s*[=:]\s*\\*)"
    r"(?:(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")(?![^\s&'\",;)}\]\\])"
    r"|(?(in_query)(?:[^\s&]*[^\s&'\",;)}\]\\]|[^\s&]+)|(?:\S*[^\s'\",;)}\]\\]|\S+)))",
    re.IGNORECASE,
)


class SecretUrl:
    """A database URL that shows itself to nobody who does not ask for it by name."""

    __slots__ = ("_url",)

    def __init__(self, url: str) -> None:
        self._url = url

    @classmethod
    def of(cls, raw: str) -> SecretUrl:
        """Normalised; raises ConfigurationError as `normalise_url` does."""
        return cls(normalise_url(raw))

    def get_secret_value(self) -> str:
        return self._url

    def __repr__(self) -> str:
        return "SecretUrl('***')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretUrl) and self._url == other._url

    def __hash__(self) -> int:
        return hash(self._url)


def normalise_url(raw: str) -> str:
    """`postgres://`, `postgresql://` and other drivers' spellings, all as psycopg 3.

    Several hosts move into the query, where SQLAlchemy takes them. Raises ConfigurationError for what no
    connection can be tried with; the message holds no part that could be a secret.
    """
    parts = _URL.fullmatch(raw.strip())
    if parts is None:
        raise errors.ConfigurationError("the database URL is not a URL", hint=_LOOKS_LIKE)
    scheme = parts["scheme"].lower()
    if not _POSTGRES.fullmatch(scheme):
        raise errors.ConfigurationError(
            f"the database URL is for {scheme}; notifydb works on Postgres only", hint=_LOOKS_LIKE
        )
    return f"{DRIVER}://{parts['login'] or ''}{_checked_place(parts)}"


def shown_url(url: str) -> str:
    """The URL without its passwords, or only `***` where it cannot be told what is one."""
    parts = _URL.fullmatch(url.strip())
    if parts is None or "@" in parts["hosts"] + (parts["name"] or "") + (parts["query"] or ""):
        return "***"
    login = parts["login"] or ""
    if parts["password"] is not None:
        login = f"{parts['user']}:***@"
    query = "&".join(_shown_parameter(each) for each in (parts["query"] or "").split("&"))
    return f"{parts['scheme']}://{login}{parts['hosts']}{parts['name'] or ''}{query}"


def redact(text: str) -> str:
    """The text with every password of a URL or a `password=` field replaced by `***`."""
    text = _IN_URL.sub(lambda match: f"{match['head']}***", text)
    return _AS_FIELD.sub(lambda match: f"{match['head']}***", text)


def _checked_place(parts: re.Match[str]) -> str:
    """What follows the login, with several hosts moved into the query."""
    name, query = parts["name"] or "", parts["query"] or ""
    if "@" in name:
        raise errors.ConfigurationError("the database URL has an @ too many", hint=_ESCAPE)
    hosts = list(_hosts(parts["hosts"]))
    if len(hosts) == 1:
        _check_query(query[1:])
        # SQLAlchemy takes no empty port.
        return f"{parts['hosts'].removesuffix(':')}{name}{query}"
    query = "&".join(filter(None, (_as_query(hosts), query[1:])))
    _check_query(query)
    return f"{name or '/'}?{query}"


def _hosts(text: str) -> Iterator[tuple[str, str]]:
    """Host and port of each; an @ here is part of a password that was cut in the wrong place."""
    for each in text.split(","):
        match = _HOST.fullmatch(each)
        if match is None or (match["port"] and not _is_port(match["port"])):
            raise errors.ConfigurationError("the database URL has no valid host and port", hint=_ESCAPE)
        yield match[1], match["port"] or ""


def _as_query(hosts: list[tuple[str, str]]) -> str:
    names = ",".join(host.strip("[]") for host, _ in hosts)
    ports = ",".join(port for _, port in hosts)
    return f"host={names}" + (f"&port={ports}" if ports.strip(",") else "")


def _check_query(query: str) -> None:
    given = parse_qsl(query, keep_blank_values=True)
    unknown = _unknown_to_libpq({key for key, _ in given})
    if unknown:
        # With an @ in it, it may be the rest of a password that was cut in the wrong place.
        named = "" if "@" in query else f": {', '.join(sorted(unknown))}"
        raise errors.ConfigurationError(
            f"the database URL has a parameter that libpq does not know{named}", hint=_ESCAPE
        )
    values = {key: [value for each, value in given if each == key] for key, _ in given}
    hosts, ports = values.pop("host", [""]), values.get("port", [])
    if any(len(each) > 1 for each in values.values()) or not _fit(hosts, ports):
        raise errors.ConfigurationError("the parameters of the database URL do not fit together")


def _fit(hosts: list[str], ports: list[str]) -> bool:
    """Whether SQLAlchemy can pair them: `host=a:1&host=b:2`, or lists of equal length."""
    if len(hosts) > 1:
        return not ports and all(_HOST.fullmatch(host) and host[:1] not in ",[" for host in hosts)
    numbers = ports[0].split(",") if ports else []
    return (not numbers or len(numbers) == len(hosts[0].split(","))) and all(
        number == "" or _is_port(number) for number in numbers
    )


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < int(text[:6]) < 65536


def _unknown_to_libpq(keys: set[str]) -> set[str]:
    if keys <= _COMMON:
        return set()
    from psycopg import pq

    return keys - {option.keyword.decode() for option in pq.Conninfo.get_defaults()}


def _shown_parameter(text: str) -> str:
    key, equals, _ = text.partition("=")
    return f"{key}=***" if equals and _SECRET_PARAMETER.search(unquote_plus(key)) else text
