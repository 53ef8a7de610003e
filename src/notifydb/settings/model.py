"""Every setting, its type, its default and what it is for: the docs' table is made from this."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Literal

from notifydb.settings.environment import Environment
from notifydb.settings.fields import LONGEST, Section, Table, setting
from notifydb.settings.url import SecretUrl


@dataclasses.dataclass(frozen=True, kw_only=True)
class LintSettings(Section):
    """`[tool.notifydb.lint]`"""

    select: tuple[str, ...] = setting(default=(), description="only these rules or families; empty means all")
    extend_select: tuple[str, ...] = setting(
        default=(), description="these rules or families besides; an opt-in rule runs only by its name"
    )
    ignore: tuple[str, ...] = setting(default=(), description="rules or families that are off")
    severity: Table = setting(
        default=(),
        description='table: a rule or family = "error", "warning" or "info"; a rule outweighs its family',
    )
    per_file: Table = setting(
        default=(),
        description="table: a file name with wildcards, or numbers like 0001-0300 = what is off there",
    )
    baseline: Path = setting(
        default=Path("notifydb-lint-baseline.json"),
        description="the file of findings that are left out, below the project",
    )
    single_transaction: bool = setting(
        default=False, description="a file of SQL runs in one transaction, as with psql -1"
    )
    rows: int = setting(
        default=1_000, ge=0, description="synthetic rows per table before a migration is traced"
    )
    small_table_rows: int = setting(
        default=100, ge=0, description="a scan of fewer rows under a lock is no finding"
    )
    lock_timeout: str | None = setting(
        default=None,
        description="what runs the migrations sets this one already: lock-timeout-not-set is content",
    )
    stats: Path | None = setting(
        default=None,
        description="production's table sizes, from `notifydb lint --export-stats`; "
        "default: notifydb-stats.json beside the settings, where it is",
    )
    history: Path | None = setting(
        default=None,
        description="production's history, from `notifydb history --database --format json`; "
        "default: notifydb-history.json beside the settings, where it is",
    )
    target_version: int | None = setting(
        default=None,
        ge=13,
        description="PostgreSQL's major version in production; "
        "default: autogen's, else that of the statistics, else the shadow's",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class AutogenSettings(Section):
    """`[tool.notifydb.autogen]`"""

    skip: tuple[str, ...] = setting(
        default=(), description="tables, kinds or table.name that `migrate new` and `check` leave out"
    )
    formatter: str | None = setting(
        default=None,
        description="a command that reads a new migration and writes it formatted; "
        "default: ruff or black where pyproject.toml configures it, empty: none",
    )
    target_version: int | None = setting(
        default=None,
        ge=13,
        description="PostgreSQL's major version in production; default: lint's, else only forms that 13 knows",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class PurgeSettings(Section):
    """`[tool.notifydb.purge]`: the defaults are the Notify data model's.

    Tables are written `table` or `schema.table`, relations `child.column -> parent.column`.
    """

    root: str = setting(
        default="users.email_address", description="table.column that the prefix is matched against"
    )
    require_uuid: bool = setting(
        default=True, description="an address matches only with + and a UUID before its @"
    )
    ignore_case: bool = setting(default=False, description="an address matches in whatever case")
    older_than: str | None = setting(
        default=None,
        description="only rows of the root that are older: 2d, 12h or 30m, or a time in ISO 8601 with its zone",
    )
    age: str = setting(
        default="users.created_at", description="the column that tells how old a row of the root is"
    )
    max_users: int = setting(default=1_000, ge=1, description="a match of more rows than this is refused")
    max_fraction: float = setting(
        default=0.5,
        gt=0,
        le=1,
        description="a larger share of the root table, or of any table over 10,000 rows, is refused",
    )
    protected: tuple[str, ...] = setting(
        default=(
            "3c068010-5bfe-4bca-bf39-33b43a52ed7f",
            "87c3f76d-2c3b-4134-b67e-c60bc78ff758",
            "d6aa2c68-a2d9-4437-ab19-3ae8eb202553",
            "6af522d0-2915-4e52-83a3-3690455a5fe6",
        ),
        description="keys of rows that are never deleted: the seeded service and its user",
    )
    protect_seeded: bool = setting(
        default=True, description="keys (UUIDs) that a migration's text names are protected, too"
    )
    delete_shared: tuple[str, ...] = setting(
        default=(), description="keys of groups that go although some of their members stay"
    )
    protected_when: tuple[str, ...] = setting(
        default=("users.platform_admin",), description="true in one of these columns protects a root row"
    )
    batch_above: int = setting(
        default=5_000,
        ge=0,
        description="rows that go in one transaction; of more, large tables go in batches beforehand",
    )
    batch_rows: int = setting(default=20_000, ge=1, description="about so many rows go in a batch")
    archive_dir: Path = setting(
        default=Path("purge-archives"),
        description="the folder in which each purge makes the folder of its archive, below the project",
    )
    jobs: int = setting(default=2, ge=1, le=16, description="sessions that delete batches at the same time")
    max_rate: int | None = setting(
        default=None, ge=1, description="rows a second that are not to be passed; default: no limit"
    )
    max_lag: float = setting(
        default=10,
        gt=0,
        le=LONGEST,
        description="seconds that a replica may be behind before batches wait for it",
    )
    lock_timeout: float = setting(
        default=0.5,
        gt=0,
        le=LONGEST,
        description="seconds that a purge waits for a lock before it lets go of all it has and comes back; below "
        "the server's deadlock_timeout, so that nobody else's transaction is ended for it",
    )
    attempts: int = setting(default=30, ge=1, description="how often a transaction of a purge is tried")
    deadline: float = setting(
        default=900,
        ge=0,
        le=LONGEST,
        description="seconds after which a purge comes back no more; what works goes on",
    )
    owned_through: tuple[str, ...] = setting(
        default=("user_to_service(user_id -> service_id) -> services(id)",),
        description="a group goes when all its members go: link(member -> group) -> table(key)",
    )
    owned_when_empty: tuple[str, ...] = setting(
        default=("services.created_by_id",),
        description="a group without members goes with the root row that this column names",
    )
    actors: tuple[str, ...] = setting(
        default=("*_by_id", "*_by", "go_live_user_id"),
        description="columns, or table.columns, that tell who did something: not ownership",
    )
    policies: tuple[str, ...] = setting(
        default=("inbound_numbers.service_id=null", "invited_users.user_id=refuse"),
        description="table.column=follow, refuse, null, reassign:KEY or leave, where the rules of ownership do not fit",
    )
    implicit: tuple[str, ...] = setting(
        default=(
            "services_history.id -> services.id",
            "api_keys_history.id -> api_keys.id",
            "api_keys_history.service_id -> services.id",
            "templates_history.id -> templates.id",
            "service_inbound_api_history.id -> service_inbound_api.id",
            "service_inbound_api_history.service_id -> services.id",
            "service_callback_api_history.id -> service_callback_api.id",
            "service_callback_api_history.service_id -> services.id",
            "inbound_sms_history.service_id -> services.id",
            "notification_history.service_id -> services.id",
            "notification_history.template_id -> templates.id",
            "notification_history.job_id -> jobs.id",
            "notification_history.api_key_id -> api_keys.id",
            "complaints.notification_id -> notifications.id",
            "ft_billing.service_id -> services.id",
            "ft_billing.template_id -> templates.id",
            "ft_notification_status.service_id -> services.id",
            "ft_notification_status.template_id -> templates.id",
            "ft_notification_status.job_id -> jobs.id",
            "events.data->>'user_id' -> users.id",
            "services_history.created_by_id -> users.id",
            "services_history.go_live_user_id -> users.id",
            "api_keys_history.created_by_id -> users.id",
            "service_inbound_api_history.updated_by_id -> users.id",
            "service_callback_api_history.updated_by_id -> users.id",
            "notification_history.created_by_id -> users.id",
            "provider_details_history.created_by_id -> users.id",
        ),
        description="relations that have no foreign key, or a key of a JSON column",
    )
    extend_implicit: tuple[str, ...] = setting(
        default=(), description="such relations beside those of `implicit`, whose defaults then stay"
    )
    waived: tuple[str, ...] = setting(
        # Notifications are moved to the history: the row there has no twin that it could belong to.
        default=("notification_history.id -> notifications.id", "inbound_sms_history.id -> inbound_sms.id"),
        description="relations that look like one and are none",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class UpgradeSettings(Section):
    """`[tool.notifydb.upgrade]`; times are in seconds."""

    lock_timeout: float = setting(
        default=2,
        ge=0,
        le=LONGEST,
        description="seconds that a statement waits for a lock, and others behind it, before the migration is rolled "
        "back and tried again; 0: without end",
    )
    attempts: int = setting(
        default=30, ge=1, description="how often one migration is tried, when locks are in its way"
    )
    deadline: float = setting(
        default=900,
        ge=0,
        le=LONGEST,
        description="seconds after which a run waits for nobody any more; what works goes on",
    )
    cancel_blockers: tuple[str, ...] = setting(
        default=(),
        description="applications (application_name, with wildcards) whose sessions are ended when they block a "
        "migration; guarded, so never by this alone",
    )
    cancel_after: float = setting(
        default=60, ge=0, le=LONGEST, description="seconds that such a session's transaction has to be old"
    )
    queries: Literal["masked", "full", "hidden"] = setting(
        default="masked",
        description="how statements of other sessions are shown: masked is without their data",
    )
    log_format: Literal["text", "json"] = setting(
        default="text", description="json: an object a line for each event, and a summary, on stdout"
    )
    code_version: str | None = setting(
        default=None, description="the deployed version of the application, for the history"
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(Section):
    """The settings of one run; built by `load_settings` only."""

    environment: Environment = setting(
        default=Environment.UNKNOWN,
        description="development, test, staging or production; anything else counts as production",
    )
    database_url: SecretUrl | None = setting(default=None, description="the database to work on")
    shadow_url: SecretUrl | None = setting(
        default=None, description="a server for shadow databases; default: the embedded one"
    )
    service_name: str | None = setting(
        default=None, description="which database of VCAP_SERVICES, where several are bound"
    )
    allow_destructive: bool = setting(
        default=False, description="permits what the guard's table allows only with it"
    )
    script_location: Path | None = setting(
        default=None, description="the Alembic folder; default: what alembic.ini says"
    )
    metadata: str | None = setting(default=None, description="the models, as module:attribute.path")
    bootstrap: str | None = setting(
        default=None,
        description="a context manager to enter before migrations are loaded, as module:attribute.path",
    )
    head_file: str = setting(
        default=".current-alembic-head",
        description="the file that names the head, in the Alembic folder; empty: none",
    )
    main_branch: str | None = setting(
        default=None, description="the branch whose revisions keep their ids; default: found"
    )
    number_width: int = setting(
        default=4, ge=1, le=6, description="digits of a revision's number; more would be a date"
    )
    data_dir: Path = setting(
        default=Path(".notifydb"), description="the embedded Postgres' files, below the project"
    )
    postgres_bin: Path | None = setting(
        default=None, description="run this Postgres instead of the embedded one"
    )
    lock_wait: float = setting(
        default=60, ge=0, le=LONGEST, description="seconds to wait for another runner to finish"
    )
    shadow_templates: int = setting(default=12, ge=1, description="how many shadow templates are kept")
    log_level: Literal["debug", "info", "warning", "error"] = setting(
        default="warning", description="how much is logged"
    )
    autogen: AutogenSettings = AutogenSettings()
    lint: LintSettings = LintSettings()
    purge: PurgeSettings = PurgeSettings()
    upgrade: UpgradeSettings = UpgradeSettings()
