"""Who is turned away, one way a test: the answer, the reason counted, and nothing stored."""

import hashlib
import hmac
import json
import time

import pytest
from django.test import Client

from receiver import caller, certificates
from receiver.models import Event, Refusal
from receiver.refusals import ANSWERS
from tests.receiver.issuer import ACCOUNT, AUDIENCE, part, pem

pytestmark = pytest.mark.django_db
Reason = Refusal.Reason


@pytest.fixture
def refuse(deliver):
    """Deliver with a token (or a whole header) that must be refused for one reason."""

    def check(reason, token=None, *, authorization=None, path="/receive", **headers):
        authorization = authorization or f"Bearer {token}"
        answer = deliver(path, authorization=authorization, **headers)
        status, sentence = ANSWERS[reason]
        assert (answer.status_code, answer.content.decode()) == (status, f"{sentence}\n")
        assert answer["Cache-Control"] == "no-store"
        assert answer["Connection"] == "close"
        assert answer.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)
        assert not Event.objects.exists()
        refusal = Refusal.objects.get()
        assert (refusal.reason, refusal.count) == (reason, 1)
        return refusal

    return check


def test_no_token_is_401(client, issuer):
    answer = client.post("/receive", b"x", content_type="text/plain")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert b"No token" in answer.content
    assert Refusal.objects.get().reason == Reason.MISSING
    assert not Event.objects.exists()
    assert issuer.fetches == 0


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer made-up",
        "Bearer a.b",
        "Bearer a.b.c.d",
        "Bearer a.b.c,Bearer a.b.c",
        "Bearer a.b.c ",
        "Basic a.b.c",
        "Bearer ü.b.c",
        f"Bearer {part([1])}.{part({})}.x",
        f"Bearer {part({})}.{part([1])}.x",
        f"Bearer {part(b'[' * 1500)}.{part({})}.x",
        f"Bearer {part({'alg': 'RS256'})}.{part(b'[' * 3000)}.x",
        "Bearer " + "a" * 9000 + ".b.c",
    ],
)
def test_a_made_up_token_is_401_and_costs_no_fetch(refuse, issuer, authorization):
    refuse(Reason.MALFORMED, authorization=authorization)
    assert issuer.fetches == 0


def test_an_altered_token(refuse, issuer):
    head, _, signature = issuer.token().split(".")
    altered = issuer.claims(email="other@evil.example")
    refusal = refuse(Reason.SIGNATURE, f"{head}.{part(altered)}.{signature}")
    assert refusal.account == "other@evil.example"
    assert refusal.audience == AUDIENCE


def test_a_token_signed_by_another_key_under_our_key_id(refuse, issuer):
    refuse(Reason.SIGNATURE, issuer.token(signed_by="two"))


def test_an_expired_token(refuse, issuer):
    now = int(time.time())
    refuse(Reason.EXPIRED, issuer.token(iat=now - 3700, exp=now - 100))


def test_a_token_not_yet_valid(refuse, issuer):
    now = int(time.time())
    refuse(Reason.EXPIRED, issuer.token(iat=now + 100, exp=now + 3600))


def test_a_token_not_before_later(refuse, issuer):
    refuse(Reason.EXPIRED, issuer.token(nbf=int(time.time()) + 100))


def test_a_token_valid_for_too_long(refuse, issuer):
    refuse(Reason.LIFETIME, issuer.token(exp=int(time.time()) + 90_000))


@pytest.mark.parametrize("exp", [None, "tomorrow", True, float("nan"), float("inf"), 10**400, []])
def test_a_token_with_nonsense_for_its_end(refuse, issuer, exp):
    refuse(Reason.MALFORMED, issuer.token(exp=exp))


def test_a_token_without_a_beginning(refuse, issuer):
    refuse(Reason.MALFORMED, issuer.token(iat=None))


def test_a_clock_10_seconds_off_is_forgiven(deliver, issuer):
    now = int(time.time())
    early = issuer.token(iat=now + 8, exp=now + 3608)
    late = issuer.token(iat=now - 3608, exp=now - 8)
    assert deliver(authorization=f"Bearer {early}").status_code == 200
    assert deliver(authorization=f"Bearer {late}").status_code == 200


@pytest.mark.parametrize(
    "audience",
    [
        "https://elsewhere.example",
        f"{AUDIENCE}/other",
        f"{AUDIENCE}//",
        f"{AUDIENCE}.evil.example",
        "http://testserver/receive",  # what the Host header says
        [AUDIENCE],
        {"a": 1},
        7,
        "",
        None,
    ],
)
def test_a_token_for_another_audience(refuse, issuer, audience):
    refuse(Reason.AUDIENCE, issuer.token(aud=audience))


@pytest.mark.parametrize(
    "audience",
    [
        AUDIENCE,
        f"{AUDIENCE}/",
        f"{AUDIENCE}/receive/a%20b",
        f"{AUDIENCE}/receive/a%20b?x=1&y=2",
        "custom",
    ],
)
def test_admitted_audiences(deliver, issuer, settings, audience):
    settings.OIDC_AUDIENCES = ["custom"]
    token = issuer.token(aud=audience)
    answer = deliver("/receive/a%20b?x=1&y=2", authorization=f"Bearer {token}")
    assert answer.status_code == 200
    assert Event.objects.get().caller_audience == audience


