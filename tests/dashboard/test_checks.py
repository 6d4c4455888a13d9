"""A mistake in the settings is named with the mend."""

import pytest

from dashboard.checks import a_project_of_its_own, endpoint, where_tasks_go


def ids(found):
    assert all(message.hint for message in found)
    return [message.id for message in found]


def test_the_laptop_s_settings_are_good():
    assert ids(where_tasks_go()) + ids(endpoint()) == []


@pytest.mark.parametrize(
    ("name", "value", "check_id"),
    [
        ("GOOGLE_CLOUD_PROJECT", "", "dashboard.E002"),
        ("GOOGLE_CLOUD_PROJECT", "a/b", "dashboard.E002"),
        ("CLOUD_TASKS_LOCATION", "us central1", "dashboard.E003"),
        ("CLOUD_TASKS_QUEUE", "my_queue", "dashboard.E004"),
        ("CLOUD_TASKS_QUEUE", "q" * 101, "dashboard.E004"),
    ],
)
def test_a_malformed_id_is_found(settings, name, value, check_id):
    setattr(settings, name, value)
    assert ids(where_tasks_go()) == [check_id]


@pytest.mark.parametrize(
    "value", ["8123", "localhost", "http://localhost:8123", "localhost:0", "localhost:99999", ":1"]
)
def test_a_malformed_endpoint_is_found(settings, value):
    settings.CLOUD_TASKS_ENDPOINT = value
    assert ids(endpoint()) == ["dashboard.E005"]


@pytest.mark.parametrize("value", ["localhost:8123", "127.0.0.1:8123", "127.9.9.9:1", "[::1]:8123"])
def test_this_machine_is_no_endpoint_in_the_cloud(settings, value):
    settings.IN_CLOUD, settings.CLOUD_TASKS_ENDPOINT = True, value
    assert ids(endpoint()) == ["dashboard.E001"]


@pytest.mark.parametrize("value", ["emulator:8123", "10.0.0.5:8123"])
def test_another_s_cloud_tasks_is_warned_of_in_the_cloud(settings, value):
    settings.CLOUD_TASKS_ENDPOINT = value
    assert ids(endpoint()) == []
    settings.IN_CLOUD = True
    assert ids(endpoint()) == ["dashboard.W007"]


def test_google_is_good_in_the_cloud_with_a_project_of_one_s_own(settings):
    settings.IN_CLOUD, settings.CLOUD_TASKS_ENDPOINT = True, ""
    assert ids(endpoint()) == []
    settings.GOOGLE_CLOUD_PROJECT = "demo"
    assert ids(a_project_of_its_own()) == ["dashboard.E006"]
    settings.GOOGLE_CLOUD_PROJECT = "my-project"
    assert ids(a_project_of_its_own()) == []


def test_the_laptop_s_project_is_good_on_a_laptop(settings):
    settings.CLOUD_TASKS_ENDPOINT, settings.GOOGLE_CLOUD_PROJECT = "", "demo"
    assert ids(a_project_of_its_own()) == []
