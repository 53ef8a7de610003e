-- How far a session is with building an index (Postgres docs section 27.4.4).
SELECT p.phase, p.index_relid::regclass::text AS index, p.relid::regclass::text AS relation,
       coalesce(CASE WHEN p.blocks_total > 0 THEN p.blocks_done ELSE p.tuples_done END, 0) AS done,
       coalesce(CASE WHEN p.blocks_total > 0 THEN p.blocks_total ELSE p.tuples_total END, 0) AS total
FROM pg_stat_progress_create_index p WHERE p.pid = :pid
