"""Every way past the guard of a purge that can be said or set: each is refused, and nothing has changed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cli.conftest import Notifydb
from cli.guarded import ALLOW, NEVER, PREFIX, TEST, Guarded, mark, shop_on
from conftest import MakeDatabase, SmallProject, name_of, query
from notifydb import errors
from notifydb.cli.app import app
from notifydb.shadow.server import Server


@pytest.fixture(scope="module")
def shop_url(server: Server) -> Iterator[str]:
    with shop_on(server) as url:
        yield url


@pytest.fixture
def shop(shop_url: str, notifydb: Notifydb, small_project: SmallProject) -> Guarded:
    return Guarded(shop_url, notifydb, small_project.project.root)


@pytest.fixture
def own_shop(
    shop_url: str, make_database: MakeDatabase, notifydb: Notifydb, small_project: SmallProject
) -> Guarded:
    """A database of the test's own, to be damaged."""
    url = make_database(template=name_of(shop_url))
    mark(url)
    return Guarded(url, notifydb, small_project.project.root)


def test_without_any_of_it_just_the_test_users_go(own_shop: Guarded) -> None:
    """The same command as in all that follows: what is refused there is refused for the reason told."""
    done = own_shop.purge(**TEST)
    assert done.code == 0, done
    assert query(own_shop.url, "SELECT count(*), min(id) FROM users") == [(7, 3)]
    assert query(own_shop.url, "SELECT count(*), min(id) FROM events") == [(7, 3)]


PREFIXES = [
    "", " ", "     ", "\t\t\t\t\t", "\n", "%", "%%%%%", "_", "_____", "*", "*****", "?????", "\\", "\\\\\\\\\\",
    ".....", "+", "+++++", "@", "@example.gov", "notify-tests-preview@", "1234567", "noti", "notify-tests%",
    "notify-t_sts*", " notify-tests-preview", "notify-tests-preview ", "notify-tests-preview\n", "notify-tests\x01",
    "notify-tests\x7f", "a" * 10_000, "notify-tests-preview" * 500, "' OR true --", "notify'; DELETE FROM users; --",
    "n\u043etify-tests-preview", "\uff4e\uff4f\uff54\uff49\uff46\uff59-tests", "notify\u200b-tests",
    "notify-te\u0301sts", "notify\u00ad-tests", "\u202enotify-tests", "notify\u00a0tests",
    "notify\u2010tests-preview", "\ufeffnotify-tests",
]  # fmt: skip


