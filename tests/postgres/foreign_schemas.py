"""Schemas of other applications, each with test users and real ones, and what a purge has to leave of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from postgres.purge_support import address


@dataclasses.dataclass(frozen=True)
class Schema:
    """A script that makes and fills it; `suggested` are settings that have to be among the suggested ones.

    `left` are the keys that are there after a purge, or their number, by table.
    """

    script: str
    suggested: Mapping[str, object]
    left: Mapping[str, list[str] | int]


def users(table: str, columns: str) -> str:
    """Three test users, 1 to 3, and real ones, 11 to 60."""
    tests = ", ".join(f"({number}, '{address()}')" for number in (1, 2, 3))
    real = ", ".join(f"({number}, 'person{number}@example.org')" for number in range(11, 61))
    return f"INSERT INTO {table} ({columns}) VALUES {tests}, {real};"


DJANGO = Schema(
    f"""
    CREATE TABLE auth_user (
        id serial PRIMARY KEY, username text UNIQUE, email text NOT NULL, is_superuser bool NOT NULL DEFAULT false,
        is_staff bool NOT NULL DEFAULT false, date_joined timestamptz NOT NULL DEFAULT now());
    CREATE TABLE auth_group (id serial PRIMARY KEY, name text);
    CREATE TABLE auth_permission (id serial PRIMARY KEY, codename text);
    CREATE TABLE auth_group_permissions (
        id serial PRIMARY KEY, group_id int NOT NULL REFERENCES auth_group,
        permission_id int NOT NULL REFERENCES auth_permission);
    CREATE TABLE auth_user_groups (
        id serial PRIMARY KEY, user_id int NOT NULL REFERENCES auth_user,
        group_id int NOT NULL REFERENCES auth_group);
    CREATE TABLE django_admin_log (
        id serial PRIMARY KEY, user_id int NOT NULL REFERENCES auth_user, object_id text);
    CREATE TABLE django_session (session_key text PRIMARY KEY, session_data text);
    CREATE TABLE app_project (id serial PRIMARY KEY, owner_id int NOT NULL REFERENCES auth_user, name text);
    CREATE TABLE app_project_members (
        id serial PRIMARY KEY, project_id int NOT NULL REFERENCES app_project,
        user_id int NOT NULL REFERENCES auth_user);
    CREATE TABLE app_task (
        id serial PRIMARY KEY, project_id int NOT NULL REFERENCES app_project,
        assignee_id int REFERENCES auth_user, approved_by_id int REFERENCES auth_user);
    CREATE TABLE app_pageview (id serial PRIMARY KEY, user_id int, path text);
    {users("auth_user", "id, email")}
    INSERT INTO auth_group VALUES (1, 'editors'), (2, 'testers');
    INSERT INTO auth_permission VALUES (1, 'edit');
    INSERT INTO auth_group_permissions (group_id, permission_id) VALUES (1, 1), (2, 1);
    INSERT INTO auth_user_groups (user_id, group_id) VALUES (1, 2), (2, 2), (11, 1);
    INSERT INTO django_admin_log (user_id) VALUES (1), (11);
    INSERT INTO app_project VALUES (1, 1, 'test'), (2, 11, 'shared'), (3, 12, 'real'), (4, 2, 'empty');
    INSERT INTO app_project_members (project_id, user_id) VALUES (1, 1), (1, 2), (2, 11), (2, 3), (3, 12);
    INSERT INTO app_task VALUES (1, 1, 2, NULL), (2, 2, 11, 12), (3, 3, NULL, NULL), (4, 4, 1, 1);
    INSERT INTO app_pageview (user_id) SELECT id FROM auth_user;
    """,
    {
        "root": "auth_user.email",
        "age": "auth_user.date_joined",
        "owned_through": ("app_project_members(user_id -> project_id) -> app_project(id)",),
        "owned_when_empty": ("app_project.owner_id",),
        "protected_when": ("auth_user.is_superuser", "auth_user.is_staff"),
        "actors": ("*_by_id", "*_by", "assignee_id"),
        "implicit": ("app_pageview.user_id -> auth_user.id",),
    },
    {
        "auth_user": 50,
        "auth_group": ["1", "2"],
        "auth_user_groups": ["3"],
        "django_admin_log": ["2"],
        "app_project": ["2", "3"],
        "app_project_members": ["3", "5"],
        "app_task": ["2", "3"],
        "app_pageview": 50,
    },
)

SAAS = Schema(
    f"""
    CREATE FUNCTION u(n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT md5(n::text)::uuid $$;
    CREATE TABLE organisations (id uuid PRIMARY KEY, name text);
    CREATE TABLE roles (id int PRIMARY KEY, name text);
    CREATE TABLE users (
        id uuid PRIMARY KEY, email_address text UNIQUE, billing_email text, is_admin bool DEFAULT false,
        created_at timestamptz DEFAULT now());
    CREATE TABLE memberships (
        id serial PRIMARY KEY, user_id uuid NOT NULL REFERENCES users,
        organisation_id uuid NOT NULL REFERENCES organisations, role_id int REFERENCES roles,
        invited_by uuid REFERENCES users);
    CREATE TABLE user_roles (user_id uuid REFERENCES users, role_id int REFERENCES roles);
    CREATE TABLE role_grants (id int PRIMARY KEY, role_id int NOT NULL REFERENCES roles, what text, how text);
    CREATE TABLE documents (
        id uuid PRIMARY KEY, organisation_id uuid NOT NULL REFERENCES organisations,
        created_by uuid REFERENCES users, last_editor_id uuid REFERENCES users);
    CREATE TABLE documents_history (id uuid, version int, organisation_id uuid, created_by uuid);
    CREATE TABLE phone_numbers (number text PRIMARY KEY, organisation_id uuid UNIQUE REFERENCES organisations);
    CREATE TABLE audit_events (id serial PRIMARY KEY, data jsonb);
    CREATE TABLE invitations (
        id int PRIMARY KEY, email text, user_id uuid REFERENCES users,
        organisation_id uuid NOT NULL REFERENCES organisations);
    CREATE TABLE announcements (id int PRIMARY KEY, published_by uuid NOT NULL REFERENCES users);
    CREATE TEMP TABLE names (id int, email text);
    {users("names", "id, email")}
    INSERT INTO users (id, email_address) SELECT u(id), email FROM names;
    INSERT INTO organisations SELECT u(n), n::text FROM unnest(ARRAY[101, 102, 103]) n;
    INSERT INTO roles VALUES (1, 'owner'), (2, 'viewer');
    INSERT INTO role_grants VALUES (1, 1), (2, 2);
    INSERT INTO user_roles VALUES (u(1), 2), (u(11), 1);
    INSERT INTO memberships (user_id, organisation_id, role_id) VALUES
        (u(1), u(101), 1), (u(2), u(101), 2), (u(3), u(102), 1), (u(11), u(102), 1), (u(12), u(103), 1);
    INSERT INTO documents
        SELECT u(1000 + n), u(101 + n % 3), u(CASE n % 3 WHEN 0 THEN 1 WHEN 1 THEN 11 ELSE 12 END)
        FROM generate_series(0, 29) n;
    INSERT INTO documents_history SELECT id, 1, organisation_id, created_by FROM documents;
    INSERT INTO phone_numbers VALUES ('1', u(101)), ('2', u(102)), ('3', NULL);
    INSERT INTO audit_events (data) SELECT jsonb_build_object('user_id', id, 'at', 1) FROM users;
    INSERT INTO announcements VALUES (1, u(11));
    INSERT INTO invitations VALUES (1, 'a@example.org', u(1), u(101)), (2, 'b@example.org', u(11), u(102));
    """,
    {
        "root": "users.email_address",
        "age": "users.created_at",
        "owned_through": ("memberships(user_id -> organisation_id) -> organisations(id)",),
        "owned_when_empty": (),
        "protected_when": ("users.is_admin",),
        "actors": ("*_by_id", "*_by", "invitations.user_id", "last_editor_id"),
        "policies": ("phone_numbers.organisation_id=null",),
        "implicit": (
            "documents_history.id -> documents.id",
            "documents_history.organisation_id -> organisations.id",
            "documents_history.created_by -> users.id",
            "audit_events.data->>'user_id' -> users.id",
        ),
    },
    {
        "organisations": 2,
        "memberships": ["4", "5"],
        "roles": ["1", "2"],
        "role_grants": ["1", "2"],
        "user_roles": 1,
        "documents": 20,
        "documents_history": 20,
        "phone_numbers": ["1", "2", "3"],
        "audit_events": 50,
        "announcements": ["1"],
        "invitations": ["2"],
    },
)

FORUM = Schema(
    f"""
    CREATE TABLE members (member_no bigint PRIMARY KEY, login text, mail varchar(200), joined date, system bool);
    CREATE TABLE boards (id int PRIMARY KEY, name text, moderator bigint REFERENCES members);
    CREATE TABLE topics (
        id int PRIMARY KEY, board_id int NOT NULL REFERENCES boards, author bigint NOT NULL REFERENCES members);
    CREATE TABLE posts (
        id int PRIMARY KEY, topic_id int NOT NULL REFERENCES topics, author bigint NOT NULL REFERENCES members,
        parent_id int REFERENCES posts, edited_by bigint REFERENCES members);
    CREATE TABLE topic_subscriptions (
        member bigint REFERENCES members, topic_id int REFERENCES topics, PRIMARY KEY (member, topic_id));
    CREATE TABLE likes (member bigint REFERENCES members, post_id int REFERENCES posts);
    CREATE TABLE messages (
        id int PRIMARY KEY, sender bigint REFERENCES members, recipient bigint REFERENCES members);
    CREATE TABLE posts_archive (id int, topic_id int, author bigint);
    CREATE TABLE bans (
        id int PRIMARY KEY, member bigint REFERENCES members, banned_by bigint REFERENCES members);
    {users("members", "member_no, mail")}
    INSERT INTO boards VALUES (1, 'all', 11);
    INSERT INTO topics VALUES (1, 1, 1), (2, 1, 11), (3, 1, 12);
    INSERT INTO topic_subscriptions VALUES (1, 2), (2, 2), (1, 1), (3, 3);
    INSERT INTO posts VALUES
        (1, 1, 1, NULL, NULL), (2, 1, 2, 1, NULL), (3, 2, 11, NULL, NULL), (4, 2, 3, 3, NULL), (5, 3, 12, NULL, 11);
    INSERT INTO likes VALUES (1, 3), (11, 4), (11, 3), (12, 5);
    INSERT INTO messages VALUES (1, 1, 2), (2, 11, 12);
    INSERT INTO posts_archive SELECT 1000 + n, 2, 11 + n FROM generate_series(0, 39) n;
    INSERT INTO posts_archive VALUES (2000, 1, 1);
    INSERT INTO bans VALUES (1, 2, 11);
    """,
    {
        "root": "members.mail",
        "age": "members.joined",
        "owned_through": (),
        "protected_when": ("members.system",),
        "actors": ("*_by_id", "*_by", "moderator"),
        "implicit": ("posts_archive.topic_id -> topics.id", "posts_archive.author -> members.member_no"),
        "waived": ("posts_archive.id -> posts.id",),
    },
    {
        "boards": ["1"],
        "topics": ["2", "3"],
        "topic_subscriptions": 0,
        "posts": ["3", "5"],
        "likes": 2,
        "messages": ["2"],
        "posts_archive": 40,
        "bans": [],
    },
)

SHOP = Schema(
    f"""
    CREATE SCHEMA sales;
    CREATE SCHEMA crm;
    CREATE TABLE crm.employees (id int PRIMARY KEY, email text, is_admin bool);
    CREATE TABLE sales.customers (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text UNIQUE, reply_email text,
        account_manager int REFERENCES crm.employees, referred_by uuid REFERENCES sales.customers);
    CREATE TABLE sales.products (sku text PRIMARY KEY, name text);
    CREATE TABLE sales.orders (
        id bigserial PRIMARY KEY, customer uuid NOT NULL REFERENCES sales.customers, number text UNIQUE);
    CREATE TABLE sales.lines (
        order_number text REFERENCES sales.orders (number) ON DELETE CASCADE,
        sku text REFERENCES sales.products, quantity int, PRIMARY KEY (order_number, sku));
    CREATE TABLE sales.reviews (
        id int PRIMARY KEY, customer uuid REFERENCES sales.customers ON DELETE SET NULL,
        sku text REFERENCES sales.products);
    CREATE TABLE sales.wishes (customer uuid REFERENCES sales.customers, sku text REFERENCES sales.products);
    CREATE TABLE sales.payments (id int PRIMARY KEY, order_id text, amount numeric);
    CREATE TABLE crm.mailings (id int PRIMARY KEY, customer_id uuid, recipient_email text);
    INSERT INTO crm.employees VALUES (1, 'boss@example.org', true);
    INSERT INTO sales.customers (email) VALUES ('{address()}'), ('{address()}'), ('{address()}');
    INSERT INTO sales.customers (email) SELECT 'p' || n || '@example.org' FROM generate_series(1, 40) n;
    INSERT INTO sales.products VALUES ('a', 'A'), ('b', 'B');
    INSERT INTO sales.orders (customer, number)
        SELECT id, 'n' || row_number() OVER (ORDER BY email) FROM sales.customers;
    INSERT INTO sales.lines SELECT number, 'a', 1 FROM sales.orders;
    INSERT INTO sales.reviews
        SELECT row_number() OVER (), id, 'a' FROM sales.customers WHERE email !~ '^p[0-9]';
    INSERT INTO sales.wishes SELECT id, 'b' FROM sales.customers;
    INSERT INTO sales.payments SELECT id, id, 1 FROM sales.orders;
    """,
    {
        "root": "sales.customers.email",
        "owned_through": (),
        "protected_when": (),
        "actors": ("*_by_id", "*_by"),
        "implicit": ("sales.payments.order_id -> sales.orders.id",),
    },
    {
        "sales.products": ["a", "b"],
        "sales.orders": 40,
        "sales.lines": 40,
        "sales.payments": 40,
        "sales.wishes": 40,
        "sales.reviews": ["1", "2", "3"],
    },
)

ACCOUNTS, ITEMS = '"My App"."User Accounts"', '"My App"."Order: items"'
REMARKS, OLD = '"My App"."it\'s ""said"""', '"My App"."old.items"'
ODD = Schema(
    f"""
    CREATE SCHEMA "My App";
    CREATE TABLE {ACCOUNTS} (
        "Tenant" int DEFAULT 7, "Id" int, "E-Mail" text, "isAdmin" bool, "createdAt" timestamp,
        PRIMARY KEY ("Id", "Tenant"));
    CREATE TABLE {ITEMS} (
        "Tenant" int, "No%" int, "userId" int, PRIMARY KEY ("Tenant", "No%"),
        FOREIGN KEY ("Tenant", "userId") REFERENCES {ACCOUNTS} ("Tenant", "Id"));
    CREATE TABLE {REMARKS} (
        "Tenant" int, "itemNo" int, "approverId" int, note text,
        FOREIGN KEY ("Tenant", "itemNo") REFERENCES {ITEMS},
        FOREIGN KEY ("Tenant", "approverId") REFERENCES {ACCOUNTS} ("Tenant", "Id"));
    CREATE TABLE {OLD} ("Tenant" int, "itemNo" int);
    {users(ACCOUNTS, '"Id", "E-Mail"')}
    INSERT INTO {ITEMS} SELECT 7, "Id" * 10, "Id" FROM {ACCOUNTS};
    INSERT INTO {REMARKS} SELECT 7, "Id" * 10, 11 FROM {ACCOUNTS};
    INSERT INTO {OLD} SELECT 7, n * 10 FROM generate_series(1, 20) n;
    """,
    {
        "root": '"My App"."User Accounts"."E-Mail"',
        "age": '"My App"."User Accounts".createdAt',
        "protected_when": ('"My App"."User Accounts".isAdmin',),
        "actors": ("*_by_id", "*_by", "approverId"),
        "implicit": ('"My App"."old.items"(Tenant, itemNo) -> "My App"."Order: items"(Tenant, "No%")',),
    },
    {ACCOUNTS: 50, ITEMS: 50, REMARKS: 50, OLD: 17},
)
ALL = {"django": DJANGO, "saas": SAAS, "forum": FORUM, "shop": SHOP, "odd": ODD}
