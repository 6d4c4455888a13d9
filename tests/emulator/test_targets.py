"""Where requests may go."""

import asyncio
import ipaddress
import socket
import threading
from types import SimpleNamespace

import pytest

from emulator.targets import CheckedResolver, TargetRefused, Targets

LISTED = Targets(["web", "reports:8080", "10.1.2.3", "[fd00::1]"])


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/x",
        "http://127.9.9.9/",
        "https://[::1]:443/",
        "http://[::ffff:127.0.0.1]/",
        "http://localhost/",
        "http://some-name/",  # judged when it is resolved
        "http://10.1.2.3/",
        "http://[fd00::1]:99/",
    ],
)
def test_it_sends_to_loopback_and_to_listed_hosts(url):
    LISTED.check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/computeMetadata/v1/",
        "http://１６９.254.169.254/",
        "http://169。254。169。254/",
        "http://10.0.0.1/",
        "http://8.8.8.8/",
        "http://100.64.0.1/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://[fe80::1]/",
        "http://[::]/",
        "http://[fd00::2]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::1]/",
        "http://[::169.254.169.254]/",
        "http://[::ffff:169.254.169.254]/",
        "http://user:secret@127.0.0.1/",
        "http://127.0.0.1:99999/",
        "http:///nowhere",
        "http://[::1/",
    ],
)
def test_it_refuses_other_addresses_with_a_sentence(url):
    with pytest.raises(TargetRefused, match=r"^[A-Z].*\.$"):
        LISTED.check_url(url)


@pytest.mark.parametrize(
    ("host", "port", "address"),
    [
        ("web", 80, "10.0.0.7"),
        ("WEB", 1234, "10.0.0.7"),
        ("reports", 8080, "192.168.1.9"),
        ("anything", 80, "127.0.0.1"),
    ],
)
def test_a_listed_name_may_mean_any_ordinary_address(host, port, address):
    LISTED.check_address(host, port, ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("host", "port", "address"),
    [
        ("reports", 8081, "192.168.1.9"),
        ("web", 80, "169.254.169.254"),
        ("other", 80, "10.0.0.7"),
    ],
)
def test_a_name_is_refused_for_the_address_it_means(host, port, address):
    with pytest.raises(TargetRefused):
        LISTED.check_address(host, port, ipaddress.ip_address(address))


def resolve(*hosts, targets=LISTED):
    async def main():
        resolver = CheckedResolver(targets)
        return await asyncio.gather(*(resolver.resolve(host, 80) for host in hosts))

    return asyncio.run(main())


@pytest.fixture
def names(monkeypatch):
    """Answer look-ups from this table, an event in it holding one back; count them."""
    real, table, asked = socket.getaddrinfo, {}, []

    def getaddrinfo(host, port, *args, flags=0, **kwargs):
        if flags & socket.AI_NUMERICHOST:
            return real(host, port, *args, flags=flags, **kwargs)
        asked.append(host)
        if isinstance(found := table[host], threading.Event):
            found.wait(10)
            raise socket.gaierror(-3, "Temporary failure in name resolution")
        return [(0, 0, 0, "", (address, 0)) for address in found]

    monkeypatch.setattr("emulator.targets.socket.getaddrinfo", getaddrinfo)
    return SimpleNamespace(table=table, asked=asked)


@pytest.mark.parametrize("host", ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "0"])
def test_other_spellings_of_an_address_are_seen_through(host):
    with pytest.raises(TargetRefused):
        resolve(host)


def test_another_spelling_of_loopback_is_loopback():
    assert resolve("127.1")[0] == ["127.0.0.1"]


@pytest.mark.parametrize("host", ["localhost", "LocalHost.", "app.localhost"])
def test_localhost_is_both_loopbacks_and_asks_nobody(names, host):
    assert resolve(host)[0] == ["127.0.0.1", "::1"]
    assert names.asked == []


def test_a_name_that_is_not_listed_is_not_even_looked_up(names):
    with pytest.raises(TargetRefused, match="EMULATOR_TARGETS"):
        resolve("other")
    assert names.asked == []


def test_a_name_that_means_one_good_and_one_bad_address_is_refused(names):
    names.table["web"] = ["127.0.0.1", "169.254.169.254"]
    with pytest.raises(TargetRefused, match="never sent"):
        resolve("web")


def test_a_slow_name_is_given_up_and_delays_no_other(names, monkeypatch):
    monkeypatch.setattr("emulator.targets.LOOKUP_SECONDS", 0.2)
    names.table |= {"slow": (stuck := threading.Event()), "web": ["10.0.0.7"]}

    async def main():
        resolver = CheckedResolver(Targets(["slow", "web"]))
        many = [asyncio.create_task(resolver.resolve("slow", 80)) for _ in range(100)]
        await asyncio.sleep(0)
        quick = await resolver.resolve("web", 80)
        return (
            quick,
            any(each.done() for each in many),
            await asyncio.gather(*many, return_exceptions=True),
        )

    quick, done, slow = asyncio.run(main())
    stuck.set()
    assert (quick, done) == (["10.0.0.7"], False)
    assert {str(each) for each in slow} == {"no address of slow within 0.2 s"}
    assert names.asked.count("slow") == 1


def test_a_name_without_an_address_is_said_in_words(names):
    names.table["web"] = failed = threading.Event()
    failed.set()
    with pytest.raises(OSError, match=r"web has no address \(.*Temporary failure"):
        resolve("web")
