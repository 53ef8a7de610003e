"""What the user set, where it came from, and nothing secret in sight."""

from __future__ import annotations

from notifydb.settings.environment import Environment, Voice
from notifydb.settings.load import Loaded, load_settings
from notifydb.settings.model import Settings
from notifydb.settings.url import SecretUrl, normalise_url, redact, shown_url

__all__ = [
    "Environment",
    "Loaded",
    "SecretUrl",
    "Settings",
    "Voice",
    "load_settings",
    "normalise_url",
    "redact",
    "shown_url",
]
