"""What a prefix matches: a literal beginning of an address, never a pattern."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Iterator
from typing import Final

from notifydb import errors
from notifydb.postgres.relations import Catalog, Table, literal, quoted
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
    age_column: str | None = None
    older_than: datetime.timedelta | None = None

    @property
    def parameters(self) -> dict[str, object]:
        return {
            "prefix": self.prefix,
            "protected": list(self.protected),
            "protected_uuids": [key for key in self.protected if re.fullmatch(_UUID, key)],
            "tagged": _TAGGED,
            "delete_shared": list(self.delete_shared),
            "older_than": self.older_than,
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
        if self.age_column is not None and self.older_than is not None:
            # A row that does not say how old it is, is not old.
            old = f"t.{quoted(self.age_column)} < now() - CAST(:older_than AS interval)"
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
    age = duration(settings.older_than) if settings.older_than else None
    return Target(
        root.table,
        root.name,
        literal_prefix,
        settings.protected,
        tuple(_flags(catalog, root.table, settings)),
        settings.require_uuid,
        settings.delete_shared,
        settings.ignore_case,
        _age_column(catalog, root.table, settings) if age else None,
        age,
    )


def duration(text: str) -> datetime.timedelta:
    """`2d`, `12h` or `30m`; raises UsageError for anything else."""
    match = re.fullmatch(r"(\d{1,6})([dhm])", text.strip())
    if match is None:
        raise errors.UsageError(f"{text!r} is no age", hint="write it as 2d, 12h or 30m")
    units = {"d": "days", "h": "hours", "m": "minutes"}
    return datetime.timedelta(**{units[match[2]]: int(match[1])})


def _age_column(catalog: Catalog, root: Table, settings: PurgeSettings) -> str:
    age = names.column(catalog, settings.age)
    if age is None or age.table.name != root.name or not re.match("timestamp|date", age.type):
        raise errors.ConfigurationError(
            f"purge.age: {settings.age} is no date or time of {root.name}, so nobody is older than anything",
            hint="set purge.age",
        )
    return age.name


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
