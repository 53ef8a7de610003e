-- From the catalog alone, so that no table is locked: rows and pages as the last VACUUM or ANALYZE counted them.
WITH RECURSIVE storage AS (
    SELECT c.oid AS root, c.oid AS leaf, c.relkind
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm')
      AND c.relpersistence <> 't'
      AND n.nspname !~ '^pg_'
      AND n.nspname NOT IN ('information_schema', 'notifydb')
    UNION ALL
    SELECT s.root, i.inhrelid, c.relkind
    FROM storage s JOIN pg_inherits i ON i.inhparent = s.leaf JOIN pg_class c ON c.oid = i.inhrelid
    WHERE s.relkind = 'p'
),
counted AS (
    SELECT
        s.root,
        -- Before the first ANALYZE there is only what the server counts as it goes.
        CASE WHEN c.reltuples > 0 THEN c.reltuples::bigint ELSE pg_stat_get_live_tuples(c.oid) END AS rows,
        c.reltuples > 0 OR pg_stat_get_live_tuples(c.oid) = 0 AS analyzed,
        c.relpages,
        coalesce(t.relpages, 0) AS toast_pages,
        coalesce((SELECT sum(x.relpages) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                  WHERE i.indrelid = c.oid), 0) AS index_pages
    FROM storage s JOIN pg_class c ON c.oid = s.leaf LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
    WHERE s.relkind <> 'p'
)
SELECT
    n.nspname AS schema,
    c.relname AS name,
    coalesce(sum(counted.rows), 0)::bigint AS rows,
    CASE WHEN coalesce(bool_and(counted.analyzed), true) THEN pages.size * coalesce(sum(counted.relpages), 0)::bigint END AS bytes,
    CASE WHEN coalesce(bool_and(counted.analyzed), true) THEN pages.size * coalesce(sum(counted.toast_pages), 0)::bigint END AS toast_bytes,
    CASE WHEN coalesce(bool_and(counted.analyzed), true) THEN pages.size * coalesce(sum(counted.index_pages), 0)::bigint END AS index_bytes,
    CASE WHEN c.relkind = 'p' THEN count(counted.root) ELSE 0 END AS partitions
FROM (SELECT DISTINCT root FROM storage) tables
JOIN pg_class c ON c.oid = tables.root
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN counted ON counted.root = c.oid
CROSS JOIN (SELECT current_setting('block_size')::bigint AS size) pages
GROUP BY n.nspname, c.relname, c.relkind, pages.size
ORDER BY n.nspname, c.relname
