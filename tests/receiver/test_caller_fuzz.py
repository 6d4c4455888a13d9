"""Whatever stands for a token: it is admitted where every claim is in order, else refused."""

import time
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as how
from hypothesis import strategies as st

from receiver.caller import Caller, identify
from receiver.models import Event
from receiver.refusals import Reason, Refused
from tests.receiver.issuer import ACCOUNT, AUDIENCE, part

fuzz = how(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
names = ["alg", "kid", "typ", "iss", "aud", "email", "email_verified", "iat", "exp", "nbf"]
objects = st.dictionaries(st.sampled_from(names) | st.text(max_size=5), json, max_size=8)
latin = st.binary(max_size=300).map(lambda data: data.decode("latin-1"))


def asked(authorization, **headers):
    """Return the caller, or the reason of the refusal; anything else raised fails the test."""
    environ = {"HTTP_AUTHORIZATION": authorization, "PATH_INFO": "/receive"} | headers
    try:
        return identify(environ)
    except Refused as found:
        refused = found
    assert len(refused.account) <= 320
    assert len(refused.audience) <= 2083
    return refused.reason


@pytest.mark.parametrize("mode", ["verify", "iam"])
@fuzz
@given(latin | st.text() | latin.map("Bearer ".__add__))
@example("Bearer ..")
@example("Bearer " + "." * 8000)
def test_any_header_is_refused_and_costs_no_fetch(issuer, settings, mode, value):
    settings.RECEIVER_AUTH = mode
    assert asked(value) in (Reason.MISSING, Reason.MALFORMED)
    assert asked("", HTTP_X_SERVERLESS_AUTHORIZATION=value) in (Reason.MISSING, Reason.MALFORMED)
    assert issuer.fetches == 0


@pytest.mark.parametrize("mode", ["verify", "iam"])
@fuzz
@given(objects, objects | st.lists(json, max_size=2), st.binary(max_size=40))
def test_any_object_in_a_token_s_place_is_refused(issuer, settings, mode, header, claims, end):
    settings.RECEIVER_AUTH = mode
    for last in (part(end), "SIGNATURE_REMOVED_BY_GOOGLE"):
        assert isinstance(asked(f"Bearer {part(header)}.{part(claims)}.{last}"), Reason)


class In(NamedTuple):
    """So many seconds after the test's own start: a whole run may outlast a token."""

    seconds: float

    def told(self):
        """Return it as a claim: whole seconds as an integer, as Google writes them."""
        return int(time.time()) + self.seconds


# Each claim: values in order, then values out of it; None leaves the claim out.
CLAIMS = {
    "aud": ([AUDIENCE, f"{AUDIENCE}/", f"{AUDIENCE}/receive"], ["https://x", [AUDIENCE], None, 7]),
    "email": ([ACCOUNT], ["x@y", ACCOUNT.upper(), [ACCOUNT], None]),
    "email_verified": ([True], [False, "true", 1, None]),
    "iat": ([In(0), In(-1000), In(-0.5)], [In(900), "now", None, True, -1]),
    "exp": ([In(2000), In(2500.5)], [In(-900), In(9 * 3600), "later", None, 1e300]),
    "nbf": ([In(0), In(-1000)], [In(900), "soon", []]),
}


@pytest.mark.parametrize("mode", ["verify", "iam"])
@fuzz
@given(
    st.fixed_dictionaries({k: st.sampled_from(good) for k, (good, _) in CLAIMS.items()}),
    st.lists(st.sampled_from([(k, v) for k, (_, bad) in CLAIMS.items() for v in bad]), max_size=2),
    st.booleans(),
)
def test_only_claims_that_are_all_in_order_are_admitted(
    issuer, settings, mode, claims, mistakes, foreign
):
    settings.RECEIVER_AUTH = mode
    claims = {k: v.told() if isinstance(v, In) else v for k, v in (claims | dict(mistakes)).items()}
    claims |= {"iss": "https://evil.example"} if foreign else {}
    token = issuer.token(**claims)
    if mode == "iam":
        token = token.rpartition(".")[0] + ".SIGNATURE_REMOVED_BY_GOOGLE"
    for _ in range(2):  # what is remembered of a token changes no answer
        found = asked(f"Bearer {token}")
        if mistakes or foreign:
            assert isinstance(found, Reason)
        else:
            check = Event.Check.VERIFIED if mode == "verify" else Event.Check.IAM
            assert found == Caller(ACCOUNT, claims["aud"], check)
