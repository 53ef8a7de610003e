"""The guard's table: over all combinations, and row by row."""

from __future__ import annotations

import dataclasses
import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifydb import errors, guard
from notifydb.guard import DATA_LOSS, Mark, Operation, Permit, Request, Target
from notifydb.settings import Environment, Voice
from notifydb.settings.environment import Name

SERIOUS = (Environment.PRODUCTION, Environment.UNKNOWN)
marks = st.one_of(
    st.sampled_from([Mark("missing"), Mark("foreign", Environment.DEVELOPMENT), Mark("unreadable")]),
    st.builds(Mark, st.just("present"), st.sampled_from(Environment)),
)
voices = st.lists(st.builds(Voice, st.text(), st.sampled_from(Environment)), max_size=4).map(tuple)
requests = st.builds(
    Request,
    operation=st.sampled_from(Operation),
    target=st.builds(
        Target, database=st.just("shop"), mark=marks, embedded=st.booleans(), standby=st.booleans()
    ),
    voices=voices,
    allow_destructive=st.booleans(),
    confirmation=st.sampled_from([None, "shop", "shop ", "SHOP", "other", "y"]),
    reasoned=st.booleans(),
)


def permitted(request: Request) -> Permit | None:
    try:
        return guard.permit(request)
    except errors.Refused as refusal:
        assert refusal.reasons
        assert refusal.exit_code == 3
        return None


def request_for(operation: Operation, environment: Environment | None, **more: object) -> Request:
    said = () if environment is None else (Voice("NOTIFYDB_ENVIRONMENT", environment),)
    mark = Mark("present", environment or Environment.DEVELOPMENT)
    fields = {"target": Target("shop", mark), "voices": said, **more}
    return Request(operation, **fields)  # type: ignore[arg-type]


@given(requests)
def test_no_combination_loses_data_in_production(request: Request) -> None:
    production = any(voice.environment is Environment.PRODUCTION for voice in request.voices)
    mark = request.target.mark
    production |= mark.state == "unreadable" or mark == Mark("present", Environment.PRODUCTION)
    if production and request.operation in DATA_LOSS:
        assert permitted(request) is None


@given(requests)
def test_no_combination_loses_data_where_the_environment_is_unknown(request: Request) -> None:
    unknown = not request.voices or any(voice.environment is Environment.UNKNOWN for voice in request.voices)
    if unknown and not request.target.embedded and request.operation in DATA_LOSS:
        assert permitted(request) is None


@given(requests)
def test_a_permit_for_data_loss_means_marked_confirmed_and_primary(request: Request) -> None:
    permit = permitted(request)
    if permit is not None and request.operation in DATA_LOSS:
        assert request.confirmation == request.target.database
        assert not request.target.standby
        assert request.target.embedded or request.target.mark.state == "present"


@given(requests)
def test_a_permit_is_for_what_was_asked(request: Request) -> None:
    permit = permitted(request)
    if permit is not None:
        permit.require(request.operation, "shop")
        with pytest.raises(errors.InternalError):
            permit.require(request.operation, "another")


@given(requests, st.builds(Voice, st.text(), st.sampled_from(Environment)))
def test_another_voice_never_permits_what_was_refused(request: Request, voice: Voice) -> None:
    """Silence counts as unknown, so only a request in which somebody spoke already can be compared."""
    if request.voices and permitted(request) is None:
        louder = Request(
            request.operation,
            request.target,
            (*request.voices, voice),
            request.allow_destructive,
            request.confirmation,
            request.reasoned,
        )
        assert permitted(louder) is None


@pytest.mark.parametrize(
    ("operation", "environment", "allow", "confirmation"),
    list(itertools.product(Operation, [None, *Environment], [False, True], [None, "shop"])),
)
def test_the_table_row_by_row(
    operation: Operation, environment: Environment | None, allow: bool, confirmation: str | None
) -> None:
    request = request_for(operation, environment, allow_destructive=allow, confirmation=confirmation)
    serious = environment is None or environment in SERIOUS
    confirmed = confirmation == "shop"
    if operation in DATA_LOSS:
        expected = confirmed and not serious and (allow or environment is not Environment.STAGING)
    elif environment in (Environment.DEVELOPMENT, Environment.TEST):
        expected = True
    elif operation is Operation.DESTRUCTIVE_UPGRADE:
        expected = allow
    else:
        expected = allow and (confirmed or not serious)
    assert (permitted(request) is not None) == expected


def test_a_reasoned_migration_may_destroy_in_production_what_it_says() -> None:
    request = request_for(Operation.DESTRUCTIVE_UPGRADE, Environment.PRODUCTION, reasoned=True)
    assert permitted(request) is not None


def test_the_embedded_database_is_a_development_one_unless_a_voice_says_more() -> None:
    target = Target("shop", Mark("missing"), embedded=True)
    assert permitted(Request(Operation.PURGE, target, confirmation="shop")) is not None
    production = (Voice("NOTIFYDB_ENVIRONMENT", Environment.PRODUCTION),)
    assert permitted(Request(Operation.PURGE, target, production, confirmation="shop")) is None


def test_every_reason_is_told() -> None:
    target = Target("shop", Mark("missing"), standby=True)
    reasons = guard.refusals(Request(Operation.PURGE, target))
    assert reasons == (
        "the server is a standby: nothing can be written there",
        "the database carries no mark of what it is (notifydb environment show)",
        "the environment is not known (it is not set), which counts as production; purge is never done there",
        "the database's name was not typed as confirmation",
    )


