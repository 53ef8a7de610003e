-- What needs what, as the server records it: the address of the one, the same and the column of the other.
-- A view is its rewrite rule there; a column's default is no object of its own here.
SELECT DISTINCT CASE WHEN r.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass END::oid::bigint AS address_class,
       coalesce(r.ev_class, d.objid)::bigint AS oid,
       d.refclassid::bigint AS needed_class, coalesce(e.typelem, d.refobjid)::bigint AS needed_oid,
       d.refobjsubid AS needed_column
FROM pg_depend d
LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
LEFT JOIN pg_type e ON d.refclassid = 'pg_type'::regclass AND e.oid = d.refobjid AND e.typelem <> 0
WHERE d.objid >= 16384 AND d.refobjid >= 16384 AND d.deptype IN ('n', 'a')
  -- Up to version 15 a rule needs the columns of its own view.
  AND d.refobjid IS DISTINCT FROM r.ev_class
