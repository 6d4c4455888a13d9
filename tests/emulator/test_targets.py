"""Where requests may go."""

import asyncio
import ipaddress

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


def resolve(host):
    async def main():
        return await CheckedResolver(Targets()).resolve(host, 80)

    return asyncio.run(main())


@pytest.mark.parametrize("host", ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "0"])
def test_other_spellings_of_an_address_are_seen_through(host):
    with pytest.raises(TargetRefused):
        resolve(host)


def test_a_name_that_means_one_good_and_one_bad_address_is_refused(monkeypatch):
    async def both(self, host, port, family):
        return [{"host": "127.0.0.1"}, {"host": "10.0.0.7"}]

    monkeypatch.setattr("emulator.targets.ThreadedResolver.resolve", both)
    with pytest.raises(TargetRefused, match="EMULATOR_TARGETS"):
        resolve("mixed")
