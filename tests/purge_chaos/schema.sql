-- Users with even numbers are test users; so are the services with even numbers, and all that is theirs.
CREATE TABLE users (
    id int PRIMARY KEY,
    email_address text NOT NULL UNIQUE,
    invited_by_id int REFERENCES users ON DELETE SET NULL
);
CREATE TABLE services (id int PRIMARY KEY, name text NOT NULL, created_by_id int NOT NULL REFERENCES users);
CREATE TABLE services_history (
    id int NOT NULL,
    version int NOT NULL,
    data jsonb,
    PRIMARY KEY (id, version)
);
CREATE TABLE user_to_service (
    user_id int NOT NULL REFERENCES users,
    service_id int NOT NULL REFERENCES services,
    PRIMARY KEY (user_id, service_id)
);
CREATE TABLE template_folder (
    id int PRIMARY KEY,
    service_id int NOT NULL REFERENCES services,
    parent_id int REFERENCES template_folder
);
CREATE TABLE templates (
    id int NOT NULL,
    version int NOT NULL,
    service_id int NOT NULL REFERENCES services,
    folder_id int REFERENCES template_folder,
    created_by_id int REFERENCES users,
    content text,
    PRIMARY KEY (id, version)
);
CREATE TABLE jobs (id bigint PRIMARY KEY, service_id int NOT NULL REFERENCES services, created_by_id int REFERENCES users);
CREATE TABLE notifications (
    id bigint PRIMARY KEY,
    service_id int NOT NULL REFERENCES services,
    template_id int NOT NULL,
    template_version int NOT NULL,
    job_id bigint REFERENCES jobs,
    content text,
    created_at timestamptz NOT NULL,
    FOREIGN KEY (template_id, template_version) REFERENCES templates
) PARTITION BY HASH (id);
CREATE TABLE notifications_0 PARTITION OF notifications FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE notifications_1 PARTITION OF notifications FOR VALUES WITH (MODULUS 2, REMAINDER 1);
-- No keys, and no primary key: rows here may be alike.
CREATE TABLE notification_history (service_id int, template_id int, status text, content bytea);
CREATE TABLE complaints (notification_id bigint NOT NULL, feedback text);

INSERT INTO users
SELECT n, CASE n % 2 WHEN 0 THEN 'notify-tests-preview+' || gen_random_uuid() || '@example.gov' ELSE n || '@example.gov' END
FROM generate_series(1, 100) n;
-- Some were invited by users who go: they stay, and let go.
UPDATE users SET invited_by_id = id + 1 WHERE id % 7 = 0 AND id % 2 = 1;
INSERT INTO services SELECT n, 'service ' || n, n FROM generate_series(1, 100) n;
INSERT INTO services_history SELECT n, v, '{"name": "tab\\tbed"}' FROM generate_series(1, 100) n, generate_series(1, 3) v;
INSERT INTO user_to_service SELECT n, n FROM generate_series(1, 100) n;
-- A real service with a member who goes: it stays.
INSERT INTO user_to_service SELECT n + 1, n FROM generate_series(1, 19, 6) n;
INSERT INTO template_folder SELECT s * 10 + f, s, CASE WHEN f > 0 THEN s * 10 + f - 1 END
FROM generate_series(1, 100) s, generate_series(0, 4) f;
-- Some templates of real services were made by test users.
INSERT INTO templates
SELECT s * 10 + t, 1, s, s * 10 + t, CASE WHEN s % 9 = 0 AND s % 2 = 1 THEN s + 1 ELSE s END, E'line\nfeed \\ and \t tab'
FROM generate_series(1, 100) s, generate_series(0, 4) t;
INSERT INTO jobs SELECT s * 100 + j, s, s FROM generate_series(1, 100) s, generate_series(0, 19) j;
INSERT INTO notifications
SELECT n, 1 + n % 100, (1 + n % 100) * 10 + n / 100 % 5, 1, CASE WHEN n % 3 > 0 THEN (1 + n % 100) * 100 + n / 100 % 20 END,
    repeat('message ', 10) || n, timestamptz '2026-01-01' + n * interval '1 minute'
FROM generate_series(1, 60000) n;
INSERT INTO notification_history
SELECT 1 + n % 100, (1 + n % 100) * 10 + n / 100 % 5, 'delivered', decode(md5((n / 7)::text), 'hex')
FROM generate_series(1, 50000) n;
INSERT INTO complaints SELECT n, 'complaint ' || n FROM generate_series(1, 60000, 11) n;
CREATE INDEX ON notifications (service_id);
CREATE INDEX ON notifications (template_id, template_version);
CREATE INDEX ON notifications (job_id);
CREATE INDEX ON notification_history (service_id);
ANALYZE;
