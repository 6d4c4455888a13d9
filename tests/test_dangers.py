"""Each way to make production unsafe by a setting has its check: ours, or Django's own.

The production settings are loaded once, as `manage.py check --deploy` has them, and each danger is
one of them changed. The rows are the known dangers of Cloud Run's identity, and of sessions, hosts,
TLS, keys, stores and redirects.
"""

import json

import pytest

from tests.test_settings import CLOUD, python, settings

IDENTITY = [
    ("nobody is checked", {"RECEIVER_AUTH": "off"}, {"receiver.E001"}),
    (
        "nobody is checked, elsewhere",
        {"RECEIVER_AUTH": "off", "IN_CLOUD": False},
        {"receiver.W015"},
    ),
    (
        "claims without a signature, where no Cloud Run has checked it",
        {"RECEIVER_AUTH": "iam", "IN_CLOUD": False},
        {"receiver.W009"},
    ),
    ("any account may call", {"OIDC_SERVICE_ACCOUNT": ""}, {"receiver.E007"}),
    (
        "the laptop's account",
        {"OIDC_SERVICE_ACCOUNT": "tasks@demo.iam.gserviceaccount.com"},
        {"receiver.E013"},
    ),
    (
        "tokens of a laptop's issuer",
        {"OIDC_ISSUER": "http://127.0.0.1:8124", "OIDC_CERTS_URL": "http://127.0.0.1:8124/certs"},
        {"receiver.E002"},
    ),
    (
        "keys without TLS",
        {"OIDC_CERTS_URL": "http://www.googleapis.com/oauth2/v1/certs"},
        {"receiver.E002"},
    ),
    ("keys from a file", {"OIDC_CERTS_URL": "file:///etc/passwd"}, {"receiver.E003"}),
    ("no audience of its own", {"RECEIVER_URL": ""}, {"receiver.E004", "config.W006"}),
    (
        "an audience that others can claim",
        {"RECEIVER_URL": "https://localhost"},
        {"receiver.E005", "config.W006"},
    ),
]
SURROUNDINGS = [
    ("no HSTS", {"SECURE_HSTS_SECONDS": 0}, {"security.W004"}),
    ("no redirect to TLS", {"SECURE_SSL_REDIRECT": False}, {"security.W008"}),
    ("a short key", {"SECRET_KEY": "short"}, {"security.W009", "config.E002"}),
    (
        "an example's key",
        {"SECRET_KEY": "django-insecure-" + "0123456789abcdef" * 4},
        {"security.W009", "config.E002"},
    ),
    ("a session without TLS", {"SESSION_COOKIE_SECURE": False}, {"security.W012"}),
    ("a session that scripts can read", {"SESSION_COOKIE_HTTPONLY": False}, {"security.W015"}),
    ("a CSRF cookie without TLS", {"CSRF_COOKIE_SECURE": False}, {"security.W016"}),
    ("pages that show settings", {"DEBUG": True}, {"security.W018", "config.E001"}),
    ("frames of one's own origin", {"X_FRAME_OPTIONS": "SAMEORIGIN"}, {"security.W019"}),
    ("any host", {"ALLOWED_HOSTS": ["*"]}, {"config.E003"}),
    ("everybody's hosts", {"ALLOWED_HOSTS": [".run.app"]}, {"config.E003"}),
    ("no host", {"ALLOWED_HOSTS": []}, {"security.W020", "config.W006"}),
    ("types that browsers guess", {"SECURE_CONTENT_TYPE_NOSNIFF": False}, {"security.W006"}),
    ("no referrer policy", {"SECURE_REFERRER_POLICY": None}, {"security.W022"}),
    ("a wrong referrer policy", {"SECURE_REFERRER_POLICY": "never"}, {"security.E023"}),
    (
        "a wrong opener policy",
        {"SECURE_CROSS_ORIGIN_OPENER_POLICY": "any"},
        {"security.E024"},
    ),
    ("a host that clients choose", {"USE_X_FORWARDED_HOST": True}, {"config.E004"}),
    ("TLS that clients claim", {"IN_CLOUD": False}, {"config.E004"}),
    (
        "forms of pages without TLS",
        {"CSRF_TRUSTED_ORIGINS": ["http://tasks.example.com"]},
        {"config.W007"},
    ),
    ("figures for everybody", {"METRICS": True, "METRICS_TOKEN": ""}, {"config.W008"}),
    ("the local Cloud Tasks", {"CLOUD_TASKS_ENDPOINT": "127.0.0.1:8123"}, {"dashboard.E001"}),
    ("a Cloud Tasks without TLS", {"CLOUD_TASKS_ENDPOINT": "other:8123"}, {"dashboard.W007"}),
    ("a redirect before the receiver", {"SECURE_REDIRECT_EXEMPT": []}, {"receiver.E012"}),
    ("deliveries that others make fail", {"REPLIES": True}, {"receiver.W010"}),
    ("lines that Cloud Logging drops", {"LOG_BODY_BYTES": 10**6}, {"receiver.W014"}),
]
# What leaves out a middleware, by the end of its name.
WITHOUT = [
    ("no TLS at all", "security.SecurityMiddleware", {"security.W001"}),
    ("frames", "clickjacking.XFrameOptionsMiddleware", {"security.W002"}),
    ("forms of other pages", "csrf.CsrfViewMiddleware", {"security.W003"}),
]
# Which database it is, how it commits and who may log in are asked of the environment:
# test_a_mistake_in_the_cloud_stops_the_start.
PROGRAM = """
import json, sys
import django
django.setup()
from django.conf import settings
from django.core.checks import run_checks
from django.test import override_settings

def found():
    every = run_checks(include_deployment_checks=True)
    return [[one.id, bool(one.hint)] for one in every if not one.is_silenced()]

rows, without = json.load(sys.stdin)
told = {"": found()}
for name, changed in rows:
    with override_settings(**changed):
        told[name] = found()
for name, ending in without:
    kept = [one for one in settings.MIDDLEWARE if not one.endswith(ending)]
    assert len(kept) == len(settings.MIDDLEWARE) - 1
    with override_settings(MIDDLEWARE=kept):
        told[name] = found()
print(json.dumps(told))
"""
DANGERS = [*IDENTITY, *SURROUNDINGS]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Return {danger: {check: whether it has a hint}}; "" is production as it should be."""
    rows = [[name, changed] for name, changed, _ in DANGERS]
    without = [[name, ending] for name, ending, _ in WITHOUT]
    variables = CLOUD | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    folder = tmp_path_factory.mktemp("dangers")
    done = python(PROGRAM, folder, stdin=json.dumps([rows, without]), **variables)
    assert done.returncode == 0, done.stderr
    return {name: dict(found) for name, found in json.loads(done.stdout).items()}


def test_production_has_none(told):
    assert told[""] == {}
    assert len(told) == 1 + len(DANGERS) + len(WITHOUT)


@pytest.mark.parametrize(
    ("danger", "checks"), [(row[0], row[2]) for row in [*DANGERS, *WITHOUT]], ids=str
)
def test_a_danger_has_its_check(told, danger, checks):
    assert checks <= set(told[danger])
    ours = {check: hint for check, hint in told[danger].items() if not check.startswith("security")}
    assert all(ours.values())


def test_what_is_silenced_is_the_domain_owner_s_decision_alone(tmp_path):
    assert settings("s.SILENCED_SYSTEM_CHECKS", tmp_path, **CLOUD) == [
        ["security.W005", "security.W021"]
    ]


def test_what_no_check_asks_for_is_set(tmp_path):
    names = "s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SESSION_COOKIE_AGE, s.X_FRAME_OPTIONS,"
    names += "s.SESSION_EXPIRE_AT_BROWSER_CLOSE, s.SECURE_PROXY_SSL_HEADER"
    assert settings(names, tmp_path, **CLOUD) == [
        *("__Host-sessionid", "__Host-csrftoken", 8 * 3600, "DENY"),
        *(True, ["HTTP_X_FORWARDED_PROTO", "https"]),
    ]
    laptop = "getattr(s, 'SESSION_COOKIE_NAME', ''), getattr(s, 'SECURE_PROXY_SSL_HEADER', '')"
    assert settings(laptop, tmp_path) == ["", ""]
