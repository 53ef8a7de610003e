-- How far a session is with building an index (Postgres docs section 27.4.4). One that is not built concurrently is
-- not named, and what is not committed has no name for others.
SELECT p.phase, coalesce(nullif(p.index_relid, 0)::regclass::text, 'an index') AS index,
       coalesce((SELECT c.oid::regclass::text FROM pg_class c WHERE c.oid = p.relid), 'a new table') AS relation,
       coalesce(CASE WHEN p.blocks_total > 0 THEN p.blocks_done ELSE p.tuples_done END, 0) AS done,
       coalesce(CASE WHEN p.blocks_total > 0 THEN p.blocks_total ELSE p.tuples_total END, 0) AS total
FROM pg_stat_progress_create_index p WHERE p.pid = :pid
