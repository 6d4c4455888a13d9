"""How a URL goes on the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.urls import encoded


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("http://h/a b?c=ü#d", "http://h/a%20b?c=%C3%BC#d"),
        ("http://h/%zz%20", "http://h/%zz%20"),
        ("http://münchen.example:8080/ü", "http://xn--mnchen-3ya.example:8080/%C3%BC"),
        ("HTTP://FAß.example", "HTTP://xn--fa-hia.example"),
        ("http://例え.テスト?q", "http://xn--r8jz45g.xn--zckzah?q"),
        ("http://user:pässword@bücher.example/", "http://user:p%C3%A4ssword@xn--bcher-kva.example/"),
        ("http://１２７.0.0.1/", "http://127.0.0.1/"),
        ("http://[::1]/ü", "http://[::1]/%C3%BC"),
        ("http://\u00ad/", "http://%C2%AD/"),
        ("http://h\\ü/", "http://h%5C%C3%BC/"),
        ("ü", "%C3%BC"),
    ],
)  # fmt: skip
def test_what_may_not_stand_in_a_url_is_encoded(url, sent):
    assert encoded(url) == sent


@given(st.text().map("http://{}".format))
def test_any_text_becomes_a_url_of_plain_letters(url):
    assert encoded(url).isascii()
