-- Who waits for a lock in this database, and who holds what they wait for; one row a session.
-- pg_blocking_pids looks at every lock, so it is asked only of those that wait (Postgres docs section 9.27.1).
WITH waiting AS MATERIALIZED (
    SELECT a.pid, pg_blocking_pids(a.pid) AS blockers
    FROM pg_stat_activity a
    WHERE a.wait_event_type = 'Lock' AND a.datname = current_database()
)
SELECT a.pid, a.application_name AS application, a.usename AS role, host(a.client_addr) AS host,
       coalesce(a.state, a.backend_type, 'hidden from this role') AS state,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS age,
       nullif(a.query, '<insufficient privilege>') AS query,
       coalesce(w.blockers, '{}') AS blockers,
       (SELECT l.mode || coalesce(' on ' || l.relation::regclass::text, ' of ' || l.locktype)
        FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted LIMIT 1) AS wants
FROM pg_stat_activity a LEFT JOIN waiting w USING (pid)
WHERE w.pid IS NOT NULL OR a.pid IN (SELECT unnest(blockers) FROM waiting)
