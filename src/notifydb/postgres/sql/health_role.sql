-- What the connected role and the server let an upgrade do; privileges are read from the catalog, never tried.
WITH own AS (
    SELECT c.oid, c.relname, n.oid AS schema
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'notifydb' AND c.relkind = 'r'
),
tables AS (
    SELECT c.relowner, c.relnamespace
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'notifydb')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
)
SELECT quote_ident(current_user) AS name, quote_ident(current_database()) AS database,
       current_setting('server_version_num')::int / 10000 AS major, pg_is_in_recovery() AS is_standby,
       current_setting('default_transaction_read_only')::boolean AS is_read_only,
       has_database_privilege(current_database(), 'CREATE') AS may_create_schema,
       EXISTS (SELECT FROM own) AS has_own_schema,
       coalesce((SELECT bool_and(has_schema_privilege(schema, 'USAGE') AND has_table_privilege(oid, 'SELECT, INSERT'))
                 FROM own), true) AS may_record,
       -- An upgrade adds the column where an older notifydb made the table, which takes the owner.
       ARRAY(SELECT DISTINCT quote_ident(n.nspname) FROM pg_namespace n
             WHERE (n.nspname = 'public' OR n.oid IN (SELECT relnamespace FROM tables))
               AND NOT has_schema_privilege(n.oid, 'CREATE') ORDER BY 1) AS closed_schemas,
       ARRAY(SELECT quote_ident(pg_get_userbyid(relowner)) || ' ' || count(*) FROM tables
             WHERE NOT pg_has_role(relowner, 'USAGE') GROUP BY relowner ORDER BY 1) AS owners
