"""What a prefix matches: a literal beginning of an address, never a pattern."""

from __future__ import annotations

import dataclasses
import datetime
import re
import uuid
from collections.abc import Iterator
from typing import Final

from notifydb import errors
from notifydb.postgres.relations import Catalog, Column, Table, literal, quoted
from notifydb.purge import names
from notifydb.settings.model import PurgeSettings

SHORTEST: Final = 5
LONGEST: Final = 64
_UUID: Final = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
#: A test user's address: anything, a plus and a UUID before the only @.
_TAGGED: Final = rf"^[^@]*\+{_UUID}@[^@]+$"


def checked_prefix(prefix: str) -> str:
    """The prefix itself; raises UsageError for one that is no safe literal beginning of an address."""
    objection = _objection(prefix)
    if objection is None:
        return prefix
    raise errors.UsageError(
        f"{_shown(prefix)} is not a prefix to purge by: {objection}",
        hint="give the beginning of the functional tests' addresses, as in --prefix notify-tests-preview",
    )


def _objection(prefix: str) -> str | None:
    checks = (
        (len(prefix) < SHORTEST, f"it is shorter than {SHORTEST} characters"),
        (len(prefix) > LONGEST, f"it is longer than {LONGEST} characters"),
        (not prefix.isascii(), "it holds characters outside of ASCII, which may only look alike"),
        (not prefix.isprintable(), "it holds control characters"),
        ("@" in prefix, "it goes beyond the @"),
        (re.search("[%*?\\\\]", prefix) is not None, "it looks like a pattern, and none is understood"),
        (re.search("[a-zA-Z]", prefix) is None, "it holds no letter"),
        (re.fullmatch(r"[a-zA-Z0-9][\w.+-]*", prefix, re.ASCII) is None, "no address begins like that"),
    )
    return next((why for wrong, why in checks if wrong), None)


def _shown(prefix: str) -> str:
    return ascii(prefix if len(prefix) <= LONGEST else f"{prefix[:20]}...")


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """The root rows that a prefix means, as conditions on the row `t` with the bound `parameters`."""

    table: Table
    column: str
    prefix: str
    protected: tuple[str, ...]
    protected_when: tuple[str, ...]
    require_uuid: bool
    delete_shared: tuple[str, ...] = ()
    ignore_case: bool = False
    age: Column | None = None
    made_before: datetime.datetime | None = None

    @property
    def parameters(self) -> dict[str, object]:
        return {
            "prefix": self.prefix,
            "protected": list(self.protected),
            "protected_uuids": [key for key in map(_as_uuid, self.protected) if key is not None],
            "tagged": _TAGGED,
            "delete_shared": list(self.delete_shared),
            "made_before": self.made_before,
        }

    @property
    def _address(self) -> str:
        return f't.{quoted(self.column)}::text COLLATE "C"'

    @property
    def looks_alike(self) -> str:
        """Begins with the prefix in whatever case."""
        return f"starts_with(lower({self._address}), lower(:prefix))"

    @property
    def wrong(self) -> str:
        """Why a look-alike is not meant, or NULL."""
        cases = [f"WHEN NOT starts_with({self._address}, :prefix) THEN 'differs in case'"]
        if self.ignore_case:
            cases.clear()
        if self.require_uuid:
            cases.append(f"WHEN {self._address} !~ :tagged THEN 'has no + and UUID before its @'")
        if self.age is not None:
            # What has no time zone is taken to be UTC; a row that does not say how old it is, is not old.
            limit = "CAST(:made_before AS timestamptz)"
            if self.age.type != "timestamp with time zone":
                limit = f"{limit} AT TIME ZONE 'UTC'"
            old = f"t.{quoted(self.age.name)} < {limit}"
            cases.append(f"WHEN ({old}) IS NOT TRUE THEN 'is not that old'")
        return f"CASE {' '.join(cases)} END" if cases else "NULL"

    @property
    def protection(self) -> str:
        """Why a matched row is left, or NULL."""
        flags = "".join(f" WHEN t.{quoted(flag)} THEN {literal(flag)}" for flag in self.protected_when)
        return f"CASE WHEN {is_protected(self.table)} THEN 'listed as protected'{flags} END"

    @property
    def selected(self) -> str:
        return f"{self.looks_alike} AND ({self.wrong}) IS NULL AND ({self.protection}) IS NULL"


def _as_uuid(text: str) -> str | None:
    """In braces, in capitals or with a blank at its end it is still the same."""
    try:
        return str(uuid.UUID(text.strip()))
    except ValueError:
        return None


def is_protected(table: Table, alias: str = "t") -> str:
    """A condition: the row's key is one of `:protected`."""
    if len(table.primary_key) != 1:
        return "false"
    key = table.column(table.primary_key[0])
    if key is not None and key.type == "uuid":
        # As what they are, they can be hashed, and the row's key stays as it is.
        return f"{alias}.{quoted(key.name)} = ANY (CAST(:protected_uuids AS uuid[]))"
    return f"{alias}.{quoted(table.primary_key[0])}::text = ANY (:protected)"


def find_target(catalog: Catalog, settings: PurgeSettings, prefix: str) -> Target:
    """Raises UsageError for a bad prefix, ConfigurationError when the root is not in this database."""
    literal_prefix = checked_prefix(prefix)
    root = names.column(catalog, settings.root)
    if root is None:
        raise errors.ConfigurationError(
            f"the root of the purge, {settings.root}, is not in this database", hint="set purge.root"
        )
    if not root.table.primary_key:
        raise errors.ConfigurationError(f"{root.table.name} has no primary key to purge by")
    made_before = None if settings.older_than is None else moment(settings.older_than)
    return Target(
        root.table,
        root.name,
        literal_prefix,
        settings.protected,
        tuple(_flags(catalog, root.table, settings)),
        settings.require_uuid,
        settings.delete_shared,
        settings.ignore_case,
        _age_column(catalog, root.table, settings) if made_before else None,
        made_before,
    )


def moment(text: str) -> datetime.datetime:
    """What was made before it is older than `2d`, `12h` or `30m`, or than a time in ISO 8601 with its zone.

    Raises UsageError for anything else.
    """
    match = re.fullmatch(r"(\d{1,6})([dhm])", text.strip())
    units = {"d": "days", "h": "hours", "m": "minutes"}
    try:
        if match is not None:
            return datetime.datetime.now(datetime.UTC) - datetime.timedelta(
                **{units[match[2]]: int(match[1])}
            )
        found = datetime.datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        found = None
    if found is None or found.tzinfo is None:
        raise errors.UsageError(f"{text!r} is no age", hint="write it as 2d, 12h or 30m")
    return found


def _age_column(catalog: Catalog, root: Table, settings: PurgeSettings) -> Column:
    age = names.column(catalog, settings.age)
    column = root.column(age.name) if age is not None and age.table.name == root.name else None
    if column is None or not re.fullmatch("timestamp with(out)? time zone|date", column.type):
        raise errors.ConfigurationError(
            f"purge.age: {settings.age} is no date or time of {root.name}, so nobody is older than anything",
            hint="set purge.age",
        )
    return column


def _flags(catalog: Catalog, root: Table, settings: PurgeSettings) -> Iterator[str]:
    """What cannot be understood as a protection is an error: it would protect nobody."""
    for text in settings.protected_when:
        flag = names.column(catalog, text)
        if flag is not None and flag.table.name == root.name and flag.type == "boolean":
            yield flag.name
        elif flag is not None or "protected_when" in settings.given:
            raise errors.ConfigurationError(
                f"purge.protected_when: {text} is no boolean column of {root.name}"
            )
