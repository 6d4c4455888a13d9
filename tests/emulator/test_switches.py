"""The deviations that a flag turns on or off, in one emulator that has them all on."""

import grpc
import pytest
from google.api_core.exceptions import InvalidArgument
from google.cloud import tasks_v2
from google.protobuf.duration_pb2 import Duration

from tests.emulator.conftest import PARENT, client_of, ended
from tests.processes import EmulatorProcess, eventually

QUEUE = f"{PARENT}/queues/default"
TOKEN = {"service_account_email": "a@b.c"}
QUICK = {"min_backoff": Duration(nanos=50_000_000), "max_backoff": Duration(nanos=50_000_000)}


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    options = [
        "--follow-redirects",
        "--honour-retry-after",
        "--strict-https-tokens",
        "--strict-routing-header",
        "-hard-reset-on-purge-queue=true",
    ]
    folder = tmp_path_factory.mktemp("strict")
    with EmulatorProcess(folder, "--queue", "default", *options) as running:
        yield running


@pytest.fixture(scope="module")
def strict_client(strict):
    client = client_of(strict.endpoint)
    client.update_queue(queue={"name": QUEUE, "retry_config": {**QUICK, "max_attempts": 3}})
    yield client
    client.transport.close()


def create(client, url, name="", **request):
    task = {"http_request": {"url": url, **request}}
    if name:
        task["name"] = f"{QUEUE}/tasks/{name}"
    return client.create_task(parent=QUEUE, task=task).name


@pytest.mark.parametrize(
    ("status", "method", "body"),
    [
        (301, "GET", b""),
        (302, "GET", b""),
        (303, "GET", b""),
        (307, "PUT", b"b"),
        (308, "PUT", b"b"),
    ],
)
def test_a_redirect_is_followed(strict_client, target, target_server, status, method, body):
    other = target_server.spot()
    target.otherwise, target.headers = status, {"Location": f"/{other.url.rpartition('/')[2]}?x"}
    name = create(strict_client, target.url, http_method="PUT", body=b"b")
    (got,) = other.wait_for(1)
    assert (got.method, got.body) == (method, body)
    assert got.path.endswith("?x")
    assert got.header("X-CloudTasks-TaskRetryCount") == "0"  # the same attempt
    eventually(lambda: ended(strict_client, name))
    assert len(target.requests) == 1


def test_a_redirect_elsewhere_leaves_the_credentials_behind(strict_client, target, target_server):
    other = target_server.spot()
    moved = other.url.replace("127.0.0.1", "localhost")
    target.otherwise, target.headers = 307, {"Location": moved}
    create(strict_client, target.url, headers={"Authorization": "Basic eDp5", "X-A": "1"})
    (got,) = other.wait_for(1)
    assert (got.header("Authorization"), got.header("X-A")) == (None, "1")


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/", "http://10.1.2.3/", "ftp://127.0.0.1/", "http://["]
)
def test_a_redirect_out_of_bounds_is_a_failed_attempt(strict_client, target, location):
    target.otherwise, target.headers = 302, {"Location": location}
    name = create(strict_client, target.url)
    eventually(lambda: ended(strict_client, name))
    assert len(target.requests) == 3


def test_a_circle_of_redirects_ends(strict_client, target):
    target.otherwise, target.headers = 302, {"Location": target.url}
    name = create(strict_client, target.url)
    eventually(lambda: ended(strict_client, name))
    assert len(target.requests) == 3 * 11


def test_a_retry_waits_as_long_as_it_is_asked_to(strict_client, target):
    target.script, target.headers = [503], {"Retry-After": "1"}
    create(strict_client, target.url)
    first, second = target.wait_for(2)
    assert 0.95 <= second.at - first.at < 1.6


def test_a_token_for_http_is_refused(strict_client):
    for kind in ("oidc_token", "oauth_token"):
        with pytest.raises(InvalidArgument) as refused:
            create(strict_client, "http://127.0.0.1:9/", **{kind: TOKEN})
        assert refused.value.message == (
            "HttpRequest.url must start with 'https://' for request with "
            "HttpRequest.authorization_header"
        )
    assert create(strict_client, "https://127.0.0.1:9/", oidc_token=TOKEN)


def test_a_call_without_a_routing_header_is_refused(strict, strict_client):
    assert strict_client.get_queue(name=QUEUE)  # the official client sends it
    with grpc.insecure_channel(strict.endpoint) as channel:
        call = channel.unary_unary(
            "/google.cloud.tasks.v2.CloudTasks/GetQueue",
            request_serializer=tasks_v2.GetQueueRequest.serialize,
            response_deserializer=tasks_v2.Queue.deserialize,
        )
        request = tasks_v2.GetQueueRequest(name=QUEUE)
        with pytest.raises(grpc.RpcError) as refused:
            call(request)
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert refused.value.details() == (
            '"x-goog-request-params" header is either missing or misformatted. '
            f'"x-goog-request-params" must contain "name={QUEUE}"'
        )
        with pytest.raises(grpc.RpcError, match="Invalid resource field value in the request"):
            call(request, metadata=[("x-goog-request-params", "name=other")])
        for value in (f"name={QUEUE}", f"a=b&name={QUEUE.replace('/', '%2F')}"):
            assert call(request, metadata=[("x-goog-request-params", value)]).name == QUEUE


def test_every_method_names_its_parameter(strict_client, target):
    assert list(strict_client.list_queues(parent=PARENT))
    strict_client.update_queue(queue={"name": QUEUE, "retry_config": {**QUICK, "max_attempts": 3}})
    name = create(strict_client, target.url, name="routed")
    eventually(lambda: ended(strict_client, name))
    strict_client.create_queue(parent=PARENT, queue={"name": f"{PARENT}/queues/other"})
    strict_client.delete_queue(name=f"{PARENT}/queues/other")


def test_a_hard_purge_frees_the_names(strict_client, target):
    name = create(strict_client, target.url, name="once")
    eventually(lambda: ended(strict_client, name))
    strict_client.purge_queue(name=QUEUE)
    create(strict_client, target.url, name="once")
    assert len(target.wait_for(2)) == 2
