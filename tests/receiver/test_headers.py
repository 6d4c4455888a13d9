"""Headers, query strings and labels: spelled, masked, typed."""

from datetime import UTC, datetime

import pytest
from django.test import RequestFactory

from receiver.headers import header_list, raw_path
from receiver.labels import Labels, labels, source, trace
from receiver.masking import masked_header, masked_query, masked_url
from receiver.models import Event

Source = Event.Source
CANARY = "c4n4ry"


SECRETS = [
    "Authorization",
    "Proxy-Authorization",
    "X-Serverless-Authorization",
    "Cookie",
    "Set-Cookie",
    "X-Api-Key",
    "X-ApiKey",
    "Api-Key",
    "X-Goog-Api-Key",
    "X-Auth",
    "X-Auth-Token",
    "X-Access-Key",
    "X-Private-Key",
    "X-CSRFToken",
    "X-Csrf-Token",
    "X-Session-Id",
    "X-Goog-Iap-Jwt-Assertion",
    "X-Hub-Signature",
    "X-Hub-Signature-256",
    "X-Shopify-Hmac-Sha256",
    "Stripe-Signature",
    "X-Amz-Security-Token",
    "X-Amz-Credential",
    "X-Client-Secret",
    "X-Password",
    "X-Passwd",
    "X-Gitlab-Token",
    "X-Goog-Channel-Token",
    "X-Twilio-Signature",
    "Svix-Signature",
    "X-Auth-Key",
    "Ocp-Apim-Subscription-Key",
    "X-Functions-Key",
    "X-Amz-Server-Side-Encryption-Customer-Key",
    "X-Master-Key",
    "X-Passphrase",
    "X-Otp",
    "DPoP",
    "X-Ms-Client-Principal",
    "X-Forwarded-Client-Cert",
]


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_are_masked_before_they_are_saved(name):
    environ = {"HTTP_" + name.upper().replace("-", "_"): f"Bearer {CANARY}"}
    ((_, value),) = header_list(environ)
    assert CANARY not in value
    assert "<masked, sha256 " in value


# The words that name a secret, in a header as in a parameter.
WORDS = [
    *["authorization", "cookie", "set-cookie", "token", "secret", "api-key", "apikey", "password"],
    *["signature", "assertion", "credential", "csrf", "session", "hmac"],
]


@pytest.mark.parametrize("word", WORDS)
def test_every_word_for_a_secret_is_known(word):
    whole = word in ("authorization", "cookie", "set-cookie")
    for name in (f"X-{word}", word.upper(), *([] if whole else [f"X-{word}-Sha256", f"my{word}"])):
        assert CANARY not in masked_header(name, CANARY), name
        assert CANARY not in masked_query(f"a=1&{name.replace('-', '_')}={CANARY}&b=2"), name


@pytest.mark.django_db
def test_a_secret_is_nowhere_after_it_was_received(deliver, admin_client, caplog):
    caplog.set_level("DEBUG")
    headers = {name: CANARY for name in SECRETS if name != "Authorization"}
    query = "&".join(f"{name.lower().replace('-', '_')}={CANARY}" for name in SECRETS)
    assert deliver(f"/receive?{query}", **headers).status_code == 200
    (event,) = Event.objects.values()
    assert CANARY not in str(event)
    assert len(event["headers"]) >= len(SECRETS)
    pages = [f"/events/{event['id']}/", "/events/", "/admin/receiver/event/"]
    for page in (*pages, f"/admin/receiver/event/{event['id']}/change/"):
        answer = admin_client.get(page)
        assert answer.status_code == 200
        assert CANARY not in answer.content.decode(), page
    assert CANARY not in caplog.text + str([vars(record) for record in caplog.records])


@pytest.mark.parametrize(
    ("name", "value", "saved"),
    [
        ("Authorization", "Bearer abc", "Bearer <masked, sha256 ba7816bf>"),
        ("Authorization", "Basic abc", "Basic <masked, sha256 ba7816bf>"),
        ("Authorization", "abc", "<masked, sha256 ba7816bf>"),
        ("X-Api-Key", "abc", "<masked, sha256 ba7816bf>"),
        ("Cookie", "", ""),
        ("X-CloudTasks-TaskName", "abc", "abc"),
        ("Authorization", "abc def", "<masked, sha256 010971ea>"),
        ("Idempotency-Key", "abc", "abc"),
        ("Referer", "https://u:abc@x/", "https://<masked, sha256 e63a44ab>@x/"),
        (
            "Referer",
            "https://x/#access_token=abc",
            "https://x/#access_token=<masked, sha256 ba7816bf>",
        ),
        ("Accept", "text/html, */*", "text/html, */*"),
        ("Host", "localhost", "localhost"),
        ("Referer", "https://x/?a=1&token=abc", "https://x/?a=1&token=<masked, sha256 ba7816bf>"),
    ],
)
def test_what_is_saved_of_a_header(name, value, saved):
    assert masked_header(name, value) == saved


