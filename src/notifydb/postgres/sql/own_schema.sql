-- notifydb's own objects; autogenerate never sees them. Each statement may run again.
CREATE SCHEMA IF NOT EXISTS notifydb;

CREATE TABLE IF NOT EXISTS notifydb.environment (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    name text NOT NULL,
    system_identifier text NOT NULL,
    database_oid bigint NOT NULL,
    set_at timestamptz NOT NULL DEFAULT now(),
    set_by text NOT NULL DEFAULT current_user
);

CREATE TABLE IF NOT EXISTS notifydb.history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operation text NOT NULL,
    revision text,
    outcome text NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seconds double precision,
    source_sha256 text,
    runner text NOT NULL,
    version text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}'
);

-- The file that was applied, where no main branch has it.
ALTER TABLE notifydb.history ADD COLUMN IF NOT EXISTS source bytea;

-- How a run went, and what it was deployed with.
ALTER TABLE notifydb.history
    ADD COLUMN IF NOT EXISTS started_at timestamptz,
    ADD COLUMN IF NOT EXISTS statements integer,
    ADD COLUMN IF NOT EXISTS retries integer,
    ADD COLUMN IF NOT EXISTS code_version text,
    ADD COLUMN IF NOT EXISTS git_commit text,
    ADD COLUMN IF NOT EXISTS instance text;

-- Purges, and the segments of their archives whose rows are deleted.
CREATE TABLE IF NOT EXISTS notifydb.purge (
    id text PRIMARY KEY,
    prefix text NOT NULL,
    plan text NOT NULL,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'continued', 'restored')),
    archive text,
    runner text NOT NULL,
    rows bigint,
    finished_by text,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
);

CREATE TABLE IF NOT EXISTS notifydb.purge_segment (
    purge text NOT NULL,
    segment integer NOT NULL,
    relation text NOT NULL,
    rows bigint NOT NULL,
    sha256 text NOT NULL,
    PRIMARY KEY (purge, segment)
);
