"""Database URLs: what is one, what SQLAlchemy gets, and that no password is shown."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st

from notifydb import errors
from notifydb.settings import load_settings, normalise_url, redact, shown_url

SECRET = "s3cr3t/p@ss:word"


@given(
    st.text(
        st.characters(codec="ascii", exclude_categories=["C", "Z"], exclude_characters="'\"\\"), min_size=1
    )
)
def test_redaction_leaves_no_password(password: str) -> None:
    """`secret` marks the password, so that a password which also stands elsewhere does not count."""
    marked = f"secret{password}secret"
    for text in (
        f"postgresql://user:{marked}@host/db",
        f"could not connect to postgres://u:{marked}@h:1/d now",
    ):
        assert "secret" not in redact(text)
    simple = marked.translate({ord(character): "x" for character in "&,)}"})
    for text in (f"host=h password={simple} dbname=d", f"PGPASSWORD={simple}", f'{{"password": "{marked}"}}'):
        assert "secret" not in redact(text)


@given(st.text(st.characters(codec="ascii", exclude_categories=["C", "Z"]), min_size=1))
@example("'ret")
@example('"@:/#%')
def test_redaction_is_not_ended_by_a_quote_or_led_by_an_at(password: str) -> None:
    marked = f"secret{password}secret"
    for text in (f"at postgres://us@er:{marked}@h/x now", f"host=h password={marked} dbname=d"):
        assert "secret" not in redact(text)
        assert redact(text).endswith((" now", " dbname=d"))


def test_redaction_leaves_the_own_hint_as_it_is() -> None:
    with pytest.raises(errors.ConfigurationError) as caught:
        normalise_url("just text")
    assert caught.value.hint == redact(caught.value.hint or "")


def test_redaction_keeps_the_rest() -> None:
    assert redact("at postgresql://user:pw@host:5432/db?sslmode=require, twice") == (
        "at postgresql://user:***@host:5432/db?sslmode=require, twice"
    )
    assert redact("no secret: a@b, x://y") == "no secret: a@b, x://y"


@pytest.mark.parametrize("url", [f"mysql://u:{SECRET}@h/d", SECRET, f"postgresql+{SECRET}://h"])
def test_a_rejected_url_is_not_repeated(url: str, tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigurationError) as caught:
        load_settings(environ={"DATABASE_URL": url}, directory=tmp_path)
    assert "s3cr3t" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgres://bob:Sek'ret@h/x", "postgres://bob:***@h/x"),
        ("postgres://us@er:Sekret@h/x", "postgres://us@er:***@h/x"),
        ("postgres://u:Sek ret\n\"#%/:@h:1/x?sslmode=require", "postgres://u:***@h:1/x?sslmode=require"),
        ("postgres://h/x?user=u&password=Sekret", "postgres://h/x?user=u&password=***"),
        ("postgres://h/x?sslp%61ssword=Sekret&sslmode=prefer", "postgres://h/x?sslp%61ssword=***&sslmode=prefer"),
        ("postgres://u:p@Sekret@h/x", "***"),
        ("postgres://u:p@Sekret/@h/x", "***"),
        ("postgres://u:p@Sekret?@h/x", "***"),
        ("Sekret", "***"),
    ],
)  # fmt: skip
def test_a_shown_url_has_no_password(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@given(st.text(min_size=1), st.sampled_from(["u", "us@er", "", "u%40x"]), st.booleans())
def test_no_password_is_shown_that_a_connection_would_use(password: str, user: str, encoded: bool) -> None:
    """Raw or encoded: where notifydb takes the URL at all, the marks of its password are hidden."""
    marked = f"s3cr3t{password}s3cr3t"
    written = quote(marked, safe="") if encoded else marked
    raw = f"postgres://{user}:{written}@host:1/db?sslpassword={quote(marked, safe='')}"
    assert "s3cr3t" not in shown_url(raw)
    try:
        url = normalise_url(raw)
    except errors.ConfigurationError as error:
        assert not encoded
        assert "s3cr3t" not in f"{error} {error.hint}"
        return
    assert "s3cr3t" not in shown_url(url)
    assert sa.make_url(url).host == "host"


@given(
    st.sampled_from(["postgres", "postgresql", "postgresql+psycopg2", "POSTGRES"]),
    st.text("abc:@/?=&%,[]1", max_size=20),
)
def test_normalising_makes_what_sqlalchemy_reads_or_says_no(scheme: str, rest: str) -> None:
    try:
        url = normalise_url(f"{scheme}://{rest}")
    except errors.ConfigurationError:
        return
    sa.create_engine(url).dialect.create_connect_args(sa.make_url(url))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgres://u:Sekret@h:port/d", "no valid host and port"),
        ("postgres://u:Sekret@h:65536/d", "no valid host and port"),
        ("postgres://u:Sekret@h:99999999999999999999/d", "no valid host and port"),
        ("postgres://u:Sekret@[::1", "no valid host and port"),
        ("postgres://u:Sekret", "no valid host and port"),
        ("postgres://u:p@Sekret@h/d", "no valid host and port"),
        ("postgres://u:p@Sekret/@h/d", "an @ too many"),
        ("postgres://u:Sekret@h/d?foo=bar", "libpq does not know: foo"),
        ("postgres://u:p@x?Sekret@h/d", "libpq does not know$"),
        ("postgres://u:Sekret@h/d?sslmode=prefer&sslmode=require", "do not fit together"),
        ("postgres://u:Sekret@h/d?port=Sekret", "do not fit together"),
        ("postgres://u:Sekret@h1,h2/d?port=1,2,3", "do not fit together"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_secret(url: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigurationError, match=said) as caught:
        load_settings(environ={"DATABASE_URL": url}, directory=tmp_path)
    assert "Sekret" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"


@pytest.mark.parametrize(
    ("hosts", "host", "port"),
    [
        ("h1:5432,h2:5433", "h1,h2", "5432,5433"),
        ("h1,h2:5433", "h1,h2", ",5433"),
        ("h1,h2", "h1,h2", ","),
        ("[::1]:1,h2:2", "::1,h2", "1,2"),
    ],
)
def test_several_hosts_reach_libpq(hosts: str, host: str, port: str) -> None:
    url = sa.make_url(normalise_url(f"postgresql://u:p@{hosts}/db?target_session_attrs=read-write"))
    _, given = sa.create_engine(url).dialect.create_connect_args(url)
    given.pop("context", None)
    # Where no port is given, SQLAlchemy's releases differ; libpq takes both for its default.
    assert given.pop("port", ",") == port
    assert given == {
        "user": "u", "password": "p", "dbname": "db", "host": host,
        "target_session_attrs": "read-write",
    }  # fmt: skip


def test_a_single_host_changes_the_scheme_only() -> None:
    for rest in ("", "u:p@h/d", "u@[::1]:1/d?sslmode=require", "/d?host=/run/pg", "/d?host=a:1&host=b:2"):
        assert normalise_url(f"POSTGRES://{rest}") == f"postgresql+psycopg://{rest}"
