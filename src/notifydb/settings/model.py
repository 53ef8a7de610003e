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


class PurgeSettings(Section):
    """`[tool.notifydb.purge]`: the defaults are the Notify data model's."""

    root: str = Field(
        default="users.email_address", description="table.column that the prefix is matched against"
    )
    max_users: int = Field(default=1_000, ge=1, description="a match of more rows than this is refused")
    max_fraction: float = Field(
        default=0.5, gt=0, le=1, description="a match of a larger share of the table is refused"
    )
    protected: tuple[str, ...] = Field(
        default=("6af522d0-2915-4e52-83a3-3690455a5fe6", "d6aa2c68-a2d9-4437-ab19-3ae8eb202553"),
        description="keys of rows that are never deleted: the seeded service and its user",
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
        default=".current-alembic-head", description="the file that names the head, in the Alembic folder"
    )
    main_branch: str | None = Field(
        default=None, description="the branch whose revisions keep their ids; default: found"
    )
    number_width: int = Field(default=4, ge=1, le=8, description="digits of a revision's number")
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
    lint: LintSettings = Field(default_factory=LintSettings)
    purge: PurgeSettings = Field(default_factory=PurgeSettings)
