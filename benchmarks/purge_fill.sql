-- Fills a database of this repository's own history: `rows` rows that go, of `services` test services with a
-- user each, and half as many real ones whose rows lie between them. As a superuser, who checks no keys.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET session_replication_role = replica;
SET synchronous_commit = off;
SET work_mem = '256MB';
SET maintenance_work_mem = '512MB';
CREATE SCHEMA fill;
CREATE FUNCTION fill.id(kind text, n bigint) RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT md5(kind || n)::uuid $$;
CREATE TABLE fill.s AS
  SELECT n, n <= :services AS test, fill.id('user', n) AS user_id, fill.id('service', n) AS service_id, d.at
  FROM generate_series(1, :services + greatest(:services / 2, 1)) n, (VALUES (timestamp '2026-01-01')) d (at);

INSERT INTO users (id, name, email_address, mobile_number, _password, password_changed_at, failed_login_count, state,
    created_at, auth_type, email_access_validated_at)
  SELECT user_id, 'User ' || n,
    CASE WHEN test THEN 'notify-tests-preview+' || fill.id('mail', n) || '@example.gov' ELSE n || '@example.gov' END,
    '+12025550100', md5(n::text), at, 0, 'active', at, 'sms_auth', at
  FROM fill.s;
INSERT INTO services (id, name, active, message_limit, restricted, email_from, created_by_id, created_at, version,
    prefix_sms, total_message_limit)
  SELECT service_id, 'Service ' || n, true, 1000, false, 'service.' || n, user_id, at, 2, true, 100000 FROM fill.s;
INSERT INTO services_history (id, version, name, active, message_limit, restricted, email_from, created_by_id,
    created_at, prefix_sms, total_message_limit)
  SELECT service_id, v, 'Service ' || n, true, 1000, false, 'service.' || n, user_id, at, true, 100000
  FROM fill.s, generate_series(1, 2) v;
INSERT INTO user_to_service SELECT user_id, service_id FROM fill.s;
INSERT INTO permissions (id, service_id, user_id, permission, created_at)
  SELECT gen_random_uuid(), service_id, user_id, p, at FROM fill.s, unnest(enum_range(NULL::permission_types)) p;
INSERT INTO service_permissions
  SELECT service_id, p, at FROM fill.s, unnest(ARRAY['sms', 'email', 'international_sms']) p;
INSERT INTO service_sms_senders (id, sms_sender, service_id, is_default, created_at)
  SELECT gen_random_uuid(), 'NOTIFY', service_id, true, at FROM fill.s;
INSERT INTO service_email_reply_to (id, service_id, email_address, is_default, created_at)
  SELECT gen_random_uuid(), service_id, 'reply@example.gov', true, at FROM fill.s;
INSERT INTO annual_billing (id, service_id, financial_year_start, free_sms_fragment_limit, created_at)
  SELECT gen_random_uuid(), service_id, 2026, 100, at FROM fill.s;
INSERT INTO verify_codes SELECT gen_random_uuid(), user_id, md5(n::text), 'sms', at, true, at
  FROM fill.s, generate_series(1, 2);
INSERT INTO login_events SELECT gen_random_uuid(), user_id, '{}', at FROM fill.s, generate_series(1, 2);
INSERT INTO events (id, event_type, created_at, data)
  SELECT gen_random_uuid(), 'login', at, jsonb_build_object('user_id', user_id) FROM fill.s;
INSERT INTO template_folder (id, service_id, name) SELECT fill.id('folder', n), service_id, 'Folder' FROM fill.s;
INSERT INTO user_folder_permissions SELECT user_id, fill.id('folder', n), service_id FROM fill.s;

-- Ten templates a service in two versions each, and two keys.
CREATE TABLE fill.t AS SELECT s.*, k, fill.id('template', n * 10 + k) AS template_id FROM fill.s s, generate_series(0, 9) k;
INSERT INTO templates (id, name, template_type, content, service_id, created_by_id, created_at, version, process_type,
    archived, hidden)
  SELECT template_id, 'Template ' || k, 'sms', 'Hello ((name)), the code is ((code))', service_id, user_id, at, 2,
    'normal', false, false
  FROM fill.t;
INSERT INTO templates_history (id, version, name, template_type, content, service_id, created_by_id, created_at,
    process_type, archived, hidden)
  SELECT id, v, name, template_type, content, service_id, created_by_id, created_at, process_type, archived, hidden
  FROM templates, generate_series(1, 2) v WHERE service_id IN (SELECT service_id FROM fill.s);
INSERT INTO template_redacted SELECT template_id, false, at, user_id FROM fill.t;
INSERT INTO template_folder_map SELECT template_id, fill.id('folder', n) FROM fill.t WHERE k < 3;
INSERT INTO api_keys (id, name, secret, service_id, created_by_id, created_at, version, key_type)
  SELECT fill.id('key', n * 2 + k), 'Key ' || k, md5('secret' || n || k), service_id, user_id, at, 1, 'normal'
  FROM fill.s, generate_series(0, 1) k;
INSERT INTO api_keys_history (id, version, name, secret, service_id, created_by_id, created_at, key_type)
  SELECT id, 1, name, secret, service_id, created_by_id, created_at, key_type FROM api_keys;

