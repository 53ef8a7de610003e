-- What Alembic does not compare, with the statements that make it and take it away. Run with an empty
-- search_path, so that every name comes out qualified; `title` and `parent` leave out `public`, unquoted.
WITH schemas AS (
    SELECT oid, nspname, CASE WHEN nspname = 'public' THEN '' ELSE nspname || '.' END AS prefix
    FROM pg_namespace
    WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('information_schema', 'notifydb')
),
extended AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
relations AS (
    SELECT c.*, format('%I.%I', s.nspname, c.relname) AS sql, s.prefix || c.relname AS title
    FROM pg_class c JOIN schemas s ON s.oid = c.relnamespace
    WHERE c.relname <> 'alembic_version' AND ('pg_class'::regclass, c.oid) NOT IN (SELECT * FROM extended)
),
tables AS (SELECT * FROM relations WHERE relkind IN ('r', 'p', 'f')),
views AS (
    SELECT v.oid, v.sql, v.title, v.relkind,
           CASE WHEN v.relkind = 'm' THEN 'MATERIALIZED VIEW ' ELSE 'VIEW ' END AS noun,
           concat(' WITH (' || array_to_string(v.reloptions, ', ') || ')', ' AS',
                  E'\n' || rtrim(pg_get_viewdef(v.oid), ';')) AS body
    FROM relations v WHERE v.relkind IN ('v', 'm')
)
-- `signature`: a view is replaced in place when the old one's is a prefix of the new one's, a function when equal.
SELECT 'enum' AS kind, NULL AS parent, s.prefix || t.typname AS title, l.quoted AS definition,
       ARRAY[format('CREATE TYPE %I.%I AS ENUM (%s)', s.nspname, t.typname, l.quoted)] AS create_sql,
       format('DROP TYPE %I.%I', s.nspname, t.typname) AS drop_sql, NULL::text[] AS signature, l.labels,
       'pg_type'::regclass::oid::bigint AS address_class, t.oid::bigint AS oid
FROM pg_type t JOIN schemas s ON s.oid = t.typnamespace
CROSS JOIN LATERAL (
    SELECT coalesce(string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder), '') AS quoted,
           coalesce(array_agg(e.enumlabel::text ORDER BY e.enumsortorder), '{}') AS labels
    FROM pg_enum e WHERE e.enumtypid = t.oid) l
WHERE t.typtype = 'e' AND ('pg_type'::regclass, t.oid) NOT IN (SELECT * FROM extended)
UNION ALL
SELECT 'check', r.title, c.conname, pg_get_constraintdef(c.oid),
       ARRAY[format('ALTER TABLE %s ADD CONSTRAINT %I %s', r.sql, c.conname, pg_get_constraintdef(c.oid))],
       format('ALTER TABLE %s DROP CONSTRAINT %I', r.sql, c.conname), NULL, NULL,
       'pg_constraint'::regclass::oid, c.oid
FROM pg_constraint c JOIN tables r ON r.oid = c.conrelid WHERE c.contype = 'c' AND c.coninhcount = 0
UNION ALL
SELECT 'index', r.title, i.relname, pg_get_indexdef(i.oid), ARRAY[pg_get_indexdef(i.oid)],
       format('DROP INDEX %s', i.sql), NULL, NULL, 'pg_class'::regclass::oid, i.oid
FROM pg_index x JOIN relations i ON i.oid = x.indexrelid JOIN tables r ON r.oid = x.indrelid
WHERE NOT i.relispartition
  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.oid AND c.contype IN ('p', 'u', 'x'))
UNION ALL
-- The indexes of a materialized view go with it, so they come with it.
SELECT 'view', NULL, v.title, v.noun || v.body || coalesce(x.text, ''),
       ARRAY['CREATE ' || v.noun || v.sql || v.body] || coalesce(x.statements, '{}'),
       'DROP ' || v.noun || v.sql,
       (SELECT v.relkind::text || array_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
                                            ORDER BY a.attnum)
        FROM pg_attribute a WHERE a.attrelid = v.oid AND a.attnum > 0), NULL, 'pg_class'::regclass::oid, v.oid
FROM views v
CROSS JOIN LATERAL (
    SELECT array_agg(pg_get_indexdef(i.indexrelid) ORDER BY i.indexrelid::regclass::text) AS statements,
           string_agg(E'\n' || pg_get_indexdef(i.indexrelid), '' ORDER BY i.indexrelid::regclass::text) AS text
    FROM pg_index i WHERE i.indrelid = v.oid) x
UNION ALL
SELECT 'function', NULL, s.prefix || format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)),
       pg_get_functiondef(p.oid), ARRAY[rtrim(pg_get_functiondef(p.oid), E'\n')],
       format('DROP %s %s', CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, p.oid::regprocedure),
       ARRAY[p.prokind::text, pg_get_function_result(p.oid), pg_get_function_arguments(p.oid)], NULL,
       'pg_proc'::regclass::oid, p.oid
FROM pg_proc p JOIN schemas s ON s.oid = p.pronamespace
WHERE p.prokind IN ('f', 'p', 'w') AND ('pg_proc'::regclass, p.oid) NOT IN (SELECT * FROM extended)
UNION ALL
SELECT 'trigger', r.title, t.tgname, pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text,
       ARRAY[pg_get_triggerdef(t.oid)] || CASE t.tgenabled
           WHEN 'D' THEN ARRAY[format('ALTER TABLE %s DISABLE TRIGGER %I', r.sql, t.tgname)]
           WHEN 'R' THEN ARRAY[format('ALTER TABLE %s ENABLE REPLICA TRIGGER %I', r.sql, t.tgname)]
           WHEN 'A' THEN ARRAY[format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', r.sql, t.tgname)]
           ELSE '{}' END,
       format('DROP TRIGGER %I ON %s', t.tgname, r.sql), NULL, NULL, 'pg_trigger'::regclass::oid, t.oid
FROM pg_trigger t JOIN relations r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal AND t.tgparentid = 0
UNION ALL
SELECT 'policy', r.title, p.polname, d.text, ARRAY[format('CREATE POLICY %I ON %s %s', p.polname, r.sql, d.text)],
       format('DROP POLICY %I ON %s', p.polname, r.sql), NULL, NULL, 'pg_policy'::regclass::oid, p.oid
FROM pg_policy p JOIN relations r ON r.oid = p.polrelid
CROSS JOIN LATERAL (
    SELECT concat_ws(' ', CASE WHEN p.polpermissive THEN 'AS PERMISSIVE' ELSE 'AS RESTRICTIVE' END,
        'FOR ' || CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
        'TO ' || (SELECT string_agg(CASE WHEN role = 0 THEN 'PUBLIC' ELSE role::regrole::text END, ', ')
                  FROM unnest(p.polroles) role),
        'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
        'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')') AS text) d
UNION ALL
SELECT 'statistics', r.title, s.prefix || x.stxname, pg_get_statisticsobjdef(x.oid), ARRAY[pg_get_statisticsobjdef(x.oid)],
       format('DROP STATISTICS %I.%I', s.nspname, x.stxname), NULL, NULL, 'pg_statistic_ext'::regclass::oid, x.oid
FROM pg_statistic_ext x JOIN schemas s ON s.oid = x.stxnamespace JOIN tables r ON r.oid = x.stxrelid