def test_nobody_else_makes_a_permit() -> None:
    with pytest.raises(errors.InternalError):
        Permit(Operation.PURGE, "shop", Environment.DEVELOPMENT)


def test_a_voice_that_does_not_know_does_not_outvote_one_that_does_on_an_embedded_database() -> None:
    """Bug: next to a setting that could not be understood, staging counted as development there."""
    target = Target("shop", Mark("missing"), embedded=True)
    voices = (Voice("one", Environment.STAGING), Voice("another", Environment.UNKNOWN))
    assert permitted(Request(Operation.DOWNGRADE, target, voices)) is None
    assert guard.mark_refusals(target, Environment.DEVELOPMENT, voices, "shop") == (
        "the settings say staging, which is stricter",
    )
    alone = (Voice("another", Environment.UNKNOWN),)
    assert permitted(Request(Operation.DOWNGRADE, target, alone)) is not None


@pytest.mark.parametrize(
    "name",
    ["prod", "notify_prod", "PRODUCTION", "db-prod-1.example.gov", "preprod", "prod2", "products-prod",
     "productcatalog", "my.common-prod.net", "\uff50\uff52\uff4f\uff44",
     "db.prd.example", "/sockets/app-prod:region:db", "cgawsbrokerdev-prod",
     "cg-aws-broker-prodabc.prod.example", "reproductionline"],
)  # fmt: skip
def test_a_name_that_sounds_like_production_is_refused(name: str) -> None:
    request = request_for(
        Operation.PURGE, Environment.TEST, confirmation="shop", names=(Name("the host", name),)
    )
    assert guard.refusals(request) == (f"the host is called {name!r}: that sounds like production",)
    assert permitted(dataclasses.replace(request, operation=Operation.DOWNGRADE)) is not None
    embedded = dataclasses.replace(request.target, embedded=True)
    assert permitted(dataclasses.replace(request, target=embedded)) is not None


@pytest.mark.parametrize(
    "name",
    ["", "notify", "product_catalog", "products", "producer-db", "reproduction", "reproduced-bug", "non-prod",
     "nonprod.db.example.gov", "nonproduction", "staging", "10.0.0.7", "test_0a1b2c3d4e5f", "epr", "perdprd1x",
     "cg-aws-broker-prodqepps85ymuka5dq.ci7nkegdizyy.us-gov-west-1.rds.amazonaws.com", "cgawsbrokerprodqepps85ymuka5dq",
     "cg-aws-broker-prod-01fb6e1ed561.ci7nkegdizyy.us-gov-west-1.rds.amazonaws.com"],
)  # fmt: skip
def test_a_name_that_means_something_else_is_not(name: str) -> None:
    names = (Name("the host", name),)
    assert (
        permitted(request_for(Operation.PURGE, Environment.TEST, confirmation="shop", names=names))
        is not None
    )


@given(requests, st.text())
def test_a_name_never_permits_what_was_refused(request: Request, name: str) -> None:
    named = dataclasses.replace(request, names=(Name("the host", name),))
    if permitted(request) is None:
        assert permitted(named) is None


@given(
    requests,
    st.sampled_from([Mark("missing"), Mark("unreadable"), *(Mark("present", each) for each in Environment)]),
)
def test_the_database_setting_never_permits_what_was_refused(request: Request, setting: Mark) -> None:
    """Silence counts as unknown, so only a request in which somebody spoke already can be compared."""
    heard = dataclasses.replace(request, target=dataclasses.replace(request.target, setting=setting))
    if request.voices and permitted(request) is None:
        assert permitted(heard) is None
    voice = setting.voice()
    if voice is not None and voice.environment is Environment.PRODUCTION and request.operation in DATA_LOSS:
        assert permitted(heard) is None


@given(requests, requests)
def test_a_permit_is_held_only_where_it_would_be_given_again(first: Request, now: Request) -> None:
    """What the database says later counts as if it had said so before."""
    permit = permitted(first)
    if permit is not None and not guard.second_thoughts(permit, now.target):
        later = dataclasses.replace(first, target=now.target, names=())
        assert permitted(later) is not None or permit.environment is not guard.environment_of(later)


def test_a_mark_is_not_taken_back_from_a_setting_of_the_database_either() -> None:
    target = Target("shop", Mark("missing"), Mark("present", Environment.PRODUCTION))
    voices = (Voice("NOTIFYDB_ENVIRONMENT", Environment.TEST),)
    assert guard.mark_refusals(target, Environment.TEST, voices, "shop") == (
        "the database is marked as production, or its mark cannot be read; that is never taken back",
    )


def test_why_a_connection_is_unfit_is_told() -> None:
    target = Target("shop", Mark("present", Environment.TEST), unfit="a pooler is in between")
    request = request_for(Operation.PURGE, Environment.TEST, target=target, confirmation="shop")
    assert guard.refusals(request) == ("a pooler is in between",)


def test_no_reason_tells_a_way_around() -> None:
    """What is printed gets pasted."""
    target = Target("shop", Mark("foreign"), Mark("unreadable"), standby=True)
    names = (Name("the host", "db-prod"),)
    for environment in Environment:
        voices = (Voice("NOTIFYDB_ENVIRONMENT", environment),)
        for operation in DATA_LOSS:
            for place in (target, Target("shop", Mark("missing"))):
                said = " ".join(guard.refusals(Request(operation, place, voices, names=names)))
                assert not re.search(r"(?<!not )\b(allow\w*|set|unset|export)\b|--|=", said)