-- What grows with `rows`, a service's share of it: jobs, figures by the day, and with what is left notifications.
SELECT greatest(:rows / 400 / :services, 1) AS jobs, greatest(:rows / 100 / :services, 1) AS billed,
  greatest(:rows / 50 / :services, 1) AS counted, (SELECT count(*) FROM fill.s) AS all_services \gset
-- 76 rows of a service are of other kinds; what is left is halved.
SELECT :counted + (:rows / :services - 76 - :jobs - :billed - :counted) % 2 AS counted \gset
INSERT INTO jobs (id, original_file_name, service_id, template_id, notification_count, created_at, created_by_id,
    template_version, job_status, notifications_sent, notifications_delivered, notifications_failed)
  SELECT fill.id('job', n * 100000 + j), 'recipients.csv', service_id, fill.id('template', n * 10 + j % 10), 200,
    at + j * interval '1 hour', user_id, 1, 'finished', 200, 200, 0
  FROM generate_series(1, :jobs) j, fill.s;
INSERT INTO ft_billing
  SELECT date '2026-01-01' + b / 10, fill.id('template', n * 10 + b % 10), service_id, 'sms', 'sns', 1, 0.02, false,
    20, 20, at
  FROM generate_series(1, :billed) b, fill.s;
INSERT INTO ft_notification_status
  SELECT date '2026-01-01' + b / 20, fill.id('template', n * 10 + b % 10), service_id,
    fill.id('job', n * 100000 + b % :jobs + 1), 'sms', 'normal', CASE b / 10 % 2 WHEN 0 THEN 'delivered' ELSE 'failed' END,
    20, at
  FROM generate_series(1, :counted) b, fill.s;
SELECT (:rows / :services - 76 - :jobs - :billed - :counted) / 2 AS sent \gset
CREATE VIEW fill.sent AS
  SELECT s.*, m, fill.id('template', n * 10 + m % 10) AS template_id,
    CASE WHEN m % 2 = 0 THEN fill.id('job', n * 100000 + m / 2 % :jobs + 1) END AS job_id,
    CASE WHEN m % 2 = 0 THEN m / 2 / :jobs + 1 END AS job_row_number,
    CASE WHEN m % 2 = 1 THEN fill.id('key', n * 2 + m / 2 % 2) END AS api_key_id,
    CASE WHEN m % 20 = 0 THEN 'failed' ELSE 'delivered' END AS status,
    (m * :all_services + n)::float / (:sent * :all_services) AS age
  FROM generate_series(1, :sent) m, fill.s s;
-- Indexes are built afterwards, all at once.
UPDATE pg_index SET indisready = false
  WHERE indrelid IN ('notifications'::regclass, 'notification_history'::regclass);
-- In the order of time, the services in turn.
INSERT INTO notifications (id, "to", job_id, service_id, template_id, api_key_id, notification_status, reference,
    sent_at, sent_by, created_at, updated_at, template_version, key_type, notification_type, billable_units,
    international, phone_prefix, rate_multiplier, job_row_number, created_by_id, normalised_to, _personalisation,
    reply_to_text, carrier, message_cost, provider_response)
  SELECT gen_random_uuid(), '+12025550123', job_id, service_id, template_id, api_key_id, status, gen_random_uuid(),
    at, 'sns', at, at + interval '3 s', 1 + m % 2, 'normal', 'sms', 1, false, '1', 1, job_row_number,
    CASE WHEN m % 50 = 0 THEN user_id END, '12025550123', md5(m::text) || md5((m + n)::text) || md5((m * n)::text),
    'NOTIFY', 'Carrier', 0.00581, 'Message has been accepted by phone carrier'
  FROM (SELECT sent.*, timestamp '2026-11-20' + age * interval '7 days' FROM fill.sent) sent
    (n, test, user_id, service_id, _, m, template_id, job_id, job_row_number, api_key_id, status, age, at)
  ORDER BY at;
INSERT INTO notification_history (id, job_id, service_id, template_id, api_key_id, notification_status, reference,
    sent_at, sent_by, created_at, updated_at, template_version, key_type, notification_type, billable_units,
    international, phone_prefix, rate_multiplier, job_row_number, carrier, message_cost)
  SELECT gen_random_uuid(), job_id, service_id, template_id, api_key_id, status, gen_random_uuid(),
    at, 'sns', at, at + interval '3 s', 1 + m % 2, 'normal', 'sms', 1, false, '1', 1, job_row_number, 'Carrier', 0.00581
  FROM (SELECT sent.*, timestamp '2026-01-01' + age * interval '300 days' FROM fill.sent) sent
    (n, test, user_id, service_id, _, m, template_id, job_id, job_row_number, api_key_id, status, age, at)
  ORDER BY at;
UPDATE pg_index SET indisready = true
  WHERE indrelid IN ('notifications'::regclass, 'notification_history'::regclass);
REINDEX TABLE notifications;
REINDEX TABLE notification_history;
CREATE TABLE fill.last AS
  SELECT id, service_id, row_number() OVER (PARTITION BY service_id ORDER BY created_at DESC) AS r
  FROM notifications;
INSERT INTO scheduled_notifications (id, notification_id, scheduled_for, pending)
  SELECT gen_random_uuid(), id, '2026-11-30', false FROM fill.last WHERE r = 1;
INSERT INTO complaints (id, notification_id, service_id, created_at)
  SELECT gen_random_uuid(), id, service_id, '2026-11-30' FROM fill.last WHERE r <= 2;
DROP SCHEMA fill CASCADE;
VACUUM (ANALYZE);
