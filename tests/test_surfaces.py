"""Which URL is whose: the receiver's, a person's, or nobody's."""

import pytest
from django.test import override_settings

from config.urls import patterns

PAGES = ["/events/", "/tasks/", "/enqueue/", "/queues/", "/admin/", "/admin/login/"]


def serving(*surfaces: str):
    """Serve just these surfaces."""
    return override_settings(
        ROOT_URLCONF=type("Urls", (), {"urlpatterns": patterns(list(surfaces))})
    )


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["/", "/receive", "/receive/", "/receive/a/b.c?d=e"])
def test_the_receiver_takes_its_paths_without_a_redirect(client, method, path):
    assert getattr(client, method)(path).status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize(
    "headers",
    [
        {"X-CloudTasks-TaskName": "1"},
        {"X-CloudScheduler": "true"},
        {"X-CloudScheduler-JobName": "nightly"},
        {"Authorization": "Bearer x.y.z"},
    ],
)
def test_a_get_of_the_root_by_a_machine_is_a_delivery(client, headers):
    assert client.get("/", headers=headers).status_code == 401


@pytest.mark.django_db
def test_a_get_of_the_root_by_a_person_is_the_overview(client, admin_client):
    assert client.get("/")["Location"] == "/admin/login/?next=/"
    with override_settings(CLOUD_TASKS_ENDPOINT="127.0.0.1:9"):
        assert admin_client.get("/").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "head", "options", "post"])
def test_a_receiver_alone_takes_every_method_on_the_root(client, method):
    with serving("receiver"):
        assert getattr(client, method)("/").status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize("path", PAGES)
def test_a_receiver_alone_has_no_pages(client, path):
    with serving("receiver"):
        assert client.get(path).status_code == 404


@pytest.mark.django_db
def test_a_dashboard_alone_takes_no_deliveries(client):
    with serving("dashboard"):
        assert client.post("/receive").status_code == 404
        assert client.post("/").status_code in {302, 405}
        assert client.get("/")["Location"] == "/admin/login/?next=/"


@pytest.mark.django_db
def test_a_receiver_named_twice_is_still_alone(client):
    with serving("receiver", "receiver"):
        assert client.get("/admin/login/").status_code == 404
        assert client.get("/?a=%00").status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["FOOBAR", "TRACE"])
def test_an_odd_method_on_the_root_is_never_a_redirect(client, method):
    assert client.generic(method, "/").status_code == 401
