"""The fault suite: what a run of migrations must survive, done to real processes on a real server."""

from __future__ import annotations
