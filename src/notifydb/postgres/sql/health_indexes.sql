-- Indexes that are INVALID, with the pid of the session that builds one just now. Run with an empty search_path.
-- A REINDEX CONCURRENTLY leaves some in pg_toast as well.
SELECT x.indexrelid::regclass::text AS name, x.indrelid::regclass::text AS "table",
       pg_get_indexdef(x.indexrelid) AS definition, x.indisunique AS is_unique, i.relkind = 'I' AS is_partitioned,
       ARRAY(SELECT pg_get_indexdef(x.indexrelid, k, false) FROM generate_series(1, x.indnkeyatts) k ORDER BY k) AS keys,
       pg_get_expr(x.indpred, x.indrelid) AS predicate,
       -- What a session of another role builds is hidden from those who may not read all statistics.
       (SELECT min(p.pid) FROM pg_stat_progress_create_index p
        WHERE p.datname = current_database() AND (p.index_relid = x.indexrelid OR p.relid IS NULL)) AS builder,
       ARRAY(SELECT t.relid::text FROM pg_partition_tree(x.indrelid) t
             WHERE t.parentrelid = x.indrelid AND NOT EXISTS (
                 SELECT FROM pg_index y JOIN pg_inherits h ON h.inhrelid = y.indexrelid
                 WHERE y.indrelid = t.relid AND h.inhparent = x.indexrelid)
             ORDER BY 1) AS bare_partitions
FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_namespace n ON n.oid = i.relnamespace
WHERE NOT x.indisvalid AND n.nspname NOT LIKE 'pg\_temp%' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1
