"""What a target receives, and what becomes of the task: real requests from a real process."""

import json
import time
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from google.auth import jwt
from google.protobuf.duration_pb2 import Duration

from emulator.tokens import account_number
from tests.emulator.conftest import ended
from tests.processes import eventually

SERVICE_HEADERS = {
    "x-cloudtasks-queuename",
    "x-cloudtasks-taskname",
    "x-cloudtasks-taskretrycount",
    "x-cloudtasks-taskexecutioncount",
    "x-cloudtasks-tasketa",
}


def test_a_task_arrives_exactly_as_it_was_made(client, queue, send, target):
    body = bytes(range(256))
    task = send(
        queue,
        f"{target.url}/%2Fpath?q=a%20b&r=",
        name="whole",
        body=body,
        headers={"content-type": "application/x-any", "X-Mixed-Case": "as it is"},
    )
    (got,) = target.wait_for(1)
    assert got.method == "POST"
    assert got.path == "/" + target.url.rpartition("/")[2] + "/%2Fpath?q=a%20b&r="
    assert got.body == body
    assert dict(got.headers) == {
        "Host": target.url.split("/")[2],
        "Content-Length": "256",
        "content-type": "application/x-any",
        "X-Mixed-Case": "as it is",
        "User-Agent": "Google-Cloud-Tasks",
        "X-CloudTasks-QueueName": queue.rpartition("/")[2],
        "X-CloudTasks-TaskName": "whole",
        "X-CloudTasks-TaskRetryCount": "0",
        "X-CloudTasks-TaskExecutionCount": "0",
        "X-CloudTasks-TaskETA": got.header("X-CloudTasks-TaskETA"),
    }
    assert float(got.header("X-CloudTasks-TaskETA")) == task.schedule_time.timestamp()
    eventually(lambda: ended(client, task.name))
    target.stays_at(1, 0.3)


def test_nothing_is_added_to_an_empty_task(queue, send, target):
    send(queue, target.url)
    (got,) = target.wait_for(1)
    assert got.body == b""
    assert {key.lower() for key, _ in got.headers} == SERVICE_HEADERS | {
        "host",
        "content-length",
        "user-agent",
    }


def test_localhost_is_found_wherever_it_listens(queue, send, target):
    send(queue, target.url.replace("127.0.0.1", "localhost"))
    assert target.wait_for(1)[0].header("Host").startswith("localhost:")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_every_method_is_sent(queue, send, target, method):
    send(queue, target.url, http_method=method)
    assert target.wait_for(1)[0].method == method


def test_connection_headers_of_the_creator_are_not_sent(queue, send, target):
    send(queue, target.url, body=b"abc", headers={"Transfer-Encoding": "chunked", "Expect": "x"})
    (got,) = target.wait_for(1)
    assert got.header("Transfer-Encoding") is None
    assert got.header("Expect") is None
    assert got.body == b"abc"


def test_cookies_of_a_target_are_not_sent_back(client, queue, send, target):
    target.headers = {"Set-Cookie": "a=b; Path=/"}
    url = target.url.replace("127.0.0.1", "localhost")  # jars keep none of an address
    first = send(queue, url).name
    eventually(lambda: ended(client, first))
    send(queue, url)
    assert [got.header("Cookie") for got in target.wait_for(2)] == [None, None]


def test_a_schedule_is_kept(queue, send, target):
    due = datetime.now(UTC) + timedelta(seconds=1.5)
    send(queue, target.url, schedule_time=due)
    target.stays_at(0, 1.0)
    (got,) = target.wait_for(1)
    assert 0 <= got.wall - due.timestamp() < 0.5
    assert float(got.header("X-CloudTasks-TaskETA")) == due.timestamp()


def test_a_sooner_task_does_not_wait_for_a_later_one(queue, send, target):
    send(queue, target.url, schedule_time=datetime.now(UTC) + timedelta(hours=1))
    send(queue, target.url, schedule_time=datetime.now(UTC) + timedelta(seconds=0.6))
    started = time.monotonic()
    send(queue, target.url, name="now")
    got = target.wait_for(2)
    assert got[0].header("X-CloudTasks-TaskName") == "now"
    assert got[0].at - started < 0.4


def test_the_token_of_a_task_verifies(emulator, queue, send, target):
    url = f"{target.url}?x=1"
    send(queue, url, oidc_token={"service_account_email": "t@demo.iam.gserviceaccount.com"})
    (got,) = target.wait_for(1)
    bearer, token = got.header("Authorization").split()
    certs = fetch(f"{emulator.http_url}/certs")
    claims = jwt.decode(token, certs=certs, audience=url)
    number = account_number("t@demo.iam.gserviceaccount.com")
    assert bearer == "Bearer"
    assert claims == {
        "aud": url,
        "azp": number,
        "email": "t@demo.iam.gserviceaccount.com",
        "email_verified": True,
        "exp": claims["iat"] + 3600,
        "iat": claims["iat"],
        "iss": emulator.http_url,
        "sub": number,
    }
    assert abs(claims["iat"] - time.time()) < 10
    assert jwt.decode_header(token)["kid"] in certs


