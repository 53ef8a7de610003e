"""The guard's table: over all combinations, and row by row."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifydb import errors, guard
from notifydb.guard import DATA_LOSS, Mark, Operation, Permit, Request, Target
from notifydb.settings import Environment, Voice

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
