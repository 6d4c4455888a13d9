"""Sixteen presses of the button at once, and a form too large, against the real thing."""

import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

import pytest

from tests.stack import PASSWORD


class Person:
    """Somebody who is logged in, with cookies and the forms' tokens."""

    def __init__(self, url: str) -> None:
        self.url = url
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        self.opener = urllib.request.build_opener(cookies)
        self.send("/admin/login/", username="admin", password=PASSWORD)

    def read(self, path: str) -> str:
        with self.opener.open(self.url + path, timeout=30) as answer:
            return answer.read().decode()

    def send(self, path: str, **fields: str) -> str:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.read(path))[1]
        return self.post(path, csrfmiddlewaretoken=token, **fields)

    def post(self, path: str, **fields: str) -> str:
        data = urllib.parse.urlencode(fields).encode()
        with self.opener.open(self.url + path, data, timeout=60) as answer:
            return answer.url


def test_sixteen_parallel_posts_of_one_form_are_one_task(stack):
    person = Person(stack.web.url)
    form = person.read("/enqueue/")
    fields = {
        name: re.search(rf'name="{name}" value="(\w+)"', form)[1]
        for name in ("csrfmiddlewaretoken", "submission")
    }
    fields |= {"queue": "default", "url": f"{stack.web.url}/receive/once", "body": "once"}
    gate, pages = threading.Barrier(16), []

    def press() -> None:
        gate.wait()
        pages.append(person.post("/enqueue/", **fields))

    presses = [threading.Thread(target=press) for _ in range(16)]
    for thread in presses:
        thread.start()
    for thread in presses:
        thread.join()
    assert len(pages) == 16
    assert len(set(pages)) == 1
    assert re.search(r"/tasks/\d+/$", pages[0])
    rows = stack.web.rows(
        "SELECT answer FROM dashboard_senttask WHERE submission = ?", [fields["submission"]]
    )
    assert rows == [("created",)]


@pytest.mark.parametrize("megabytes", [9, 30])
def test_a_form_too_large_to_be_read_is_answered_not_cut_off(stack, megabytes):
    person = Person(stack.web.url)
    with pytest.raises(urllib.error.HTTPError) as refused:
        person.post("/enqueue/", body="x" * megabytes * 2**20)
    assert refused.value.code == 413
    assert "--body-file" in refused.value.read().decode()
