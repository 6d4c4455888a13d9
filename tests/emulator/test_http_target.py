"""A queue's http_target: the rules as tables, then through the client to a real target."""

import uuid

import pytest
from google.api_core.exceptions import InvalidArgument
from google.auth import jwt
from google.cloud import tasks_v2
from google.protobuf.field_mask_pb2 import FieldMask

from emulator.http_target import overridden, overridden_url
from tests.emulator.conftest import PARENT, ended
from tests.processes import eventually

URL = "http://own.example:81/a/b?x=1"


def override(mode="ALWAYS", **pieces):
    for name, inner in (("path", "path"), ("query", "query_params")):
        if name in pieces:
            pieces[f"{name}_override"] = {inner: pieces.pop(name)}
    return tasks_v2.UriOverride.pb(tasks_v2.UriOverride(uri_override_enforce_mode=mode, **pieces))


@pytest.mark.parametrize(
    ("url", "pieces", "result"),
    [
        (URL, {"host": "h"}, "https://h:81/a/b?x=1"),
        (URL, {"host": "h", "scheme": "HTTP"}, "http://h:81/a/b?x=1"),
        (URL, {"host": "h", "scheme": "SCHEME_UNSPECIFIED"}, "https://h:81/a/b?x=1"),
        (URL, {"host": "h", "port": 9}, "https://h:9/a/b?x=1"),
        (URL, {"host": "h", "port": 0}, "https://h/a/b?x=1"),
        (URL, {"host": "[::1]", "port": 9}, "https://[::1]:9/a/b?x=1"),
        (URL, {"host": "h", "path": "/c"}, "https://h:81/c?x=1"),
        (URL, {"host": "h", "path": "c"}, "https://h:81/c?x=1"),
        (URL, {"host": "h", "path": ""}, "https://h:81?x=1"),
        (URL, {"host": "h", "query": "y=2"}, "https://h:81/a/b?y=2"),
        (URL, {"host": "h", "query": "?y=2"}, "https://h:81/a/b?y=2"),
        (URL, {"host": "h", "query": ""}, "https://h:81/a/b"),
        ("http://[::1]:8/p", {"host": "h"}, "https://h:8/p"),
        ("http://u:p@own/p", {"host": "h"}, "https://h/p"),
        ("http://own/%zz \n#f", {"host": "h"}, "https://h/%zz \n"),
        ("http://[broken", {"host": "h"}, "https://h"),
        ("", {"host": "h", "port": 8, "path": "/p", "query": "q"}, "https://h:8/p?q"),
    ],
)
def test_an_override_always_replaces(url, pieces, result):
    assert overridden_url(url, override(**pieces)) == result
    assert overridden_url(url, override("URI_OVERRIDE_ENFORCE_MODE_UNSPECIFIED", **pieces)) == (
        result
    )


@pytest.mark.parametrize(
    ("url", "result"),
    [
        (URL, URL),
        ("http://own/a", "http://own:9/a?y=2"),
        ("http://own", "http://own:9/c?y=2"),
        ("http://own/", "http://own:9/c?y=2"),
        ("http://own:1/?z", "http://own:1/c?z"),
        ("", "https://h:9/c?y=2"),
    ],
)
def test_if_not_exists_fills_what_the_task_left_out(url, result):
    pieces = override("IF_NOT_EXISTS", host="h", port=9, path="/c", query="y=2")
    assert overridden_url(url, pieces) == result


def test_method_headers_and_token_are_replaced_and_the_task_stays_as_it_was():
    request = tasks_v2.HttpRequest(
        url=URL,
        headers={"x-a": "own", "X-B": "own"},
        oidc_token={"service_account_email": "own@a.b"},
    )
    target = tasks_v2.HttpTarget(
        http_method="PUT",
        header_overrides=[
            {"header": {"key": "X-A", "value": "new"}},
            {"header": {"key": "X-C", "value": "new"}},
        ],
        oauth_token={"service_account_email": "queue@a.b"},
    )
    before = tasks_v2.HttpRequest(request)
    got = overridden(tasks_v2.HttpRequest.pb(request), tasks_v2.HttpTarget.pb(target))
    assert got.url == URL
    assert got.http_method == tasks_v2.HttpMethod.PUT
    assert dict(got.headers) == {"X-A": "new", "X-B": "own", "X-C": "new"}
    assert got.oauth_token.service_account_email == "queue@a.b"
    assert not got.HasField("oidc_token")
    assert request == before


REFUSALS = {
    "no host": ({"uri_override": {"port": 1}}, "UriOverride.host cannot be empty."),
    "empty host": ({"uri_override": {"host": ""}}, "UriOverride.host cannot be empty."),
    "host with port": (
        {"uri_override": {"host": "h:80"}},
        "UriOverride.host must be a host name or an address, without a port.",
    ),
    "negative port": (
        {"uri_override": {"host": "h", "port": -1}},
        "UriOverride.port must be positive; 0 clears the port.",
    ),
    "large port": (
        {"uri_override": {"host": "h", "port": 65536}},
        "UriOverride.port must be at most 65535.",
    ),
    "method": ({"http_method": 99}, "HttpTarget.httpMethod is not a known method."),
    "oidc": (
        {"oidc_token": {"audience": "a"}},
        "HttpTarget.authorization_header needs a service_account_email.",
    ),
    "oauth": (
        {"oauth_token": {"scope": "a"}},
        "HttpTarget.authorization_header needs a service_account_email.",
    ),
    "headers": (
        {"header_overrides": [{"header": {"key": "A", "value": "b" * 81920}}]},
        "HttpTarget.headerOverrides must be less than 80KB.",
    ),
}


