-- The indexes of a table (its oid), or the one of a name among them, with definitions that name neither index
-- nor table. To be run with an empty search_path, so that all other names come out qualified.
SELECT i.indexrelid::regclass::text AS index, i.indisvalid AS valid,
       CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END
       || regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )??INDEX .*? ON (ONLY )??.*? USING ', '') AS definition,
       -- To a role without pg_read_all_stats only the pid is shown: then the lock on the table tells.
       (SELECT p.pid FROM pg_stat_progress_create_index p
        WHERE p.index_relid = i.indexrelid
           OR (p.index_relid IS NULL AND p.pid <> pg_backend_pid() AND EXISTS (
                   SELECT FROM pg_locks l WHERE l.pid = p.pid AND l.relation = i.indrelid
                   AND l.mode = 'ShareUpdateExclusiveLock'))
        LIMIT 1) AS built_by
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = %(table)s::oid AND (c.relname = %(index)s OR %(index)s IS NULL)
