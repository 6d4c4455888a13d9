"""Received bytes stay text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import inert


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("a\0b\x1b[31m", "a\\x00b\\x1b[31m"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("\ud83d", "\\ud83d"),
        ("naïve ☕", "naïve ☕"),
    ],
)
def test_hidden_characters_become_visible(text, shown):
    assert inert.visible(text) == shown


@given(st.binary(max_size=500))
def test_any_bytes_can_be_shown_and_sent(body):
    for text in (inert.raw(body), inert.hexdump(body), inert.pretty(body) or ""):
        assert "\0" not in text
        text.encode()


def test_raw_is_cut_at_64_kib_and_hex_at_16():
    assert len(inert.raw(b"x" * 100_000)) == 65_536
    assert len(inert.hexdump(b"x" * 100_000).splitlines()) == 1024


def test_hex_has_offset_bytes_and_signs():
    assert inert.hexdump(b"\x00\xffHello <b>!\n.") == (
        "00000000  00 ff 48 65 6c 6c 6f 20  3c 62 3e 21 0a 2e        ..Hello <b>!.."
    )


def test_json_is_indented_and_its_text_escaped():
    html = inert.pretty(b'{"a": "<script>alert(1)</script>", "n": 12345678901234567890}')
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "12345678901234567890" in html


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"plain",
        b"\xff\xfe{}",
        b"[" * 100_000,
        b"1" * 5000,
        json.dumps("x" * inert.PRETTY_BYTES).encode(),
    ],
)
def test_what_is_no_reasonable_json_is_not_pretty(body):
    assert inert.pretty(body) is None


def test_a_lone_surrogate_in_json_cannot_break_the_page():
    assert "\\ud83d" in inert.pretty(b'{"a": "\\ud83d"}')
