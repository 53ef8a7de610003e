-- What somebody would write by hand who knows this schema, and knows Postgres: the same end state as
-- `notifydb purge --prefix notify-tests-preview`, for the owner of the tables, nothing archived or proved.
--
-- benchmarks/purge.py makes two others of it. A line that begins with "--off " is run when the keys are to be
-- off meanwhile, one that ends with "--on" when they are not. For an archive each DELETE becomes a COPY of it.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET jit = off;
SET work_mem = '256MB';
SET maintenance_work_mem = '256MB';

-- Who goes, and which services: those of which all members go.
CREATE TEMP TABLE u AS
  SELECT id FROM users WHERE starts_with(email_address, 'notify-tests-preview+') AND NOT platform_admin;
CREATE TEMP TABLE s AS
  SELECT service_id AS id FROM user_to_service GROUP BY 1 HAVING bool_and(user_id IN (SELECT id FROM u));
CREATE TEMP TABLE t AS SELECT id FROM templates WHERE service_id IN (SELECT id FROM s);
CREATE UNIQUE INDEX ON u (id);
CREATE UNIQUE INDEX ON s (id);
CREATE UNIQUE INDEX ON t (id);
ANALYZE u, s, t;

-- Each of the large tables in a transaction of its own. What refers to notifications is vacuumed first, or
-- every check reads the rows that were just deleted; and no check is to read all of that table.
DELETE FROM scheduled_notifications WHERE notification_id IN (SELECT id FROM notifications WHERE service_id IN (SELECT id FROM s));
DELETE FROM complaints WHERE service_id IN (SELECT id FROM s);
VACUUM (ANALYZE, TRUNCATE OFF) scheduled_notifications; --on
SET enable_seqscan = off; --on
--off ALTER TABLE scheduled_notifications DROP CONSTRAINT fk_scheduled_notifications_notification_id_notifications;
DELETE FROM notifications WHERE service_id = ANY (ARRAY(SELECT id FROM s));
RESET enable_seqscan;
--off ALTER TABLE scheduled_notifications ADD CONSTRAINT fk_scheduled_notifications_notification_id_notifications FOREIGN KEY (notification_id) REFERENCES notifications (id);
DELETE FROM notification_history WHERE service_id IN (SELECT id FROM s);
DELETE FROM ft_notification_status WHERE service_id IN (SELECT id FROM s);
DELETE FROM ft_billing WHERE service_id IN (SELECT id FROM s);

-- The parents' checks would walk the index entries of what was deleted, and read whole tables where there is
-- no index: four of them are built, over what is left.
VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) notifications;
CREATE INDEX script_1 ON notifications (template_id, template_version);
CREATE INDEX script_2 ON notifications (api_key_id) WHERE api_key_id IS NOT NULL;
CREATE INDEX script_3 ON notifications (created_by_id) WHERE created_by_id IS NOT NULL;
CREATE INDEX script_4 ON templates_history (created_by_id);

DELETE FROM jobs WHERE service_id IN (SELECT id FROM s);
DELETE FROM template_redacted WHERE template_id IN (SELECT id FROM t);
DELETE FROM template_folder_map WHERE template_id IN (SELECT id FROM t);
VACUUM (TRUNCATE OFF) template_folder_map;
DELETE FROM templates WHERE service_id IN (SELECT id FROM s);
DELETE FROM templates_history WHERE service_id IN (SELECT id FROM s);
BEGIN;
DELETE FROM api_keys_history WHERE service_id IN (SELECT id FROM s);
DELETE FROM api_keys WHERE service_id IN (SELECT id FROM s);
DELETE FROM user_folder_permissions WHERE service_id IN (SELECT id FROM s);
DELETE FROM template_folder WHERE service_id IN (SELECT id FROM s);
DELETE FROM permissions WHERE user_id IN (SELECT id FROM u) OR service_id IN (SELECT id FROM s);
DELETE FROM service_permissions WHERE service_id IN (SELECT id FROM s);
DELETE FROM service_sms_senders WHERE service_id IN (SELECT id FROM s);
DELETE FROM service_email_reply_to WHERE service_id IN (SELECT id FROM s);
DELETE FROM annual_billing WHERE service_id IN (SELECT id FROM s);
DELETE FROM user_to_service WHERE service_id IN (SELECT id FROM s);
DELETE FROM services_history WHERE id IN (SELECT id FROM s);
DELETE FROM services WHERE id IN (SELECT id FROM s);
DELETE FROM verify_codes WHERE user_id IN (SELECT id FROM u);
DELETE FROM login_events WHERE user_id IN (SELECT id FROM u);
DELETE FROM events WHERE data->>'user_id' IN (SELECT id::text FROM u);
DELETE FROM users WHERE id IN (SELECT id FROM u);
COMMIT;
DROP INDEX script_1, script_2, script_3, script_4;
