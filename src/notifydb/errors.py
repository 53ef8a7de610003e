"""The error tree: a class owns its exit code, its docstring is the default message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class NotifydbError(Exception):
    """Something went wrong in notifydb itself."""

    exit_code: ClassVar[int] = 70
    hint: str | None = None

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        """`hint` is the next command to type, or the next thing to do."""
        super().__init__(message or self.__class__.__doc__)
        if hint is not None:
            self.hint = hint

    @property
    def message(self) -> str:
        return str(self.args[0])


class InternalError(NotifydbError):
    """This is a bug in notifydb; please report it."""


class UsageError(NotifydbError):
    """The command was not called in a way that can work."""

    exit_code = 2


class ConfigurationError(UsageError):
    """The settings do not fit together."""


class HistoryError(UsageError):
    """The migrations folder does not hold one readable history."""


class Refused(NotifydbError):
    """The guard refused the operation."""

    exit_code = 3

    def __init__(
        self, message: str | None = None, *, reasons: Sequence[str] = (), hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.reasons = tuple(reasons)


class Unavailable(NotifydbError):
    """The database could not be used now; try again later."""

    exit_code = 4


class DatabaseUnreachable(Unavailable):
    """The database could not be reached."""


class LockNotAvailable(Unavailable):
    """A lock was not granted in time."""

    def __init__(
        self, message: str | None = None, *, reasons: Sequence[str] = (), hint: str | None = None
    ) -> None:
        """`reasons` are who holds it, a line each."""
        super().__init__(message, hint=hint)
        self.reasons = tuple(reasons)


class RunnerActive(Unavailable):
    """Another notifydb is working on this database."""


class ShadowUnavailable(Unavailable):
    """No server for shadow databases is to be had."""


class ProofFailed(NotifydbError):
    """A proof failed: what was done is not what was meant."""

    exit_code = 5


class MigrationFailed(NotifydbError):
    """A migration failed."""

    exit_code = 6

    def __init__(
        self, message: str | None = None, *, revision: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.revision = revision


class OutputLost(NotifydbError):
    """What was asked for could not be written to stdout."""

    exit_code = 74
