-- Tables that rows can be deleted from: a partitioned table stands for its partitions.
SELECT
    n.nspname AS schema,
    c.relname AS name,
    sizes.rows,
    sizes.bytes,
    c.relkind = 'p' AS partitioned,
    ARRAY(
        SELECT a.attname::text FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
    ) AS columns,
    ARRAY(
        SELECT format_type(a.atttypid, NULL) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
    ) AS types,
    ARRAY(
        SELECT a.attnotnull FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
    ) AS not_null,
    ARRAY(
        SELECT a.attgenerated <> '' FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
    ) AS generated,
    ARRAY(
        SELECT a.attname::text
        FROM pg_constraint k
        CROSS JOIN unnest(k.conkey) WITH ORDINALITY AS key (attnum, place)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = key.attnum
        WHERE k.conrelid = c.oid AND k.contype = 'p' ORDER BY key.place
    ) AS primary_key,
    EXISTS (
        -- tgtype 8: fires on DELETE
        SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgtype & 8 <> 0
    ) AS delete_trigger
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT
        coalesce(sum(greatest(leaf.reltuples, 0)), 0)::bigint AS rows,
        coalesce(sum(pg_total_relation_size(leaf.oid)), 0)::bigint AS bytes
    FROM pg_class leaf
    WHERE leaf.oid = c.oid OR leaf.oid IN (SELECT t.relid FROM pg_partition_tree(c.oid) t WHERE t.isleaf)
) sizes
WHERE c.relkind IN ('r', 'p')
  AND NOT c.relispartition
  AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_'
  AND n.nspname NOT IN ('information_schema', 'notifydb')
ORDER BY n.nspname, c.relname
