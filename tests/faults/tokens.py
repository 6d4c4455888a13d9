"""Tokens that must be refused, and the few that must not: one table, and a way to make more."""

import base64
import hashlib
import hmac
import time

from hypothesis import strategies as st

from tests.receiver.issuer import part, pem

REMOVED = ".SIGNATURE_REMOVED_BY_GOOGLE"
HOUR = 3600


def table(issuer, audience):
    """Return name -> (lines of headers, status in `verify`, status in `iam`)."""
    found = {}

    def bearer(name, token, verify=401, iam=401):
        found[name] = ([f"Authorization: Bearer {token}"], verify, iam)

    def claims(name, verify=401, iam=None, **changes):
        token = issuer.token(**{"aud": audience} | changes)
        bearer(name, token, verify, verify if iam is None else iam)

    def header(name, iam=200, signed_by="one", **changes):
        bearer(name, issuer.token(header=changes, signed_by=signed_by, aud=audience), 401, iam)

    now = int(time.time())
    good = issuer.token(aud=audience)
    first, said, signature = good.split(".")
    _claims(claims, now, audience)
    _headers(header)
    bearer("good", good, 200, 200)
    bearer("no signature", f"{first}.{said}.", 401, 200)
    bearer("another's signature", f"{first}.{said}.{part(b'x' * 256)}", 401, 200)
    bearer("signature removed by Cloud Run", f"{first}.{said}{REMOVED}", 401, 200)
    altered = part(issuer.claims(aud=audience, email="evil@evil.example"))
    bearer("claims altered", f"{first}.{altered}.{signature}", 401, 403)
    none = part({"alg": "none", "kid": "kid-1"})
    bearer("alg none", f"{none}.{said}.", 401, 200)
    shared = f"{part({'alg': 'HS256', 'kid': 'kid-1'})}.{said}"
    digest = hmac.digest(pem("one").encode(), shared.encode(), hashlib.sha256)
    bearer("the public key as a secret", f"{shared}.{part(digest)}", 401, 200)
    bearer("four parts", f"{good}.x")
    bearer("two parts", f"{first}.{said}")
    bearer("another alphabet", good.replace(".", ".+", 1))
    bearer("nested header", f"{part(b'[' * 1500)}.{said}.{signature}")
    bearer("nested claims", f"{first}.{part(b'[' * 1500)}.{signature}")
    bearer("claims that are a list", f"{first}.{part([1])}.{signature}")
    bearer("long", f"{first}.{said}.{'a' * 9000}")
    found["none"] = ([], 401, 401)
    found["empty"] = (["Authorization: "], 401, 401)
    found["basic"] = (["Authorization: Basic dGFza3M6eA=="], 401, 401)
    found["twice"] = ([f"Authorization: Bearer {good}"] * 2, 401, 401)
    found["without its scheme"] = ([f"Authorization: {good}"], 401, 401)
    found["lower case"] = ([f"authorization: bearer {good}"], 200, 200)
    found["only where Cloud Run looks"] = ([f"X-Serverless-Authorization: Bearer {good}"], 401, 200)
    evil = issuer.token(aud=audience, email="evil@evil.example")
    both = [f"Authorization: Bearer {good}", f"X-Serverless-Authorization: Bearer {evil}"]
    found["two different"] = (both, 200, 401)
    return found


def _claims(claims, now, audience):
    claims("expired", iat=now - 2 * HOUR, exp=now - HOUR)
    claims("expired just now", 200, iat=now - HOUR, exp=now - 3)
    claims("from just now", 200, iat=now + 3, exp=now + HOUR)
    claims("from the future", iat=now + 60, exp=now + HOUR)
    claims("not before later", nbf=now + 60)
    claims("for a day", exp=now + 24 * HOUR)
    claims("for ever", exp=253402300799)
    claims("without an end", exp=None)
    claims("without a beginning", iat=None)
    claims("an end in words", exp="tomorrow")
    claims("an end that is true", exp=True)
    claims("another audience", aud="https://elsewhere.example")
    claims("no audience", aud=None)
    claims("a list of audiences", aud=[audience])
    claims("our audience and more", aud=f"{audience}.evil.example")
    claims("another account", 403, email="other@demo.iam.gserviceaccount.com")
    claims("no account", 403, email=None)
    claims("a list of accounts", 403, email=["tasks@demo.iam.gserviceaccount.com"])
    claims("not verified", 403, email_verified=False)
    claims("verified in words", 403, email_verified="true")
    claims("another issuer", iss="https://evil.example")
    claims("no issuer", iss=None)


def _headers(header):
    header("another key under our key id", signed_by="two")
    header("no key id", kid=None)
    header("unknown key id", kid="unknown")
    header("a path for a key id", kid="../../etc/passwd")
    header("a list for a key id", kid=["kid-1"])
    header("a surrogate for a key id", kid="\ud800")
    header("RS384", alg="RS384")
    header("ES256", alg="ES256")
    header("a key of its own", signed_by="two", jwk={"kty": "RSA"}, jku="https://evil.example")


def hostile(good, *, signed):
    """Return a strategy of Authorization values, none of them a token to be admitted.

    `signed` adds good ones with one character changed, which only a signature gives away.
    """
    first, said, signature = good.split(".")
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    values = scalars | st.lists(scalars, max_size=3)
    names = st.sampled_from(["aud", "email", "email_verified", "exp", "iat", "iss", "nbf", "kid"])
    made = st.dictionaries(names | st.text(max_size=5), values, max_size=8).map(part)
    raw = st.binary(max_size=60)
    some = made | raw.map(part) | raw.map(base64.b64encode).map(bytes.decode)
    tokens = st.tuples(
        st.just(first) | some, some, st.just(signature) | some | st.just(REMOVED[1:])
    ).map(".".join)
    # The last character carries bits that count for nothing.
    places = st.integers(0, len(good) - 2)
    flipped = places.map(lambda at: f"{good[:at]}{'A' if good[at] != 'A' else 'B'}{good[at + 1 :]}")
    cut = places.map(lambda at: good[:at])
    tokens = tokens | flipped | cut if signed else tokens
    bearer = tokens.map(lambda token: f"Bearer {token}".encode())
    printable = st.binary(max_size=80).map(lambda data: bytes(b for b in data if b > 31 != 127))
    return bearer | printable
