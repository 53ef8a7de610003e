"""Who may destroy what: a pure table from (operation, target, settings, confirmation) to a Permit or reasons.

Functions that destroy take a `Permit`; only this module makes one.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator
from typing import Final, Literal

from notifydb import errors
from notifydb.settings.environment import Environment, Name, Voice, strictest


class Operation(enum.StrEnum):
    """What somebody wants to do to a database."""

    PURGE = "purge"
    RESTORE = "restore"
    RESET = "reset"
    DOWNGRADE = "downgrade"
    STAMP_BACK = "stamp backwards"
    RESTAMP = "restamp"
    DESTRUCTIVE_UPGRADE = "destructive upgrade"
    CANCEL_BLOCKERS = "cancel blockers"


#: Loses rows that no migration brings back: never in production, whatever is set.
DATA_LOSS: Final = frozenset({Operation.PURGE, Operation.RESTORE, Operation.RESET})


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """What the database says of itself: `foreign` is a mark that was written for another database."""

    state: Literal["present", "missing", "foreign", "unreadable"]
    environment: Environment | None = None

    def voice(self, source: str = "the database's mark") -> Voice | None:
        """An unreadable mark is production; a missing or foreign one says nothing."""
        if self.state == "unreadable":
            return Voice(f"{source}, which cannot be read", Environment.PRODUCTION)
        if self.state == "present" and self.environment is not None:
            return Voice(source, self.environment)
        return None


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """The database an operation is about.

    `setting` is its second mark, outside of its data; `unfit` tells why this connection is none to write through.
    """

    database: str
    mark: Mark
    setting: Mark = Mark("missing")
    embedded: bool = False
    standby: bool = False
    unfit: str | None = None

    def voices(self) -> tuple[Voice, ...]:
        """What the database says of itself, in both places."""
        said = (self.mark.voice(), self.setting.voice("the database's setting notifydb.environment"))
        return tuple(voice for voice in said if voice is not None)


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """All that the table looks at.

    `voices` are the settings' words on the environment, `confirmation` the database name as typed, and
    `reasoned` tells that the migration itself says, with a reason, that it is destructive. `names` are those
    of hosts, databases and the platform: they can speak against an operation, never for it.
    """

    operation: Operation
    target: Target
    voices: tuple[Voice, ...] = ()
    allow_destructive: bool = False
    confirmation: str | None = None
    reasoned: bool = False
    names: tuple[Name, ...] = ()


_SEAL: Final = object()


@dataclasses.dataclass(frozen=True, slots=True)
class Permit:
    """The proof that the guard said yes to one operation on one database.

    A `rehearsal` is what nobody had to confirm: all that is done with it is rolled back.
    """

    operation: Operation
    database: str
    environment: Environment
    embedded: bool = False
    rehearsal: bool = False
    _seal: object = dataclasses.field(repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        if self._seal is not _SEAL:
            raise errors.InternalError("only the guard makes a permit")

    def require(self, operation: Operation, database: str, *, rehearsal: bool = False) -> None:
        """Raises InternalError when the permit is for something else, or for a rehearsal only."""
        if (self.operation, self.database) != (operation, database):
            raise errors.InternalError(f"a permit for {self.operation} was used for {operation}")
        if self.rehearsal and not rehearsal:
            raise errors.InternalError(f"a permit for a rehearsal was used for {operation}")


def environment_of(request: Request) -> Environment:
    """The strictest voice; an embedded database of which nobody knows more is a development one."""
    return _heard(_voices(request), request.target)


def _heard(voices: tuple[Voice, ...], target: Target) -> Environment:
    """Of an embedded database, a voice that does not know does not outvote one that does."""
    strict = strictest(voices)
    if strict is not Environment.UNKNOWN or not target.embedded:
        return strict
    known = tuple(each for each in voices if each.environment is not Environment.UNKNOWN)
    return strictest(known) if known else Environment.DEVELOPMENT


def _voices(request: Request) -> tuple[Voice, ...]:
    said = request.voices or (Voice("it is not set", Environment.UNKNOWN),)
    return (*said, *request.target.voices())


def permit(request: Request, *, rehearsal: bool = False) -> Permit:
    """A Permit, or Refused with every reason there is; for a rehearsal, as if the name had been typed."""
    if rehearsal:
        request = dataclasses.replace(request, confirmation=request.target.database)
    reasons = refusals(request)
    if reasons:
        raise errors.Refused(
            f"{request.operation} of database {request.target.database!r} is refused", reasons=reasons
        )
    target = request.target
    environment = environment_of(request)
    return Permit(request.operation, target.database, environment, target.embedded, rehearsal, _SEAL)


def refusals(request: Request) -> tuple[str, ...]:
    """Every reason against the operation; none means that it may run."""
    environment = environment_of(request)
    checks = (
        _unfit(request.target),
        *_unmarked(request.operation, request.target),
        _environment(request, environment),
        *_named(request),
        _confirmation(request, environment),
    )
    return tuple(reason for reason in checks if reason)


def second_thoughts(permit: Permit, target: Target) -> tuple[str, ...]:
    """Every reason against going on with a permit on the database as it is now."""
    checks = (
        None if target.database == permit.database else f"the database is now called {target.database!r}",
        _unfit(target),
        *_unmarked(permit.operation, target),
        *(
            f"the permit is for {permit.environment}, {voice.source} says {voice.environment}"
            for voice in target.voices()
            if voice.environment.strictness > permit.environment.strictness
        ),
    )
    return tuple(reason for reason in checks if reason)


def needs_confirmation(operation: Operation, environment: Environment) -> bool:
    """Whether the database's name has to be typed."""
    if operation in DATA_LOSS:
        return True
    serious = environment in (Environment.PRODUCTION, Environment.UNKNOWN)
    return serious and operation is not Operation.DESTRUCTIVE_UPGRADE


