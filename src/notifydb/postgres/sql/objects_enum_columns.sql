-- The columns of an enum type, or of its arrays; those that a partition inherits are altered with their parent.
SELECT e.oid::bigint AS enum, c.oid::bigint AS table_oid, a.attnum AS number,
       format('%I.%I', n.nspname, c.relname) AS table_sql, quote_ident(a.attname) AS column_sql,
       format_type(a.atttypid, a.atttypmod) AS type,
       CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS default_sql
FROM pg_type e JOIN pg_attribute a ON a.atttypid IN (e.oid, e.typarray)
JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE e.typtype = 'e' AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND a.attinhcount = 0
ORDER BY 4, 3
