"""The cache of certificates: how often it asks, what it keeps."""

import socket
import threading
import time

import pytest

from receiver import certificates
from receiver.certificates import Certificates, Unreachable
from tests.receiver.issuer import pem


class Clock:
    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


class Source:
    """Stands for the issuer: counts the questions, fails when told to."""

    def __init__(self):
        self.asked = 0
        self.keys = {"a": "PEM A"}
        self.life = 600.0
        self.down = False

    def fetch(self, url):
        self.asked += 1
        if self.down:
            raise OSError("down")
        return dict(self.keys), self.life


@pytest.fixture
def clock(monkeypatch):
    found = Clock()
    monkeypatch.setattr(certificates, "time", found)
    return found


@pytest.fixture
def source(monkeypatch):
    found = Source()
    monkeypatch.setattr(certificates, "fetch", found.fetch)
    return found


URL = "https://issuer.example/certs"


def test_it_asks_once_for_as_long_as_max_age_says(clock, source):
    kept = Certificates()
    assert [kept.get(URL, "a") for _ in range(20)] == ["PEM A"] * 20
    clock.now += 599
    assert kept.get(URL, "a") == "PEM A"
    assert source.asked == 1
    clock.now += 2
    assert kept.get(URL, "a") == "PEM A"
    assert source.asked == 2


def test_an_unknown_key_asks_at_most_every_30_seconds(clock, source):
    kept = Certificates()
    assert kept.get(URL, "b") is None
    assert kept.get(URL, "b") is None
    clock.now += 29
    source.keys["b"] = "PEM B"
    assert kept.get(URL, "b") is None
    assert source.asked == 1
    clock.now += 2
    assert kept.get(URL, "b") == "PEM B"
    assert source.asked == 2


def test_a_key_that_was_withdrawn_is_gone_after_max_age(clock, source):
    kept = Certificates()
    kept.get(URL, "a")
    source.keys = {"b": "PEM B"}
    clock.now += 601
    assert kept.get(URL, "a") is None


def test_stale_keys_are_kept_while_the_issuer_is_down(clock, source):
    kept = Certificates()
    kept.get(URL, "a")
    source.down = True
    clock.now += 100_000
    assert kept.get(URL, "a") == "PEM A"
    with pytest.raises(Unreachable):
        kept.get(URL, "b")


def test_a_failure_is_not_repeated_at_once_and_heals(clock, source):
    kept = Certificates()
    source.down = True
    for _ in range(20):
        with pytest.raises(Unreachable):
            kept.get(URL, "a")
    assert source.asked == 1
    source.down = False
    clock.now += certificates.FAILED_PAUSE
    assert kept.get(URL, "a") == "PEM A"


def test_an_unknown_key_asks_a_dead_issuer_no_more_often(clock, source):
    kept = Certificates()
    source.life = 1000.0
    kept.get(URL, "a")
    source.down = True
    for seconds in (31, 10, 10, 10, 5):
        clock.now += seconds
        with pytest.raises(Unreachable):
            kept.get(URL, "b")
    assert kept.get(URL, "a") == "PEM A"
    assert source.asked == 3


def test_another_url_starts_anew(clock, source):
    kept = Certificates()
    kept.get(URL, "a")
    source.keys = {"a": "PEM OTHER"}
    assert kept.get("https://other.example/certs", "a") == "PEM OTHER"


def test_many_threads_ask_once(monkeypatch):
    barrier, asked = threading.Barrier(8), []

    def fetch(url):
        asked.append(url)
        return {"a": "PEM A"}, 600.0

    monkeypatch.setattr(certificates, "fetch", fetch)
    kept, found = Certificates(), []

    def get():
        barrier.wait()
        found.append(kept.get(URL, "a"))

    threads = [threading.Thread(target=get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["PEM A"] * 8
    assert asked == [URL]


def test_known_keys_do_not_wait_for_a_renewal(monkeypatch, clock):
    inside, leave = threading.Event(), threading.Event()
    answers = [{"a": "PEM A"}]

    def fetch(url):
        if answers:
            return answers.pop(), 600.0
        inside.set()
        assert leave.wait(10)
        return {"a": "PEM NEW"}, 600.0

    monkeypatch.setattr(certificates, "fetch", fetch)
    kept = Certificates()
    kept.get(URL, "a")
    clock.now += 601
    renewing = threading.Thread(target=kept.get, args=(URL, "a"))
    renewing.start()
    assert inside.wait(10)
    assert kept.get(URL, "a") == "PEM A"
    leave.set()
    renewing.join()
    assert kept.get(URL, "a") == "PEM NEW"


@pytest.mark.parametrize(("max_age", "life"), [(3600, 3600.0), (0, 60.0), (999_999_999, 86400.0)])
def test_max_age_is_kept_within_bounds(issuer, max_age, life):
    issuer.max_age = max_age
    assert certificates.fetch(f"{issuer.url}/certs") == ({"kid-1": pem("one")}, life)


def test_a_redirect_is_not_followed(issuer):
    issuer.answer = (302, b"")
    with pytest.raises(OSError, match="302") as caught:
        certificates.fetch(f"{issuer.url}/certs")
    caught.value.close()
    assert issuer.fetches == 1


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/certs", "data:,{}"])
def test_no_other_scheme_is_opened(url):
    with pytest.raises((OSError, ValueError)):
        certificates.fetch(url)


def test_a_key_of_another_kind_is_left_out(issuer):
    issuer.certificates["bad"] = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
    assert list(certificates.fetch(f"{issuer.url}/certs")[0]) == ["kid-1"]


def test_an_issuer_that_says_nothing_is_given_up_after_3_seconds(monkeypatch):
    """The limit is looked at where it is handed over; a silent socket shows that it is kept."""
    assert certificates.TIMEOUT == 3.0
    monkeypatch.setattr(certificates, "TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/certs"
        began = time.monotonic()
        with pytest.raises(Unreachable):
            Certificates().get(url, "kid-1")
        assert time.monotonic() - began < 2
