"""The catalog as plain text: every object of the user's schemas with its definition."""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping

import sqlalchemy as sa

Catalog = Mapping[tuple[str, str], str]


def read_catalog(conn: sa.Connection) -> Catalog:
    """`{(kind, name): definition}` with qualified names, without notifydb's schema and alembic_version."""
    query = importlib.resources.files("notifydb.postgres").joinpath("sql/fingerprint.sql")
    with conn.begin_nested() if conn.in_transaction() else conn.begin():
        conn.execute(sa.text("SELECT set_config('search_path', '', true)"))
        rows = conn.exec_driver_sql(query.read_text(encoding="utf-8"))
        return {(row.kind, row.name): row.definition for row in rows}