def test_a_receiver_below_a_path_admits_the_task_s_own_url(deliver, issuer, settings):
    settings.RECEIVER_URL = f"{AUDIENCE}/receive"
    token = issuer.token(aud=f"{AUDIENCE}/receive/x?a=1")
    assert deliver("/receive/x?a=1", authorization=f"Bearer {token}").status_code == 200


def test_a_secret_in_an_audience_is_masked(deliver, issuer):
    token = issuer.token(aud=f"{AUDIENCE}/receive?token=s3cret")
    assert deliver("/receive?token=s3cret", authorization=f"Bearer {token}").status_code == 200
    event = Event.objects.get()
    assert event.caller_audience.startswith(f"{AUDIENCE}/receive?token=<masked, sha256 ")
    assert "s3cret" not in str(list(Event.objects.values()))


def test_a_token_of_another_account_is_403(refuse, issuer):
    refusal = refuse(
        Reason.ACCOUNT,
        issuer.token(email="other@demo.iam.gserviceaccount.com"),
        **{"X-CloudTasks-QueueName": "default", "X-CloudTasks-TaskName": "t-1"},
    )
    assert refusal.account == "other@demo.iam.gserviceaccount.com"
    assert (refusal.queue, refusal.task) == ("default", "t-1")


@pytest.mark.parametrize("email", [None, [ACCOUNT], ACCOUNT.upper(), f"{ACCOUNT} ", ""])
def test_a_token_of_no_such_account_is_403(refuse, issuer, email):
    refuse(Reason.ACCOUNT, issuer.token(email=email))


@pytest.mark.parametrize("verified", [False, "true", 1, None])
def test_an_email_that_is_not_verified_is_403(refuse, issuer, verified):
    refuse(Reason.EMAIL_UNVERIFIED, issuer.token(email_verified=verified))


def test_no_admitted_account_admits_nobody(refuse, issuer, settings):
    settings.OIDC_SERVICE_ACCOUNT = ""
    refuse(Reason.ACCOUNT, issuer.token(email=""))


@pytest.mark.parametrize("issued_by", ["https://evil.example", None, ["x"], ""])
def test_a_token_of_another_issuer(refuse, issuer, issued_by):
    refuse(Reason.ISSUER, issuer.token(iss=issued_by))
    assert issuer.fetches == 0


@pytest.mark.parametrize("spelling", ["https://accounts.google.com", "accounts.google.com"])
def test_googles_issuer_is_admitted_in_both_spellings(deliver, issuer, settings, spelling):
    settings.OIDC_ISSUER = "https://accounts.google.com"
    token = issuer.token(iss=spelling)
    assert deliver(authorization=f"Bearer {token}").status_code == 200


def test_an_unknown_key(refuse, issuer):
    refuse(Reason.KEY, issuer.token(header={"kid": "unknown"}))


@pytest.mark.parametrize("kid", [None, "", 7, ["kid-1"], "\ud800", "../kid-1"])
def test_a_key_id_of_another_form(refuse, issuer, kid):
    refuse(Reason.KEY, issuer.token(header={"kid": kid}))


@pytest.mark.parametrize("alg", ["none", "None", "RS384", "ES256", "PS256", ["RS256"], None])
def test_another_algorithm(refuse, issuer, alg):
    refuse(Reason.KEY, issuer.token(header={"alg": alg}))
    assert issuer.fetches == 0


def test_no_algorithm_and_no_signature(refuse, issuer):
    refuse(Reason.KEY, f"{part({'alg': 'none', 'kid': 'kid-1'})}.{part(issuer.claims())}.")


def test_the_public_key_as_a_shared_secret(refuse, issuer):
    said = f"{part({'alg': 'HS256', 'kid': 'kid-1'})}.{part(issuer.claims())}"
    signature = hmac.digest(pem("one").encode(), said.encode(), hashlib.sha256)
    refuse(Reason.KEY, f"{said}.{part(signature)}")


def test_a_key_inside_the_token_is_not_looked_at(refuse, issuer):
    header = {"kid": "mine", "jwk": {"kty": "RSA"}, "jku": "https://evil.example/keys"}
    refuse(Reason.KEY, issuer.token(header=header, signed_by="two"))


def test_a_signature_removed_by_cloud_run_is_named_as_such(refuse, issuer):
    said = issuer.token().rpartition(".")[0]
    refuse(Reason.SIGNATURE_REMOVED, f"{said}.SIGNATURE_REMOVED_BY_GOOGLE")
    assert "iam" in ANSWERS[Reason.SIGNATURE_REMOVED][1]


def test_a_refused_request_costs_no_read_of_its_body(issuer):
    class Untouchable:
        def read(self, *args):
            raise AssertionError("the body was read")

        readline = read

    answer = Client().post("/receive", b"x", content_type="", **{"wsgi.input": Untouchable()})
    assert answer.status_code == 401


