"""The rules of a task, as tables; the form's and the commands' alike."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError

from dashboard import drafts, rules
from dashboard.drafts import Draft

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
RESERVED = [
    *["Host", "content-length", "Transfer-Encoding", "Connection", "TE", "Upgrade", "Cookie"],
    *["User-Agent", "AUTHORIZATION", "Proxy-Authorization", "X-Serverless-Authorization"],
    *["X-CloudTasks-TaskName", "x-google-anything", "X-AppEngine-QueueName"],
]
GOOD_URLS = [
    "http://localhost:8080",
    "https://tasks.example.com/receive/?a=b&c=%20",
    "http://127.0.0.1:65535/",
    "http://[::1]:8080/x",
    "https://xn--bcher-kva.example/",
    "http://example.com/%zz",
    "http://example.com/" + "a" * (2083 - len("http://example.com/")),
]
BAD_URLS = [
    ("", "must start with"),
    ("example.com", "must start with"),
    ("ftp://example.com", "must start with"),
    ("file:///etc/passwd", "must start with"),
    ("javascript:alert(1)", "must start with"),
    ("//example.com/", "must start with"),
    ("http://", "no host"),
    ("http:///path", "no host"),
    ("http://:8080/", "no host"),
    ("http://user@example.com/", "user name"),
    ("http://user:pass@example.com/", "user name"),
    ("http://good@169.254.169.254/", "user name"),
    ("http://example.com/#top", "fragment"),
    ("http://example.com/#", "fragment"),
    ("http://example.com:99999/", "Not a URL"),
    ("http://example.com:0/", "port"),
    ("http://example.com:x/", "Not a URL"),
    ("http://[::1/", "Not a URL"),
    ("http://exa mple.com/", "spaces"),
    (" http://example.com/", "spaces"),
    ("http://example.com/\n", "spaces"),
    ("http://example.com/\t", "spaces"),
    ("http://exam\0ple.com/", "control"),
    ("http://example.com/" + "a" * 2083, "2,083"),
]


@pytest.mark.parametrize("url", GOOD_URLS)
def test_a_good_url_is_kept_as_it_is(url):
    assert rules.clean_url(url) == url


@pytest.mark.parametrize(("url", "why"), BAD_URLS)
def test_a_bad_url_is_refused_with_its_reason(url, why):
    with pytest.raises(ValidationError, match=why):
        rules.clean_url(url)


def test_headers_are_read_line_by_line_in_order():
    typed = "Content-Type: application/json\r\n\r\nX-Empty:\n  X-Spaced :  a: b \t\n"
    assert rules.clean_headers(typed) == [
        ("Content-Type", "application/json"),
        ("X-Empty", ""),
        ("X-Spaced", "a: b"),
    ]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("no colon", "Name: value"),
        (": nameless", "not a header name"),
        ("Two Words: x", "not a header name"),
        ("Nämé: x", "not a header name"),
        ("X: caf\u00e9", "only ASCII"),
        ("X: a\0b", "only ASCII"),
        ("X: a\x0bb", "only ASCII"),
        ("X: \r", "Line 1: a value has only ASCII"),
        ("X: a\rY: b", "only ASCII"),
        ("X: a\n\r\r\n", "Line 2: write it as Name: value"),
        ("X: a\n\x0b", "Line 2: write it as Name: value"),
        ("A: 1\na: 2", "twice"),
        (f"X: {'a' * 16000}", "16,000"),
        ("\n".join(f"X-{n}: 1" for n in range(81)), "81 headers"),
        ("\n".join(f"X-{n}: {'a' * 15000}" for n in range(6)), "80 kB"),
    ],
)
def test_a_bad_header_is_refused_with_its_reason(lines, why):
    with pytest.raises(ValidationError, match=why):
        rules.clean_headers(lines)


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "Connection",
        "TE",
        "Upgrade",
        "User-Agent",
        "AUTHORIZATION",
        "Proxy-Authorization",
        "X-Serverless-Authorization",
        "Cookie",
        "X-CloudTasks-TaskName",
        "x-google-anything",
        "X-AppEngine-QueueName",
    ],
)
def test_a_header_that_cloud_tasks_sets_itself_is_refused(name):
    with pytest.raises(ValidationError, match="set by Cloud Tasks"):
        rules.clean_headers(f"{name}: x")


@pytest.mark.parametrize(
    ("typed", "zone", "expected"),
    [
        ("", "", None),
        ("  ", "Europe/Berlin", None),
        ("2026-11-25T09:00:00Z", "Europe/Berlin", datetime(2026, 11, 25, 9, tzinfo=UTC)),
        ("2026-11-25T09:00:00+02:00", "UTC", datetime(2026, 11, 25, 7, tzinfo=UTC)),
        ("2026-11-25 09:00", "Europe/Berlin", datetime(2026, 11, 25, 8, tzinfo=UTC)),
        ("2026-11-25T09:00:30", "", datetime(2026, 11, 25, 9, 0, 30, tzinfo=UTC)),
        ("2026-11-24 11:59:30", "UTC", datetime(2026, 11, 24, 11, 59, 30, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_in_its_zone(typed, zone, expected):
    assert rules.clean_schedule(typed, zone, NOW) == expected


@pytest.mark.parametrize(
    ("typed", "zone", "why"),
    [
        ("tomorrow", "UTC", "Write a time"),
        ("2026-13-01 00:00", "UTC", "Write a time"),
        ("2026-11-24 11:58", "UTC", "in the past"),
        ("2026-12-25 12:00", "UTC", "30 days"),
        ("2027-03-28 02:30", "Europe/Berlin", "does not exist"),
        ("2026-11-25 09:00", "Mars/Olympus", "Unknown time zone"),
        ("2026-11-25 09:00", "../../etc/passwd", "Unknown time zone"),
        ("2026-11-25 09:00", "Europe", "Unknown time zone"),
        ("2026-11-25 09:00", "a\0b", "Unknown time zone"),
    ],
)
def test_a_bad_time_is_refused_with_its_reason(typed, zone, why):
    with pytest.raises(ValidationError, match=why):
        rules.clean_schedule(typed, zone, NOW)


@pytest.mark.parametrize("name", ["a b", "a/b", "é", "a.b", "x" * 501, "a\n"])
def test_a_bad_task_name_is_refused(name):
    with pytest.raises(ValidationError, match="1 to 500"):
        rules.clean_task_id(name)


@pytest.mark.parametrize("account", ["nobody", "a@b", "a b@c.d", "a@b.c\n", "a@b..c"])
def test_a_bad_account_is_refused(account):
    with pytest.raises(ValidationError, match="service account looks like"):
        rules.clean_account(account)


@pytest.mark.parametrize(
    ("url", "under"),
    [
        ("http://localhost:8080", True),
        ("http://localhost:8080/", True),
        ("http://localhost:8080/receive?a", True),
        ("http://localhost:8080?a", True),
        ("http://localhost:80801/", False),
        ("http://localhost:8080.evil.example/", False),
        ("https://localhost:8080/", False),
    ],
)
def test_only_a_url_below_the_receiver_counts_as_its_own(settings, url, under):
    settings.RECEIVER_URL = "http://localhost:8080"
    assert drafts.under_receiver(url) is under


def test_the_audience_is_the_receiver_or_a_local_target_s_origin(settings):
    settings.RECEIVER_URL = "http://localhost:8080"
    assert drafts.audience_for("http://localhost:8080/receive/a") == "http://localhost:8080"
    settings.CLOUD_TASKS_ENDPOINT = "127.0.0.1:8123"
    assert drafts.audience_for("http://other.example:99/a?b") == "http://other.example:99"


def test_with_google_a_token_goes_to_the_receiver_alone(settings):
    settings.RECEIVER_URL, settings.CLOUD_TASKS_ENDPOINT = "https://tasks.example.com", ""
    assert drafts.audience_for("https://tasks.example.com/x") == "https://tasks.example.com"
    with pytest.raises(ValidationError, match="token goes only to"):
        drafts.audience_for("https://evil.example.com/")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_a_body_goes_with_post_put_and_patch_alone(method):
    drafts.check_body(method, b"")
    with pytest.raises(ValidationError, match="has no body"):
        drafts.check_body(method, b"x")


def test_a_task_is_measured_with_all_its_parts():
    def draft(size):
        return Draft(name="n" * 100, queue="q", url="http://x.example/", body=b"x" * size)

    drafts.check_size(draft(1_048_569 - 600))
    with pytest.raises(ValidationError, match="fit into a task of 1 MiB"):
        drafts.check_size(draft(1_048_569 - 200))


def test_a_get_of_the_receiver_s_root_is_warned_about(settings):
    settings.RECEIVER_URL = "http://localhost:8080"
    assert "double life" in warned("http://localhost:8080/", "GET")
    assert not warned("http://localhost:8080/receive", "GET")
    assert not warned("http://localhost:8080/", "POST")


@pytest.mark.parametrize(
    ("url", "headers", "warning"),
    [
        ("http://localhost:8080/receive/x", [], ""),
        ("http://localhost:8080/recei%76e", [], ""),
        ("http://localhost:8080?a", [], ""),
        ("http://elsewhere/nowhere", [("X_One", "1")], ""),
        ("http://localhost:8080/nowhere", [], "Nothing takes tasks at /nowhere"),
        ("http://localhost:8080/received", [], "Nothing takes tasks at /received"),
        ("http://localhost:8080/receive", [("X_One", "1")], "not passed on: X_One."),
    ],
)
def test_what_our_receiver_would_not_make_a_delivery_of(settings, url, headers, warning):
    settings.RECEIVER_URL = "http://localhost:8080"
    assert warning in warned(url, "POST", headers)
    assert bool(warning) == bool(warned(url, "POST", headers))


def warned(url, method, headers=()):
    return " ".join(drafts.warnings(Draft("n", "q", url, method, list(headers))))


@pytest.mark.parametrize(
    ("setting", "least", "draft", "field", "sentence"),
    [
        ("REQUEST_LINE_BYTES", 24, {"url": "/receive?a"}, "url", "line of 24 bytes"),
        ("HEADER_FIELDS", 22, {"headers": [("A", "1"), ("B", "2")]}, "headers", "2 headers"),
        ("HEADER_FIELD_BYTES", 8, {"headers": [("A", "123")]}, "headers", "A is longer"),
        ("MAX_BODY_BYTES", 5, {"body": b"hello"}, "body", "5 bytes"),
    ],
)
def test_what_our_receiver_refuses_each_time_is_not_sent(
    settings, setting, least, draft, field, sentence
):
    settings.RECEIVER_URL = "http://localhost:8080"
    url = f"http://localhost:8080{draft.pop('url', '')}"
    task = Draft("n", "q", url, **draft)
    setattr(settings, setting, least)
    assert drafts.receiver_faults(task) == {}
    setattr(settings, setting, least - 1)
    assert list(drafts.receiver_faults(task)) == [field]
    assert sentence in drafts.receiver_faults(task)[field]
    assert drafts.receiver_faults(Draft("n", "q", "http://elsewhere/", **draft)) == {}


def test_a_sign_that_our_receiver_s_parser_refuses_is_said_at_the_url(settings):
    settings.RECEIVER_URL = "http://localhost:8080"
    task = Draft("n", "q", "http://localhost:8080/receive?\x7f")
    assert "percent-encode" in drafts.receiver_faults(task)["url"]


def test_the_horizon_is_thirty_days():
    assert timedelta(hours=720) == rules.HORIZON
