-- Foreign keys as declared, once each: those that Postgres copies to partitions have a conparentid.
-- A key declared on a partition is told of the table that it is a partition of.
SELECT
    k.conname AS name,
    child_schema.nspname AS child_schema,
    child.relname AS child_table,
    parent_schema.nspname AS parent_schema,
    parent.relname AS parent_table,
    ARRAY(
        SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS key (attnum, place)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = key.attnum ORDER BY key.place
    ) AS child_columns,
    ARRAY(
        SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS key (attnum, place)
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = key.attnum ORDER BY key.place
    ) AS parent_columns,
    EXISTS (
        SELECT FROM pg_attribute a
        WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND NOT a.attnotnull
    ) AS nullable,
    k.confdeltype::text AS on_delete,
    k.condeferrable AS deferrable,
    k.convalidated AS validated,
    EXISTS (
        -- Usable for the check of a deleted parent: whole, and beginning with the key's columns in any order.
        SELECT FROM pg_index i
        WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
          AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
    ) AS indexed,
    -- On a partitioned table, each partition has its own; they are made in the same order.
    coalesce((
        SELECT min(t.tgname::text COLLATE "C") FROM pg_trigger t
        WHERE t.tgconstraint = k.oid AND t.tgrelid = k.conrelid AND t.tgname LIKE 'RI_ConstraintTrigger_c%'
    ), '') AS trigger,
    k.confmatchtype = 'f' AS match_full,
    -- As JSON, the columns that only newer servers have can be asked for.
    CASE
        WHEN k.confrelid <> parent.oid THEN 'refers to a single partition'
        WHEN k.conrelid <> child.oid AND EXISTS (
            SELECT FROM pg_partition_tree(child.oid) leaf
            WHERE leaf.isleaf AND NOT EXISTS (
                SELECT FROM pg_constraint other
                WHERE other.conrelid = leaf.relid AND other.contype = 'f' AND other.confrelid = k.confrelid
                  AND other.confdeltype = k.confdeltype AND other.confkey = k.confkey
                  AND ARRAY(
                      SELECT a.attname FROM unnest(other.conkey) WITH ORDINALITY AS key (attnum, place)
                      JOIN pg_attribute a ON a.attrelid = other.conrelid AND a.attnum = key.attnum ORDER BY key.place
                  ) = ARRAY(
                      SELECT a.attname FROM unnest(k.conkey) WITH ORDINALITY AS key (attnum, place)
                      JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = key.attnum ORDER BY key.place
                  )
            )
        ) THEN 'is of some partitions only'
        WHEN (to_jsonb(k) ->> 'conperiod')::boolean THEN 'is temporal'
        WHEN NOT (to_jsonb(k) ->> 'conenforced')::boolean THEN 'is not enforced'
    END AS oddity,
    -- What ON DELETE SET NULL and SET DEFAULT write: columns, each with its default where that is it. The list of
    -- columns is read as JSON: older servers have none.
    coalesce((
        SELECT jsonb_agg(jsonb_build_array(a.attname, CASE WHEN k.confdeltype = 'd' THEN format(
            'CAST((%s) AS %s)',
            coalesce(pg_get_expr(d.adbin, d.adrelid), pg_get_expr(t.typdefaultbin, 0), 'NULL'),
            format_type(a.atttypid, a.atttypmod)
        ) END) ORDER BY key.place)
        FROM unnest(k.conkey) WITH ORDINALITY AS key (attnum, place)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = key.attnum
        JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE k.confdeltype IN ('n', 'd')
          AND coalesce(nullif(to_jsonb(k) -> 'confdelsetcols', 'null') @> to_jsonb(key.attnum), true)
    ), '[]') AS on_delete_sets
FROM pg_constraint k
JOIN pg_class child
  ON child.oid = coalesce(pg_partition_root(k.conrelid)::oid, k.conrelid)
JOIN pg_namespace child_schema ON child_schema.oid = child.relnamespace
JOIN pg_class parent
  ON parent.oid = coalesce(pg_partition_root(k.confrelid)::oid, k.confrelid)
JOIN pg_namespace parent_schema ON parent_schema.oid = parent.relnamespace
WHERE k.contype = 'f'
  AND k.conparentid = 0
  AND child_schema.nspname !~ '^pg_'
  AND child_schema.nspname NOT IN ('information_schema', 'notifydb')
ORDER BY child_schema.nspname, child.relname, k.conname