def test_keys_that_cannot_be_fetched_are_503(refuse, issuer):
    issuer.answer = (500, b"")
    refuse(Reason.KEYS_UNREACHABLE, issuer.token())


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"{}", b'{"kid-1": "no key"}', b'{"kid-1": 7}', b"[" * 100_000]
)
def test_an_answer_that_holds_no_keys_is_503(refuse, issuer, body):
    issuer.answer = (200, body)
    refuse(Reason.KEYS_UNREACHABLE, issuer.token())


def test_an_endpoint_that_is_not_there_is_503(deliver, issuer, settings):
    settings.OIDC_CERTS_URL = "http://127.0.0.1:1/certs"
    answer = deliver()
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"


def test_keys_once_fetched_survive_a_dead_endpoint(deliver, issuer, monkeypatch):
    assert deliver().status_code == 200
    issuer.answer = (500, b"")
    later = time.monotonic() + 7200
    monkeypatch.setattr(certificates.time, "monotonic", lambda: later)
    assert deliver().status_code == 200
    assert issuer.fetches == 2


def test_a_thousand_garbage_tokens_fetch_nothing(issuer, settings):
    for number in range(1000):
        with pytest.raises(caller.Refused):
            caller.identify({"HTTP_AUTHORIZATION": f"Bearer {number}.garbage.token"})
    assert issuer.fetches == 0


def test_200_unknown_key_ids_fetch_once(issuer):
    for number in range(200):
        token = issuer.token(header={"kid": f"unknown-{number}"})
        with pytest.raises(caller.Refused, match="key"):
            caller.identify({"HTTP_AUTHORIZATION": f"Bearer {token}"})
    assert issuer.fetches == 1


def test_nothing_of_a_refused_token_is_answered_or_logged(deliver, issuer, caplog):
    caplog.set_level("DEBUG")
    token = issuer.token(header={"kid": "canary-kid"}, email="canary@evil.example")
    answer = deliver(authorization=f"Bearer {token}")
    assert b"canary" not in answer.content + answer.serialize_headers()
    assert "canary" not in caplog.text
    assert token.split(".")[2] not in caplog.text
    assert "Refused a request" in caplog.text


# Behind Cloud Run's own check ---------------------------------------------------------------


@pytest.fixture
def behind_iam(issuer, settings):
    settings.RECEIVER_AUTH = "iam"

    def stripped(**claims):
        return issuer.token(**claims).rpartition(".")[0] + ".SIGNATURE_REMOVED_BY_GOOGLE"

    return stripped


def test_iam_reads_claims_without_a_signature(deliver, behind_iam, issuer):
    assert deliver(authorization=f"Bearer {behind_iam()}").status_code == 200
    event = Event.objects.get()
    assert event.caller_check == Event.Check.IAM
    assert (event.caller_account, event.caller_audience) == (ACCOUNT, AUDIENCE)
    assert issuer.fetches == 0


def test_iam_reads_the_header_that_cloud_run_checks(client, behind_iam):
    headers = {"X-Serverless-Authorization": f"bearer {behind_iam()}"}
    answer = client.post("/receive", b"", content_type="", headers=headers)
    assert answer.status_code == 200
    assert "SIGNATURE_REMOVED" not in json.dumps(Event.objects.get().headers)


def test_iam_refuses_two_different_tokens(refuse, behind_iam):
    other = behind_iam(email="other@evil.example")
    refuse(Reason.MALFORMED, other, **{"X-Serverless-Authorization": f"Bearer {behind_iam()}"})


def test_iam_without_a_token(client, behind_iam):
    assert client.post("/receive", b"", content_type="").status_code == 401
    assert Refusal.objects.get().reason == Reason.MISSING


def test_iam_still_checks_the_account(refuse, behind_iam):
    refuse(Reason.ACCOUNT, behind_iam(email="other@evil.example"))


def test_iam_still_checks_the_audience(refuse, behind_iam):
    refuse(Reason.AUDIENCE, behind_iam(aud="https://elsewhere.example"))


def test_iam_still_checks_the_issuer(refuse, behind_iam):
    refuse(Reason.ISSUER, behind_iam(iss="https://evil.example"))


def test_iam_still_checks_that_the_account_is_verified(refuse, behind_iam):
    refuse(Reason.EMAIL_UNVERIFIED, behind_iam(email_verified=False))


def test_iam_still_checks_the_lifetime(refuse, behind_iam):
    refuse(Reason.LIFETIME, behind_iam(exp=int(time.time()) + 90_000))


def test_iam_still_checks_the_age(refuse, behind_iam):
    now = int(time.time())
    refuse(Reason.EXPIRED, behind_iam(iat=now - 7200, exp=now - 3600))


def test_verify_ignores_the_header_that_only_cloud_run_checks(client, issuer):
    headers = {"X-Serverless-Authorization": f"Bearer {issuer.token()}"}
    answer = client.post("/receive", b"", content_type="", headers=headers)
    assert answer.status_code == 401