def test_a_token_goes_before_the_creators_authorization(queue, send, target):
    send(
        queue,
        target.url,
        headers={"authorization": "Basic eDp5"},
        oidc_token={"service_account_email": "a@b.c", "audience": "http://chosen"},
    )
    (got,) = target.wait_for(1)
    token = got.header("Authorization").removeprefix("Bearer ")
    assert jwt.decode(token, verify=False)["aud"] == "http://chosen"


def test_an_authorization_without_a_token_is_the_creators(queue, send, target):
    send(queue, target.url, headers={"Authorization": "Basic eDp5"})
    assert target.wait_for(1)[0].header("Authorization") == "Basic eDp5"


def test_an_oauth_token_is_a_local_one(queue, send, target):
    send(queue, target.url, oauth_token={"service_account_email": "a@b.c"})
    authorization = target.wait_for(1)[0].header("Authorization")
    assert authorization == (
        "Bearer local-oauth-token-of-a@b.c-for-https://www.googleapis.com/auth/cloud-platform"
    )


def test_the_http_port_publishes_the_issuer(emulator):
    discovery = fetch(f"{emulator.http_url}/.well-known/openid-configuration")
    assert discovery["issuer"] == emulator.http_url
    (key,) = fetch(discovery["jwks_uri"])["keys"]
    assert key["kid"] in fetch(f"{emulator.http_url}/certs")
    assert fetch(f"{emulator.http_url}/health")["ok"] is True


def fetch(url):
    with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310  our own process
        return json.load(response)


def test_an_answer_without_an_end_is_cut(client, queue, send, target):
    target.body = b"x" * 3_000_000
    name = send(queue, target.url).name
    eventually(lambda: ended(client, name))


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/computeMetadata/v1/",
        "http://10.255.255.1/",
        "http://example.com/%zz",
        "http://user:secret@127.0.0.1:9/",
        "http://127.0.0.1:9/refused",
    ],
)
def test_what_cannot_be_sent_is_a_failed_attempt(client, make_queue, send, url):
    queue = make_queue(retry_config={"max_attempts": 2})
    name = send(queue, url).name
    eventually(lambda: ended(client, name))


def test_a_redirect_is_not_followed(client, make_queue, send, target, target_server):
    elsewhere = target_server.spot()
    queue = make_queue(retry_config={"max_attempts": 1})
    target.otherwise, target.headers = 307, {"Location": elsewhere.url}
    name = send(queue, target.url).name
    eventually(lambda: ended(client, name))
    elsewhere.stays_at(0, 0.2)
    assert len(target.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Odd: \xff\xfe\r\n\r\n",
        b"HTTP/1.1 200 \xff\r\nContent-Length: 3\r\nContent-Encoding: gzip\r\n\r\nabc",
        b"HTTP/1.1 299 Fine\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n\x00\xff",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
        b"HTTP/1.1 200 " + b"a" * 9000 + b"\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=["odd bytes", "no gzip", "cookies", "long header", "many headers", "long reason"],
)
def test_odd_answers_are_answers(client, queue, send, raw_target, answer):
    name = send(queue, raw_target(answer)).name
    eventually(lambda: ended(client, name))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nX-Odd: a\x00b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000 + b"\r\n\r\n",
    ],
    ids=["nothing", "nonsense", "cut short", "NUL", "huge header"],
)
def test_what_is_no_answer_is_a_failure(client, make_queue, send, raw_target, answer):
    queue = make_queue(retry_config={"min_backoff": Duration(seconds=60)})
    name = send(queue, raw_target(answer)).name
    task = eventually(lambda: answered(client, name))
    assert (task.dispatch_count, task.response_count) == (1, 0)
    assert task.last_attempt.response_status.code == 4


def answered(client, name):
    task = client.get_task(name=name)
    return task if task.last_attempt.response_time else None


def test_a_url_may_hold_anything(client, queue, send, target):
    name = send(queue, f"{target.url}/\0ü \n?x").name
    (got,) = target.wait_for(1)
    assert got.path.endswith("/%00%C3%BC%20%0A?x")
    eventually(lambda: ended(client, name))


def test_a_host_of_other_letters_is_asked_for_as_dns_has_it(queue, send, target):
    send(queue, target.url.replace("127.0.0.1", "münchen.localhost"))
    (got,) = target.wait_for(1)
    assert got.header("Host").startswith("xn--mnchen-3ya.localhost:")
