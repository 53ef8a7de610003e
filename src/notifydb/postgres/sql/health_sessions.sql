-- Other sessions in this database whose transaction an upgrade would wait for, and those that cannot be seen into.
SELECT a.pid, coalesce(nullif(a.application_name, ''), 'unnamed') AS application, a.usename AS role,
       coalesce(host(a.client_addr), 'the same machine') AS host, a.state LIKE 'idle in transaction%' AS is_idle,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS seconds,
       ARRAY(SELECT DISTINCT l.relation::regclass::text
             FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE l.pid = a.pid AND l.granted AND l.database = a.datid AND c.relkind IN ('r', 'p', 'm')
               AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'notifydb')
             ORDER BY 1) AS locked,
       a.backend_type IS NULL AS is_hidden
FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
  AND (a.backend_type IS NULL
       OR (a.backend_type = 'client backend'
           AND ((a.state LIKE 'idle in transaction%' AND a.state_change < clock_timestamp() - make_interval(secs => :idle))
                OR a.xact_start < clock_timestamp() - make_interval(secs => :long))))
ORDER BY a.xact_start, a.pid
