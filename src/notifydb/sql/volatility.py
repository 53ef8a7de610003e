"""Which functions give another value for every row, as far as names tell without a database."""

from __future__ import annotations

#: Volatile functions of Postgres and of the extensions that migrations meet (pgcrypto, uuid-ossp), from
#: `pg_proc.provolatile` of PostgreSQL 18. A shadow database knows better and is asked first.
VOLATILE = frozenset(
    {
        "clock_timestamp",
        "currval",
        "gen_random_bytes",
        "gen_random_uuid",
        "gen_salt",
        "lastval",
        "nextval",
        "pg_sleep",
        "random",
        "random_normal",
        "setval",
        "timeofday",
        "uuid_generate_v1",
        "uuid_generate_v1mc",
        "uuid_generate_v4",
        "uuidv4",
        "uuidv7",
    }
)