@pytest.mark.parametrize(("target", "message"), REFUSALS.values(), ids=REFUSALS)
def test_a_bad_http_target_is_refused(make_queue, target, message):
    with pytest.raises(InvalidArgument) as refused:
        make_queue(http_target=target)
    assert refused.value.message == message


def header(key, value="v"):
    return {"header": {"key": key, "value": value}}


def test_it_is_kept_sanitised_and_changed_by_masks(client, make_queue):
    queue = make_queue(
        http_target={
            "uri_override": {"host": "h", "port": 5, "path_override": {"path": "/p"}},
            "http_method": "PUT",
            "header_overrides": [header("X-Mine"), header("HOST"), header("x-google-a")],
            "oidc_token": {"service_account_email": "a@b.c", "audience": "aud"},
        }
    )
    got = client.get_queue(name=queue).http_target
    assert (got.uri_override.host, got.uri_override.port) == ("h", 5)
    assert got.uri_override.path_override.path == "/p"
    assert got.http_method == tasks_v2.HttpMethod.PUT
    assert [each.header.key for each in got.header_overrides] == ["X-Mine"]
    assert got.oidc_token.audience == "aud"

    def update(paths, target):
        return tasks_v2.Queue.pb(
            client.update_queue(
                queue={"name": queue, "http_target": target}, update_mask=FieldMask(paths=paths)
            )
        )

    changed = update(
        ["http_target.uri_override.port", "http_target.header_overrides"],
        {"uri_override": {"host": "ignored"}, "header_overrides": [header("X-New")]},
    ).http_target
    assert not changed.uri_override.HasField("port")  # masked and left out
    assert (changed.uri_override.host, changed.http_method) == ("h", 4)
    assert [each.header.key for each in changed.header_overrides] == ["X-New"]
    oauth = update(["http_target.oauth_token"], {"oauth_token": {"service_account_email": "d@e.f"}})
    assert oauth.http_target.WhichOneof("authorization_header") == "oauth_token"
    assert update(["retry_config"], {}).HasField("http_target")
    assert not update(["http_target"], {}).HasField("http_target")
    assert not tasks_v2.Queue.pb(client.get_queue(name=queue)).HasField("http_target")


def test_a_header_list_that_holds_only_reserved_ones_is_no_target(client, make_queue):
    queue = make_queue(http_target={"header_overrides": [header("Host")]})
    assert not tasks_v2.Queue.pb(client.get_queue(name=queue)).HasField("http_target")


def test_it_applies_to_tasks_that_were_queued_before(client, queue, send, target):
    client.pause_queue(name=queue)
    send(queue, "https://nowhere.invalid/own?x=1", body=b"dropped", headers={"x-a": "own"})
    port, spot = target.url.split(":")[2].split("/")
    client.update_queue(
        queue={
            "name": queue,
            "http_target": {
                "uri_override": {
                    "scheme": "HTTP",
                    "host": "127.0.0.1",
                    "port": int(port),
                    "path_override": {"path": f"/{spot}/new"},
                    "query_override": {"query_params": "y=2"},
                },
                "http_method": "GET",
                "header_overrides": [header("X-A", "queue's")],
                "oidc_token": {"service_account_email": "q@a.b", "audience": "aud"},
            },
        },
        update_mask=FieldMask(paths=["http_target"]),
    )
    client.resume_queue(name=queue)
    (got,) = target.wait_for(1)
    assert (got.method, got.path, got.body) == ("GET", f"/{spot}/new?y=2", b"")
    assert got.header("X-A") == "queue's"
    token = jwt.decode(got.header("Authorization").removeprefix("Bearer "), verify=False)
    assert (token["email"], token["aud"]) == ("q@a.b", "aud")


def test_without_one_a_task_goes_where_it_says_again(client, make_queue, send, target):
    queue = make_queue(http_target={"uri_override": {"host": "127.0.0.1", "port": 9}})
    client.update_queue(queue={"name": queue}, update_mask=FieldMask(paths=["http_target"]))
    name = send(queue, target.url).name
    target.wait_for(1)
    eventually(lambda: ended(client, name))


def test_an_update_creates_a_queue_with_one(client):
    name = f"{PARENT}/queues/made-{uuid.uuid4().hex[:8]}"
    client.update_queue(
        queue={"name": name, "http_target": {"http_method": "PUT"}},
        update_mask=FieldMask(paths=["http_target.http_method"]),
    )
    assert client.get_queue(name=name).http_target.http_method == 4
    client.delete_queue(name=name)
