"""Rows as functional tests leave them, and a few of real teams that have to survive a purge."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

PREFIX: Final = "notify-tests-preview"

#: The cast: `kind` is whose user or service it is, `n` its number.
_CAST: Final = (
    """
    CREATE TEMP TABLE demo_users ON COMMIT DROP AS
    SELECT kind, n, gen_random_uuid() AS id, gen_random_uuid() AS tag
    FROM (VALUES ('test', :users), ('real', :users + 10)) AS kinds (kind, size), generate_series(1, size) AS n
    """,
    """
    CREATE TEMP TABLE demo_services ON COMMIT DROP AS
    SELECT u.kind, u.n, u.id AS user_id, u.tag, gen_random_uuid() AS id, gen_random_uuid() AS template_id,
        gen_random_uuid() AS api_key_id, gen_random_uuid() AS job_id, gen_random_uuid() AS folder_id
    FROM demo_users u WHERE u.kind = 'test' OR u.n <= 6
    """,
)

_TEAMS: Final = (
    """
    INSERT INTO users (id, name, email_address, mobile_number, _password, password_changed_at,
        failed_login_count, state, platform_admin, auth_type, email_access_validated_at,
        preferred_timezone, created_at)
    SELECT id, initcap(kind) || ' user ' || n,
        CASE kind WHEN 'test' THEN :prefix || '+' || tag ELSE 'person-' || n || '-' || left(tag::text, 8) END
            || '@example.gov',
        '+12025550' || lpad((n % 1000)::text, 3, '0'), '!', now(), 0, 'active', false, 'sms_auth', now(),
        'US/Eastern', now()
    FROM demo_users
    """,
    """
    INSERT INTO services (id, version, name, email_from, active, message_limit, total_message_limit,
        restricted, prefix_sms, rate_limit, count_as_live, created_by_id, created_at)
    SELECT id, 1, initcap(kind) || ' service ' || tag, kind || '.' || tag, true, 50, 250000,
        true, true, 3000, kind = 'real', user_id, now()
    FROM demo_services
    """,
    """
    INSERT INTO services_history (id, version, name, email_from, active, message_limit, total_message_limit,
        restricted, prefix_sms, rate_limit, count_as_live, created_by_id, created_at)
    SELECT id, version, name, email_from, active, message_limit, total_message_limit, restricted, prefix_sms,
        rate_limit, count_as_live, created_by_id, created_at
    FROM services WHERE id IN (SELECT id FROM demo_services)
    """,
    "INSERT INTO user_to_service (user_id, service_id) SELECT user_id, id FROM demo_services",
    # The first test user helps out in the first real service: that one is shared and stays.
    """
    INSERT INTO user_to_service (user_id, service_id)
    SELECT u.id, s.id FROM demo_users u, demo_services s
    WHERE (u.kind, u.n) = ('test', 1) AND (s.kind, s.n) = ('real', 1)
    """,
    """
    INSERT INTO permissions (id, service_id, user_id, permission, created_at)
    SELECT gen_random_uuid(), m.service_id, m.user_id, p.permission::permission_types, now()
    FROM user_to_service m JOIN demo_users u ON u.id = m.user_id,
        (VALUES ('manage_templates'), ('send_texts'), ('view_activity')) AS p (permission)
    """,
    """
    INSERT INTO verify_codes (id, user_id, _code, code_type, expiry_datetime, code_used, created_at)
    SELECT gen_random_uuid(), id, '!', 'sms', now() + interval '30 minutes', true, now() FROM demo_users
    """,
    """
    INSERT INTO login_events (id, user_id, data, created_at)
    SELECT gen_random_uuid(), id, '{"remote_addr": "192.0.2.1"}', now() FROM demo_users
    """,
    """
    INSERT INTO events (id, event_type, data, created_at)
    SELECT gen_random_uuid(), 'successful_login', jsonb_build_object('user_id', id), now() FROM demo_users
    """,
)

_BELONGINGS: Final = (
    """
    INSERT INTO service_permissions (service_id, permission, created_at)
    SELECT id, p.name, now() FROM demo_services, service_permission_types p WHERE p.name IN ('email', 'sms')
    """,
    """
    INSERT INTO service_sms_senders (id, sms_sender, service_id, is_default, archived, created_at)
    SELECT gen_random_uuid(), 'DEMO', id, true, false, now() FROM demo_services
    """,
    """
    INSERT INTO service_email_reply_to (id, service_id, email_address, is_default, archived, created_at)
    SELECT gen_random_uuid(), id, 'reply@example.gov', true, false, now() FROM demo_services
    """,
    """
    INSERT INTO annual_billing (id, service_id, financial_year_start, free_sms_fragment_limit, created_at)
    SELECT gen_random_uuid(), id, 2026, 150000, now() FROM demo_services
    """,
    """
    INSERT INTO templates (id, version, name, template_type, subject, content, archived, hidden, service_id,
        created_by_id, process_type, created_at)
    SELECT template_id, 1, 'Reminder', 'sms', NULL, 'Dear ((name)), see you soon', false, false, id, user_id,
        'normal', now()
    FROM demo_services
    """,
    """
    INSERT INTO templates_history (id, version, name, template_type, subject, content, archived, hidden,
        service_id, created_by_id, process_type, created_at)
    SELECT id, version, name, template_type, subject, content, archived, hidden, service_id, created_by_id,
        process_type, created_at
    FROM templates WHERE id IN (SELECT template_id FROM demo_services)
    """,
    """
    INSERT INTO template_redacted (template_id, redact_personalisation, updated_at, updated_by_id)
    SELECT template_id, false, now(), user_id FROM demo_services
    """,
    """
    INSERT INTO template_folder (id, service_id, name) SELECT folder_id, id, 'Reminders' FROM demo_services
    """,
    """
    INSERT INTO template_folder_map (template_id, template_folder_id)
    SELECT template_id, folder_id FROM demo_services
    """,
    """
    INSERT INTO user_folder_permissions (user_id, template_folder_id, service_id)
    SELECT user_id, folder_id, id FROM demo_services
    """,
    """
    INSERT INTO api_keys (id, version, name, secret, service_id, key_type, created_by_id, created_at)
    SELECT api_key_id, 1, 'Tests', gen_random_uuid(), id, 'normal', user_id, now() FROM demo_services
    """,
    """
    INSERT INTO api_keys_history (id, version, name, secret, service_id, key_type, created_by_id, created_at)
    SELECT id, version, name, secret, service_id, key_type, created_by_id, created_at
    FROM api_keys WHERE id IN (SELECT api_key_id FROM demo_services)
    """,
    """
    INSERT INTO jobs (id, original_file_name, service_id, template_id, template_version, notification_count,
        notifications_sent, notifications_delivered, notifications_failed, job_status, archived,
        created_by_id, created_at)
    SELECT job_id, 'recipients.csv', id, template_id, 1, :messages, :messages, :messages, 0, 'finished',
        false, user_id, now()
    FROM demo_services
    """,
)

_MESSAGES: Final = (
    """
    INSERT INTO notifications (id, "to", normalised_to, job_id, job_row_number, service_id, template_id,
        template_version, api_key_id, key_type, notification_type, notification_status, billable_units,
        international, created_at)
    SELECT gen_random_uuid(), '+12025550199', '+12025550199', s.job_id, i, s.id, s.template_id, 1,
        s.api_key_id, 'normal', 'sms', 'delivered', 1, false, now() - i * interval '1 minute'
    FROM demo_services s, generate_series(1, :messages) AS i
    """,
    """
    INSERT INTO notification_history (id, job_id, job_row_number, service_id, template_id, template_version,
        api_key_id, key_type, notification_type, notification_status, billable_units, international,
        created_at)
    SELECT gen_random_uuid(), s.job_id, i, s.id, s.template_id, 1, s.api_key_id, 'normal', 'sms',
        'delivered', 1, false, now() - i * interval '1 day'
    FROM demo_services s, generate_series(1, :messages) AS i
    """,
    """
    INSERT INTO inbound_sms (id, service_id, notify_number, user_number, _content, provider, created_at)
    SELECT gen_random_uuid(), s.id, '+12025550150', '+12025550199', 'STOP', 'sns', now()
    FROM demo_services s, generate_series(1, 3) AS i
    """,
    """
    INSERT INTO ft_billing (local_date, template_id, service_id, notification_type, provider, rate_multiplier,
        rate, international, billable_units, notifications_sent, created_at)
    SELECT current_date - i, template_id, id, 'sms', 'sns', 1, 0.00645, false, :messages, :messages, now()
    FROM demo_services, generate_series(1, 3) AS i
    """,
    """
    INSERT INTO ft_notification_status (local_date, template_id, service_id, job_id, notification_type,
        key_type, notification_status, notification_count, created_at)
    SELECT current_date - i, template_id, id, job_id, 'sms', 'normal', 'delivered', :messages, now()
    FROM demo_services, generate_series(1, 3) AS i
    """,
)


def load(conn: sa.Connection, *, users: int = 40, notifications_per_service: int = 50) -> int:
    """Loads `users` test users, each with a service of their own, beside some more real users.

    Works in the connection's transaction on the Notify schema at its head; the number of rows inserted.
    """
    values = {"prefix": PREFIX, "users": users, "messages": notifications_per_service}
    for statement in _CAST:
        conn.execute(sa.text(statement), values)
    loads = (*_TEAMS, *_BELONGINGS, *_MESSAGES)
    return sum(conn.execute(sa.text(statement), values).rowcount for statement in loads)