@pytest.mark.parametrize("prefix", PREFIXES, ids=lambda prefix: ascii(prefix)[:24])
def test_a_prefix_that_is_none(prefix: str, shop: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_no_prefix(prefix, shop, monkeypatch)


def test_a_prefix_with_a_nul(shop: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    """No argument of a process can hold one."""
    assert_no_prefix("notify-tests\x00-preview", shop, monkeypatch)


def assert_no_prefix(prefix: str, shop: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command in this process: nothing of the environment matters here."""
    monkeypatch.chdir(shop.root)
    for name, value in {**TEST, **ALLOW, "DATABASE_URL": shop.url}.items():
        monkeypatch.setenv(name, value)
    with shop.unchanged(), pytest.raises(errors.UsageError, match="is not a prefix to purge by") as refused:
        app(["purge", f"--prefix={prefix}", "--confirm", name_of(shop.url)], standalone_mode=False)
    assert refused.value.exit_code == 2
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "prefix", ["", "%", "\\", "a" * 10_000, "n\u043etify-tests-preview", "notify@"], ids=ascii
)
def test_a_prefix_that_is_none_on_the_command_line(prefix: str, shop: Guarded) -> None:
    shop.refuses("is not a prefix to purge by", "--prefix", prefix, code=2, **TEST)


@pytest.mark.parametrize(
    "environment",
    ["production", "PRODUCTION", "Production ", "\tproduction\n", "prod", "live", "", " ", "demo", "tests",
     "test,production", "te\u017ft", "\uff54\uff45\uff53\uff54", "t\u0435st", "test\u200b", "development;", "0",
     "true"],
    ids=ascii,
)  # fmt: skip
def test_an_environment_that_is_not_known_to_be_harmless(environment: str, shop: Guarded) -> None:
    shop.refuses(NEVER, NOTIFYDB_ENVIRONMENT=environment, **ALLOW)


SAID_TWICE = [
    {},
    {"NOTIFYDB_ENVIRONMENT": "test", "NOTIFY_ENVIRONMENT": "production"},
    {"NOTIFYDB_ENVIRONMENT": "production", "NOTIFY_ENVIRONMENT": "test"},
    {"NOTIFYDB_ENVIRONMENT": "test", "NOTIFY_ENVIRONMENT": ""},
    {"NOTIFYDB_ENVIRONMENT": "", "NOTIFY_ENVIRONMENT": "test"},
    {"NOTIFY_ENVIRONMENT": "sandbox"},
]


@pytest.mark.parametrize("variables", SAID_TWICE, ids=str)
def test_the_environment_said_twice_or_not_at_all(variables: dict[str, str], shop: Guarded) -> None:
    shop.refuses(NEVER, **variables, **ALLOW)


FILES = {
    ".env": [
        "NOTIFYDB_ENVIRONMENT=production\n",
        "NOTIFY_ENVIRONMENT=production\n",
        "export NOTIFYDB_ENVIRONMENT='Production '\n",
        "NOTIFYDB_ENVIRONMENT=production\nNOTIFYDB_ENVIRONMENT=test\n",
        "NOTIFYDB_ENVIRONMENT=test\nNOTIFYDB_ENVIRONMENT=production\n",
        "NOTIFYDB_ENVIRONMENT\n",
        "NOTIFYDB_ENVIRONMENT=\n",
        "\ufeffNOTIFYDB_ENVIRONMENT=production\n",
        "NOTIFYDB_ALLOW_DESTRUCTIVE=true\nNOTIFYDB_ENVIRONMENT=production\n",
    ],
    "notifydb.toml": [
        'environment = "production"\n',
        'environment = "Production "\nallow_destructive = true\n',
        'environment = ""\n',
        "environment = true\n",
    ],
    "pyproject.toml": [
        '[tool.notifydb]\nenvironment = "production"\n',
        '[tool.notifydb]\nenvironment = "sandbox"\nallow_destructive = true\n',
    ],
}


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in FILES.items() for text in texts], ids=ascii
)
def test_a_file_against_the_variable(name: str, text: str, shop: Guarded) -> None:
    shop.write(name, text)
    shop.refuses(NEVER, **TEST, **ALLOW)


@pytest.mark.parametrize(
    ("name", "text"),
    [(".env", 'NOTIFYDB_ENVIRONMENT="production\n'), ("notifydb.toml", 'environment = "production\n'),
     (".env", "NOTIFYDB_ENVIROMENT=production\n"), ("notifydb.toml", 'enviroment = "production"\n'),
     ("pyproject.toml", '[tool.notifydb]\nenvironment = "test"\nenvironment = "production"\n')],
    ids=ascii,
)  # fmt: skip
def test_a_file_that_cannot_be_understood(name: str, text: str, shop: Guarded) -> None:
    shop.write(name, text)
    shop.refuses(name, code=2, **TEST, **ALLOW)


LINKED = {
    "notifydb.toml": 'environment = "production"\n',
    "pyproject.toml": '[tool.notifydb]\nenvironment = "production"\n',
    ".env": "NOTIFYDB_ENVIRONMENT=production\n",
}


@pytest.mark.parametrize("name", LINKED)
def test_a_file_that_is_a_link(name: str, shop: Guarded, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What it leads to is heard; where it leads to nothing, nobody knows what was to be heard."""
    there = tmp_path_factory.mktemp("elsewhere") / "settings"
    there.write_text(LINKED[name])
    (shop.root / name).unlink(missing_ok=True)
    (shop.root / name).symlink_to(there)
    shop.write("alembic.ini", "[alembic]\nscript_location = alembic\n")
    shop.refuses(NEVER, **TEST, **ALLOW)
    there.unlink()
    shop.refuses(f"{name} is a link to nothing", code=2, **TEST, **ALLOW)


def test_a_folder_of_the_project_is_no_way_out(shop: Guarded) -> None:
    shop.write(".env", "NOTIFYDB_ENVIRONMENT=production\n")
    below = shop.root / "alembic" / "versions"
    with shop.unchanged():
        outcome = shop.notifydb(
            "purge",
            "--prefix",
            PREFIX,
            "--confirm",
            name_of(shop.url),
            cwd=below,
            DATABASE_URL=shop.url,
            **TEST,
        )
    assert (outcome.code, NEVER in outcome.err) == (3, True)


@pytest.mark.parametrize("how", ["variable", ".env", "notifydb.toml"])
def test_production_with_every_permission_that_can_be_set(how: str, shop: Guarded) -> None:
    variables = {"NOTIFYDB_ENVIRONMENT": "production"}
    if how == ".env":
        shop.write(".env", "NOTIFYDB_ALLOW_DESTRUCTIVE=true\n")
    elif how == "notifydb.toml":
        shop.write("notifydb.toml", "allow_destructive = true\n")
    else:
        variables |= ALLOW
    for arguments in ([], ["--dry-run"]):
        shop.refuses(NEVER, *arguments, **variables)


def test_staging_without_permission(shop: Guarded) -> None:
    shop.refuses("purge is not allowed there by the settings", NOTIFYDB_ENVIRONMENT="staging")


def names(name: str) -> list[str]:
    return ["", "y", "yes", "true", "*", f"{name} ", f" {name}", f"{name}\n", name.upper(), name[:-1], f"{name}x",
            f'"{name}"', "postgres", f"{name},postgres", f"/{name}"]  # fmt: skip


@pytest.mark.parametrize("number", range(len(names("name"))), ids=lambda number: ascii(names("name")[number]))
def test_a_confirmation_that_is_not_the_name(number: int, shop: Guarded) -> None:
    typed = names(name_of(shop.url))[number]
    shop.refuses("is not the database's name", confirm=typed, **TEST)


def test_a_name_that_is_piped_in_is_not_typed(shop: Guarded) -> None:
    with shop.unchanged():
        outcome = shop.notifydb(
            "purge", "--prefix", PREFIX, stdin=f"{name_of(shop.url)}\ny\n", DATABASE_URL=shop.url, **TEST
        )
    assert (outcome.code, "was not typed as confirmation" in outcome.err) == (3, True)


@pytest.mark.parametrize("id_", ["", "0", "0000000000000000", "x" * 1_000])
def test_a_plan_id_that_is_none(id_: str, shop: Guarded) -> None:
    shop.refuses("the plan is not the one that was asked for", "--plan-id", id_, **TEST)


def test_the_plan_id_of_a_copy_with_the_same_rows(shop: Guarded, own_shop: Guarded) -> None:
    ids = [
        each.purge("--dry-run", "--format", "json", **TEST).json["plan"]["id"] for each in (shop, own_shop)
    ]
    assert ids[0] != ids[1]
    own_shop.refuses("the plan is not the one that was asked for", "--plan-id", ids[0], **TEST)


def test_a_restore_is_guarded_as_a_purge_is(own_shop: Guarded) -> None:
    """Rows of a test database do not get into another one by it."""
    assert own_shop.purge("--archive", str(own_shop.root), **TEST).code == 0
    (archive,) = (path.parent for path in own_shop.root.glob("*/manifest.jsonl"))
    refused = {
        "restore is never done there": {"NOTIFYDB_ENVIRONMENT": "production", **ALLOW},
        "restore is not allowed there": {"NOTIFYDB_ENVIRONMENT": "staging"},
        "was not typed as confirmation": TEST,
    }
    for reason, variables in refused.items():
        with own_shop.unchanged():
            outcome = own_shop.notifydb("restore", str(archive), DATABASE_URL=own_shop.url, **variables)
        assert (outcome.code, reason in outcome.err) == (3, True), outcome
    query(own_shop.url, "UPDATE notifydb.environment SET name = 'production'")
    typed = ("--confirm", name_of(own_shop.url))
    for arguments in ((), ("--dry-run",)):
        with own_shop.unchanged():
            outcome = own_shop.notifydb(
                "restore", str(archive), *typed, *arguments, DATABASE_URL=own_shop.url, **TEST
            )
        assert (outcome.code, "restore is never done there" in outcome.err) == (3, True), outcome
    query(own_shop.url, "UPDATE notifydb.environment SET name = 'test'")
    assert own_shop.notifydb("restore", str(archive), *typed, DATABASE_URL=own_shop.url, **TEST).code == 0
    assert query(own_shop.url, "SELECT count(*) FROM users") == [(9,)]
