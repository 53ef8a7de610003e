"""Every setting, its type, its default and what it is for: the docs' table is made from this."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from notifydb.settings.environment import Environment
from notifydb.settings.url import normalise_url


def _secret_url(raw: object) -> object:
    if raw is None or raw == "":
        return None
    return SecretStr(normalise_url(raw.get_secret_value() if isinstance(raw, SecretStr) else str(raw)))


Url = Annotated[SecretStr | None, BeforeValidator(_secret_url)]
AnyEnvironment = Annotated[Environment, BeforeValidator(Environment.parse)]


class Section(BaseModel):
    """A section refuses names that it does not know: a typo is an error, not a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class LintSettings(Section):
    """`[tool.notifydb.lint]`"""

    select: tuple[str, ...] = Field(default=(), description="only these rules or families; empty means all")
    ignore: tuple[str, ...] = Field(default=(), description="rules or families that are off")
    rows: int = Field(
        default=1_000, ge=0, description="synthetic rows per table before a migration is traced"
    )
    small_table_rows: int = Field(
        default=100, ge=0, description="a scan of fewer rows under a lock is no finding"
    )


class AutogenSettings(Section):
    """`[tool.notifydb.autogen]`"""

    skip: tuple[str, ...] = Field(
        default=(), description="tables, kinds or table.name that `migrate new` and `check` leave out"
    )
    formatter: str | None = Field(
        default=None,
        description="a command that reads a new migration and writes it formatted; "
        "default: ruff or black where pyproject.toml configures it, empty: none",
    )
    target_version: int | None = Field(
        default=None,
        ge=13,
        description="PostgreSQL's major version in production; default: only forms that 13 knows",
    )


class PurgeSettings(Section):
    """`[tool.notifydb.purge]`: the defaults are the Notify data model's.

    Tables are written `table` or `schema.table`, relations `child.column -> parent.column`.
    """

    root: str = Field(
        default="users.email_address", description="table.column that the prefix is matched against"
    )
    require_uuid: bool = Field(
        default=True, description="an address matches only with + and a UUID before its @"
    )
    max_users: int = Field(default=1_000, ge=1, description="a match of more rows than this is refused")
    max_fraction: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="a larger share of the root table, or of any table over 10,000 rows, is refused",
    )
    protected: tuple[str, ...] = Field(
        default=(
            "3c068010-5bfe-4bca-bf39-33b43a52ed7f",
            "87c3f76d-2c3b-4134-b67e-c60bc78ff758",
            "d6aa2c68-a2d9-4437-ab19-3ae8eb202553",
            "6af522d0-2915-4e52-83a3-3690455a5fe6",
        ),
        description="keys of rows that are never deleted: the seeded service and its user",
    )
    protected_when: tuple[str, ...] = Field(
        default=("users.platform_admin",), description="true in one of these columns protects a root row"
    )
    owned_through: tuple[str, ...] = Field(
        default=("user_to_service(user_id -> service_id) -> services(id)",),
        description="a group goes when all its members go: link(member -> group) -> table(key)",
    )
    owned_when_empty: tuple[str, ...] = Field(
        default=("services.created_by_id",),
        description="a group without members goes with the root row that this column names",
    )
    actors: tuple[str, ...] = Field(
        default=("*_by_id", "*_by", "go_live_user_id"),
        description="columns, or table.columns, that tell who did something: not ownership",
    )
    policies: tuple[str, ...] = Field(
        default=("inbound_numbers.service_id=null",),
        description="table.column=follow, refuse, null or leave, where the rules of ownership do not fit",
    )
    implicit: tuple[str, ...] = Field(
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
    waived: tuple[str, ...] = Field(
        # Notifications are moved to the history: the row there has no twin that it could belong to.
        default=("notification_history.id -> notifications.id", "inbound_sms_history.id -> inbound_sms.id"),
        description="relations that look like one and are none",
    )


class Settings(Section):
    """The settings of one run; built by `load_settings` only."""

    environment: AnyEnvironment = Field(
        default=Environment.UNKNOWN,
        description="development, test, staging or production; anything else counts as production",
    )
    database_url: Url = Field(default=None, description="the database to work on")
    shadow_url: Url = Field(
        default=None, description="a server for shadow databases; default: the embedded one"
    )
    service_name: str | None = Field(
        default=None, description="which database of VCAP_SERVICES, where several are bound"
    )
    allow_destructive: bool = Field(
        default=False, description="permits what the guard's table allows only with it"
    )
    script_location: Path | None = Field(
        default=None, description="the Alembic folder; default: what alembic.ini says"
    )
    metadata: str | None = Field(default=None, description="the models, as module:attribute.path")
    bootstrap: str | None = Field(
        default=None,
        description="a context manager to enter before migrations are loaded, as module:attribute.path",
    )
    head_file: str = Field(
        default=".current-alembic-head",
        description="the file that names the head, in the Alembic folder; empty: none",
    )
    main_branch: str | None = Field(
        default=None, description="the branch whose revisions keep their ids; default: found"
    )
    number_width: int = Field(
        default=4, ge=1, le=6, description="digits of a revision's number; more would be a date"
    )
    data_dir: Path = Field(
        default=Path(".notifydb"), description="the embedded Postgres' files, below the project"
    )
    postgres_bin: Path | None = Field(
        default=None, description="run this Postgres instead of the embedded one"
    )
    lock_wait: float = Field(default=60, ge=0, description="seconds to wait for another runner to finish")
    shadow_templates: int = Field(default=12, ge=1, description="how many shadow templates are kept")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="warning", description="how much is logged"
    )
    autogen: AutogenSettings = Field(default_factory=AutogenSettings)
    lint: LintSettings = Field(default_factory=LintSettings)
    purge: PurgeSettings = Field(default_factory=PurgeSettings)