@pytest.mark.parametrize(
    ("query", "saved"),
    [
        ("", ""),
        ("a=1&b=2", "a=1&b=2"),
        ("token=abc", "token=<masked, sha256 ba7816bf>"),
        ("a=1&access_token=abc;b=2", "a=1&access_token=<masked, sha256 ba7816bf>;b=2"),
        ("%74oken=abc", "%74oken=<masked, sha256 ba7816bf>"),
        ("api_key=abc&key=abc", "api_key=<masked, sha256 ba7816bf>&key=<masked, sha256 ba7816bf>"),
        ("keyboard=abc&monkey=abc", "keyboard=abc&monkey=abc"),
        ("token=", "token="),
        ("token", "token"),
        ("X-Goog-Signature=abc", "X-Goog-Signature=<masked, sha256 ba7816bf>"),
    ],
)
def test_what_is_saved_of_a_query(query, saved):
    assert masked_query(query) == saved
    assert masked_url(f"https://x/path?{query}") == f"https://x/path?{saved}"


def test_names_are_spelled_as_they_are_written():
    environ = {
        "HTTP_X_CLOUDTASKS_TASKNAME": "t",
        "HTTP_X_CLOUDTASKS_TASKETA": "1",
        "HTTP_USER_AGENT": "Google-Cloud-Tasks",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "",
        "REMOTE_ADDR": "127.0.0.1",
    }
    assert header_list(environ) == [
        ("X-CloudTasks-TaskName", "t"),
        ("X-CloudTasks-TaskETA", "1"),
        ("User-Agent", "Google-Cloud-Tasks"),
        ("Content-Type", "text/plain"),
    ]


@pytest.mark.parametrize(
    ("header", "value", "field", "expected"),
    [
        ("QueueName", "default", "queue", "default"),
        ("QueueName", "q" * 101, "queue", ""),
        ("QueueName", "projects/p/queues/q", "queue", ""),
        ("QueueName", "a,b", "queue", ""),
        ("TaskName", "Task_1-x", "task", "Task_1-x"),
        ("TaskName", "t" * 500, "task", "t" * 500),
        ("TaskName", "t" * 501, "task", ""),
        ("TaskName", "a\x00b", "task", ""),
        ("TaskName", "é", "task", ""),
        ("TaskName", "name\n", "task", ""),
        ("TaskRetryCount", "0", "retry_count", 0),
        ("TaskRetryCount", "12", "retry_count", 12),
        ("TaskRetryCount", "-1", "retry_count", None),
        ("TaskRetryCount", "2147483648", "retry_count", None),
        ("TaskRetryCount", "٣", "retry_count", None),
        ("TaskRetryCount", "1e9", "retry_count", None),
        ("TaskRetryCount", "9" * 10_000, "retry_count", None),
        ("TaskRetryCount", "", "retry_count", None),
        ("TaskExecutionCount", "7", "execution_count", 7),
        ("TaskPreviousResponse", "503", "previous_response", 503),
        ("TaskPreviousResponse", "OK", "previous_response", None),
        ("TaskRetryReason", "", "retry_reason", ""),
        ("TaskRetryReason", "App Error", "retry_reason", "App Error"),
        ("TaskRetryReason", "\x1b\ud800" + "r" * 300, "retry_reason", r"\x1b\ud800" + "r" * 190),
        ("TaskETA", "1666670855", "eta", datetime(2022, 10, 25, 4, 7, 35, tzinfo=UTC)),
        ("TaskETA", "0", "eta", datetime(1970, 1, 1, tzinfo=UTC)),
        ("TaskETA", "1.6666708553296249e+09", "eta", datetime(2022, 10, 25, 4, 7, 35, 329625, UTC)),
        ("TaskETA", "nan", "eta", None),
        ("TaskETA", "inf", "eta", None),
        ("TaskETA", "1e999", "eta", None),
        ("TaskETA", "1e99", "eta", None),
        ("TaskETA", "999999999999", "eta", None),
        ("TaskETA", "-1", "eta", None),
        ("TaskETA", "1_0", "eta", None),
        ("TaskETA", "٣", "eta", None),
        ("TaskETA", "soon", "eta", None),
    ],
)
def test_labels_of_the_right_shape_are_typed(header, value, field, expected):
    environ = {f"HTTP_X_CLOUDTASKS_{header.upper()}": value}
    found = labels(environ)
    assert getattr(found, field) == expected
    assert found == Labels(**{field: expected})
    # The raw value stays, whatever its shape.
    assert header_list(environ)[0][0] == f"X-CloudTasks-{header}"