def keeps_sources(request: Request) -> bool:
    """Whether the sources of applied migrations are kept in the database, and run from there.

    Who may write the database decides then what runs here; so only where nothing is at stake.
    """
    return environment_of(request) in (Environment.DEVELOPMENT, Environment.TEST)


def _unfit(target: Target) -> str | None:
    return "the server is a standby: nothing can be written there" if target.standby else target.unfit


def _unmarked(operation: Operation, target: Target) -> tuple[str, ...]:
    if operation not in DATA_LOSS or target.embedded:
        return ()
    match target.mark.state:
        case "missing":
            return ("the database carries no mark of what it is (notifydb environment show)",)
        case "foreign":
            return ("the database's mark was written for another database: it is a copy of something",)
        case "present" | "unreadable":
            return ()


def _environment(request: Request, environment: Environment) -> str | None:
    if environment in (Environment.DEVELOPMENT, Environment.TEST):
        return None
    operation, said = request.operation, _said(request, environment)
    if operation in DATA_LOSS and environment is not Environment.STAGING:
        return f"{said}; {operation} is never done there"
    if operation in DATA_LOSS and not request.allow_destructive:
        return f"{said}, and {operation} is not allowed there by the settings"
    if request.allow_destructive or (operation is Operation.DESTRUCTIVE_UPGRADE and request.reasoned):
        return None
    return f"{said}, and destructive operations are not allowed by the settings (allow_destructive)"


def _named(request: Request) -> Iterator[str]:
    """notifydb's own database is what it is, wherever its folder lies."""
    if request.operation in DATA_LOSS and not request.target.embedded:
        for name in request.names:
            if name.sounds_like_production:
                yield f"{name.source} is called {name.text!r}: that sounds like production"


def _confirmation(request: Request, environment: Environment) -> str | None:
    if not needs_confirmation(request.operation, environment):
        return None
    return _typed(request.target.database, request.confirmation)


def _typed(database: str, confirmation: str | None) -> str | None:
    if confirmation is None:
        return "the database's name was not typed as confirmation"
    if confirmation != database:
        return f"the confirmation {confirmation!r} is not the database's name"
    return None


def _said(request: Request, environment: Environment) -> str:
    source = next(voice.source for voice in _voices(request) if voice.environment is environment)
    if environment is Environment.UNKNOWN:
        return f"the environment is not known ({source}), which counts as production"
    return f"the environment is {environment} ({source})"


def mark_refusals(
    target: Target, wanted: Environment, voices: tuple[Voice, ...], confirmation: str | None
) -> tuple[str, ...]:
    """Every reason against marking the target as `wanted`; none means that it may be done.

    A mark can be made stricter by anybody who may write; it is never taken down from production, and a
    setting that is stricter than the new mark is heard first.
    """
    held = any(voice.environment is Environment.PRODUCTION for voice in target.voices())
    said = _heard(voices, target)
    louder = said.strictness > wanted.strictness
    checks = (
        _unfit(target),
        "the database is marked as production, or its mark cannot be read; that is never taken back"
        if held and wanted is not Environment.PRODUCTION
        else None,
        f"the settings say {said}, which is stricter" if louder else None,
        _typed(target.database, confirmation),
    )
    return tuple(reason for reason in checks if reason)
