-- The indexes of a table (its oid), or the one of a name among them, with definitions that name neither index
-- nor table. To be run with an empty search_path, so that all other names come out qualified.
SELECT i.indexrelid::regclass::text AS index, i.indisvalid AS valid,
       CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END
       || regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )??INDEX .*? ON (ONLY )??.*? USING ', '') AS definition,
       (SELECT p.pid FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid) AS built_by
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = %(table)s::oid AND (c.relname = %(index)s OR %(index)s IS NULL)
