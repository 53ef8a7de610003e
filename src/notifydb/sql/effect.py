"""What becomes of a statement that is sent a second time, as a value."""

from __future__ import annotations

import enum


class Effect(enum.IntEnum):
    """From the harmless to what must not happen twice; of several statements the greatest counts."""

    #: It changes no data: a query, a setting of the session, the begin or end of a transaction.
    NONE = 0
    #: A second time it changes nothing, or does what the first left undone.
    AGAIN = 1
    #: A second time it fails, or does something else.
    ONCE = 2
