"""Connections, failures, locks and the catalog: what Postgres itself says."""

from __future__ import annotations
