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
        SELECT quote_ident(cn.nspname) || '.' || quote_ident(co.collname) FROM pg_attribute a
        LEFT JOIN pg_collation co ON co.oid = a.attcollation
        LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
    ) AS collations,
    -- A domain writes its values as what it is of.
    ARRAY(
        SELECT t.typoutput = 'bpcharout'::regproc FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
    ) AS padded,
    ARRAY(
        SELECT a.attnotnull FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
    ) AS not_null,
    ARRAY(
        SELECT a.attgenerated <> '' FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
    ) AS generated,
    -- Generated columns, each with a column that it is made of; older servers say so of the column, newer of its default.
    coalesce((
        SELECT jsonb_agg(DISTINCT jsonb_build_array(made.attname, origin.attname))
        FROM pg_attribute made
        JOIN pg_attrdef d ON d.adrelid = made.attrelid AND d.adnum = made.attnum
        JOIN pg_depend p ON p.refclassid = 'pg_class'::regclass AND p.refobjid = c.oid AND (
            p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid
            OR p.classid = 'pg_class'::regclass AND p.objid = c.oid AND p.objsubid = made.attnum
        )
        JOIN pg_attribute origin ON origin.attrelid = c.oid AND origin.attnum = p.refobjsubid
        WHERE made.attrelid = c.oid AND made.attgenerated <> '' AND origin.attnum <> made.attnum
    ), '[]') AS made_of,
    ARRAY(
        SELECT a.attname::text
        FROM pg_constraint k
        CROSS JOIN unnest(k.conkey) WITH ORDINALITY AS key (attnum, place)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = key.attnum
        WHERE k.conrelid = c.oid AND k.contype = 'p' ORDER BY key.place
    ) AS primary_key,
    -- Columns that a partition key has, on whatever level, bare or in an expression: the server forbids to drop them
    -- by a dependency of their own.
    ARRAY(
        SELECT DISTINCT a.attname::text FROM pg_partition_tree(c.oid) part
        JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = part.relid AND d.objsubid > 0
          AND d.refclassid = d.classid AND d.refobjid = d.objid AND d.refobjsubid = 0 AND d.deptype = 'i'
        JOIN pg_attribute a ON a.attrelid = d.objid AND a.attnum = d.objsubid
        WHERE NOT part.isleaf
    ) AS partitioned_by,
    EXISTS (
        -- tgtype 8: fires on DELETE; a partition may have its own
        SELECT FROM pg_trigger t
        WHERE NOT t.tgisinternal AND t.tgtype & 8 <> 0
          AND t.tgrelid = ANY (ARRAY(SELECT c.oid UNION ALL SELECT relid FROM pg_partition_tree(c.oid)))
    ) AS delete_trigger
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT greatest(c.reltuples, 0)::bigint AS rows, pg_total_relation_size(c.oid) AS bytes
    WHERE c.relkind = 'r'
    UNION ALL
    SELECT
        coalesce(sum(greatest(leaf.reltuples, 0)), 0)::bigint,
        coalesce(sum(pg_total_relation_size(leaf.oid)), 0)::bigint
    FROM pg_partition_tree(c.oid) t JOIN pg_class leaf ON leaf.oid = t.relid
    WHERE t.isleaf
    HAVING c.relkind = 'p'
) sizes
WHERE c.relkind IN ('r', 'p')
  AND NOT c.relispartition
  AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_'
  AND n.nspname NOT IN ('information_schema', 'notifydb')
ORDER BY n.nspname, c.relname
