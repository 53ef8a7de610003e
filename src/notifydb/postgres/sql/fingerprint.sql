-- Every object of the user's schemas as (kind, name, definition), independent of oids, owners and column order
-- in the file. Run with an empty search_path, so that every name comes out qualified.
WITH schemas AS (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('information_schema', 'notifydb')
),
-- What an extension brings is the extension's; alembic_version is the tool's.
relations AS (
    SELECT c.*, s.nspname || '.' || c.relname AS name
    FROM pg_class c JOIN schemas s ON s.oid = c.relnamespace
    WHERE c.relname <> 'alembic_version'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
)
SELECT 'table' AS kind, name, concat_ws(' ', relkind, relpersistence, array_to_string(reloptions, ','),
       CASE WHEN relkind = 'p' THEN pg_get_partkeydef(oid) END, CASE WHEN relrowsecurity THEN 'row security' END) AS definition
FROM relations WHERE relkind IN ('r', 'p', 'f')
UNION ALL
SELECT 'column', r.name || '.' || a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
       CASE WHEN a.attnotnull THEN 'NOT NULL' END, 'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid),
       nullif(a.attidentity, ''), nullif(a.attgenerated, ''),
       CASE WHEN a.attcollation <> t.typcollation THEN 'COLLATE ' || a.attcollation::regcollation END)
FROM pg_attribute a JOIN relations r ON r.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE r.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
-- NOT NULL is the column's; PostgreSQL 18 gives it a named constraint too, whose name follows no rename.
SELECT 'constraint', r.name || '.' || c.conname,
       pg_get_constraintdef(c.oid) || CASE WHEN c.convalidated THEN '' ELSE ' (not validated)' END
FROM pg_constraint c JOIN relations r ON r.oid = c.conrelid WHERE c.contype <> 'n'
UNION ALL
SELECT 'index', i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
       || CASE WHEN i.indisvalid THEN '' ELSE ' (INVALID)' END
FROM pg_index i JOIN relations r ON r.oid = i.indrelid
UNION ALL
SELECT 'view', name, relkind::text || ' ' || pg_get_viewdef(oid) FROM relations WHERE relkind IN ('v', 'm')
UNION ALL
SELECT 'sequence', r.name, concat_ws(' ', q.seqtypid::regtype, q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcycle)
FROM pg_sequence q JOIN relations r ON r.oid = q.seqrelid
UNION ALL
SELECT 'enum', t.oid::regtype::text, (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
                                      FROM pg_enum e WHERE e.enumtypid = t.oid)
FROM pg_type t JOIN schemas s ON s.oid = t.typnamespace WHERE t.typtype = 'e'
UNION ALL
SELECT 'domain', t.oid::regtype::text, concat_ws(' ', t.typbasetype::regtype, CASE WHEN t.typnotnull THEN 'NOT NULL' END,
       t.typdefault, (SELECT string_agg(pg_get_constraintdef(c.oid), ' ' ORDER BY c.conname)
                      FROM pg_constraint c WHERE c.contypid = t.oid AND c.contype <> 'n'))
FROM pg_type t JOIN schemas s ON s.oid = t.typnamespace WHERE t.typtype = 'd'
UNION ALL
SELECT 'function', p.oid::regprocedure::text, pg_get_functiondef(p.oid)
FROM pg_proc p JOIN schemas s ON s.oid = p.pronamespace
WHERE p.prokind IN ('f', 'p') AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
UNION ALL
SELECT 'trigger', r.name || '.' || t.tgname, pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
FROM pg_trigger t JOIN relations r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
UNION ALL
SELECT 'policy', r.name || '.' || p.polname, concat_ws(' ', p.polcmd, p.polpermissive,
       pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_policy p JOIN relations r ON r.oid = p.polrelid
UNION ALL
SELECT 'statistics', s.nspname || '.' || x.stxname, pg_get_statisticsobjdef(x.oid)
FROM pg_statistic_ext x JOIN schemas s ON s.oid = x.stxnamespace
UNION ALL
SELECT 'extension', extname, '' FROM pg_extension WHERE extname <> 'plpgsql'
UNION ALL
SELECT 'schema', nspname, '' FROM schemas
UNION ALL
SELECT 'comment', r.name || coalesce('.' || a.attname, ''), d.description
FROM pg_description d JOIN relations r ON r.oid = d.objoid AND d.classoid = 'pg_class'::regclass
LEFT JOIN pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid AND d.objsubid > 0