ENVELOPE = b'{"message": {"data": "aGk="}, "subscription": "projects/demo/subscriptions/s"}'


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({"X-CloudTasks-QueueName": "q"}, b"", Source.CLOUD_TASKS),
        ({"X-CloudTasks-TaskName": ""}, ENVELOPE, Source.CLOUD_TASKS),
        ({"X-CloudScheduler": "true"}, b"", Source.CLOUD_SCHEDULER),
        ({"User-Agent": "Google-Cloud-Scheduler"}, b"", Source.CLOUD_SCHEDULER),
        ({}, ENVELOPE, Source.PUBSUB),
        ({"User-Agent": "CloudPubSub-Google"}, b"", Source.PUBSUB),
        ({"X-Goog-Pubsub-Subscription-Name": "s"}, b"raw", Source.PUBSUB),
        ({"ce-specversion": "1.0", "ce-id": "1"}, ENVELOPE, Source.CLOUDEVENTS),
        ({"Content-Type": "application/cloudevents+json; charset=utf-8"}, b"", Source.CLOUDEVENTS),
        ({"Content-Type": "application/cloudevents-batch+json"}, b"[]", Source.CLOUDEVENTS),
        ({"ce-specversion": "1.0", "User-Agent": "APIs-Google"}, b"", Source.CLOUDEVENTS),
        ({"X-CloudScheduler-JobName": "nightly"}, b"", Source.CLOUD_SCHEDULER),
        ({"X-CloudScheduler": "true", "X-CloudTasks-TaskName": "t"}, b"", Source.CLOUD_TASKS),
        ({"User-Agent": "APIs-Google; (+https://...)"}, b"", Source.PUBSUB),
        ({"User-Agent": "CloudPubSub-Google"}, ENVELOPE, Source.PUBSUB),
        ({"User-Agent": "curl/8"}, b'{"message": "hi"}', Source.OTHER),
        ({}, b"", Source.OTHER),
    ],
)
def test_whose_request_it_looks_like(headers, body, expected):
    request = RequestFactory().generic("POST", "/", headers=headers)
    request.META["CONTENT_TYPE"] = headers.get("Content-Type", "")
    assert source(request.META, body) == expected


HEX = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("X_CLOUD_TRACE_CONTEXT", f"{HEX}/1;o=1", HEX),
        ("X_CLOUD_TRACE_CONTEXT", HEX.upper(), HEX),
        ("X_CLOUD_TRACE_CONTEXT", "short/1", ""),
        ("TRACEPARENT", f"00-{HEX}-b7ad6b7169203331-01", HEX),
        ("X_CLOUD_TRACE_CONTEXT", "0" * 32 + "/1", ""),
        ("TRACEPARENT", f"01-{HEX}-b7ad6b7169203331-01-later", HEX),
        ("TRACEPARENT", f"ff-{HEX}-b7ad6b7169203331-01", ""),
        ("TRACEPARENT", f"00-{'0' * 32}-b7ad6b7169203331-01", ""),
        ("TRACEPARENT", f"00-{HEX.upper()}-b7ad6b7169203331-01", ""),
        ("TRACEPARENT", "nonsense", ""),
        ("OTHER", HEX, ""),
    ],
)
def test_the_trace(name, value, expected):
    assert trace({f"HTTP_{name}": value}) == expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"RAW_URI": "/a%20b?x=1"}, "/a%20b"),
        ({"RAW_URI": "http://h/receive", "PATH_INFO": "/receive"}, "/receive"),
        ({"RAW_URI": "//h/receive"}, "//h/receive"),
        ({"PATH_INFO": "/é a"}, "/%C3%A9%20a"),
        ({"SCRIPT_NAME": "/base", "PATH_INFO": "/x"}, "/base/x"),
        ({"PATH_INFO": "/\x00\ud800"}, "/%00%ED%A0%80"),
    ],
)
def test_the_path_as_it_was_sent(environ, expected):
    assert raw_path(environ) == expected
