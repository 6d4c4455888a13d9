"""What an attempt says of a target with which there is no TLS."""

import pytest

from tests.emulator.control import Asker
from tests.emulator.test_sending import Quiet, https_url, private_ca  # noqa: F401  fixtures
from tests.processes import eventually


@pytest.fixture
def said(emulator, queue, send):
    """Return what the first attempt of a task for a URL says."""

    def said(url):
        name = send(queue, url).name
        ask = Asker(emulator.http_url)

        def error():
            (attempt, *_) = ask.get("tasks/attempts", name=name)[1]["attempts"] or [{"error": ""}]
            return attempt["error"]

        return eventually(error)

    return said


def test_plain_http_under_https_is_said(said, target):
    url = target.url.replace("http://", "https://")
    assert said(url) == (
        "No TLS with the target: it answers without, so the URL may have to begin with http://."
    )


def test_a_certificate_that_nobody_knows_is_said(said, https_url):  # noqa: F811
    assert said(https_url).startswith(
        "No TLS with the target: its certificate is not trusted (self-signed certificate"
    )
