-- Constraints that are NOT VALID, with the statement that validates each. Run with an empty search_path.
SELECT coalesce(c.conrelid::regclass::text, t.oid::regtype::text) AS owner, c.conname AS name,
       pg_get_constraintdef(c.oid) AS definition,
       CASE WHEN c.contypid = 0 THEN format('ALTER TABLE %s VALIDATE CONSTRAINT %I', c.conrelid::regclass, c.conname)
            ELSE format('ALTER DOMAIN %s VALIDATE CONSTRAINT %I', t.oid::regtype, c.conname) END AS validate
FROM pg_constraint c
JOIN pg_namespace n ON n.oid = c.connamespace
LEFT JOIN pg_type t ON t.oid = c.contypid AND c.contypid <> 0
WHERE NOT c.convalidated AND c.conparentid = 0 AND (c.conrelid = 0) = (c.contypid <> 0)
  -- One that is not enforced cannot be validated either.
  AND pg_get_constraintdef(c.oid) NOT LIKE '%NOT ENFORCED%'
  AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'notifydb')
ORDER BY 1, 2
