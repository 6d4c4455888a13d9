"""Foreign bytes as text: tables, and what neither database takes."""

import json

import pytest

from receiver import text


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"Hello World", "Hello World"),
        ("Zoë 💚 你好".encode(), "Zoë 💚 你好"),
        (b"", ""),
        (b"a\nb\r\nc\td", r"a\x0ab\x0d\x0ac\x09d"),
        (b"\x00\x1b[31m\x7f", r"\x00\x1b[31m\x7f"),
        (b"\xff\xfe\x80", r"\xff\xfe\x80"),
        ("\x85\x9b".encode(), r"\x85\x9b"),
        ("\u2028\u2029".encode(), r"\u2028\u2029"),
        ("\u202e\u2066\u200f\u061c".encode(), r"\u202e\u2066\u200f\u061c"),
        ("a\u200bb\u200d\ufeff\u2060\u00ad".encode(), r"a\u200bb\u200d\ufeff\u2060\xad"),
        ("\ud800".encode("utf-8", "surrogatepass"), r"\xed\xa0\x80"),
        (rb"back\slash \x00", r"back\slash \x00"),
        (b'<script>alert("1")</script>', '<script>alert("1")</script>'),
    ],
)
def test_bytes_as_one_line(data, shown):
    assert text.one_line(data, 1000) == shown
    assert len(text.one_line(data, 1000).splitlines()) <= 1


@pytest.mark.parametrize(
    ("limit", "shown"),
    [
        (0, "... (5 bytes)"),
        (1, "a... (5 bytes)"),
        (2, "a... (5 bytes)"),  # not half a character
        (3, "aé... (5 bytes)"),
        (4, "aé... (5 bytes)"),
        (5, "aéé"),
    ],
)
def test_a_line_is_cut_between_characters(limit, shown):
    assert text.one_line("aéé".encode(), limit) == shown


def test_an_empty_body_that_must_not_reach_the_log():
    assert text.one_line(b"", 0) == "... (0 bytes)"


def test_lines_may_be_kept():
    assert text.head(b"a\n\tb\x00", 100, keep="\n\t") == "a\n\tb\\x00"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Zo\xc3\xab", "Zoë"),  # UTF-8 in WSGI's Latin-1
        ("\xff", r"\xff"),
        ("\ud800", r"\ud800"),
        ("你", "你"),
    ],
)
def test_a_wsgi_string_as_text(value, shown):
    assert text.from_wsgi(value) == shown


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"a":1,"b":"\\u00e9"}', '{"a":1,"b":"é"}'),
        (b'{"a":"x\\u0000y\\n\\u0022\\u005c"}', r'{"a":"x\u0000y\n\u0022\u005c"}'),
        (b'{"a":"\\ud83d\\ude00 \\ud800 \\u202ex"}', r'{"a":"😀 \ud800 \u202ex"}'),
        (rb'{"path":"C:\\u00e9","url":"http:\/\/x"}', r'{"path":"c:\\u00e9","url":"http://x"}'),
        (b'{\n  "Total": 1.50,\n  "tags": [ "a", "b" ]\n}', '{"total":1.50,"tags":["a","b"]}'),
        (b'{"a":NaN}', '{"a":nan}'),
        ("NAI\u0308VE Straße".encode(), "naïve strasse"),
        (b"one\n\ttwo  three", "one two three"),
        (b"a\x00b\xff", r"a\x00b\xff"),
        (b"{not json", "{not json"),
        (b"", ""),
    ],
)
def test_what_a_search_looks_at(body, found):
    assert text.searchable(body) == found
    assert text.spelled(found) == found


@pytest.mark.parametrize(
    "typed", ["na\u00efve", "NAÏVE", r"na\u00efve", 'a": "naïve"', '"a":"naïve"', '{ "a" : "n']
)
def test_words_are_spelled_as_what_they_are_looked_for_in(typed):
    assert text.spelled(typed) in text.searchable(b'{\n "a": "na\\u00efve"\n}')


@pytest.mark.parametrize(
    "bomb", [b"[" * 100_000, b'{"a":' * 50_000, b"[" + b"9" * 5000 + b"]", b"\\u" * 50_000]
)
def test_bombs_are_just_text(bomb):
    assert len(text.searchable(bomb)) <= text.SEARCH_CHARACTERS


def test_what_a_search_looks_at_is_bounded():
    assert len(text.searchable(json.dumps(["word"] * 100_000).encode())) == text.SEARCH_CHARACTERS
    assert len(text.searchable(b"\x00" * 100_000)) == text.SEARCH_CHARACTERS


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"short", "short"),
        (b"two\nlines", "two lines"),
        (b"x" * 160, "x" * 160),
        (b"x" * 161, "x" * 159 + "…"),
        ("é".encode() * 5000, "é" * 159 + "…"),
        (b"\x00" * 5000, (r"\x00" * 40)[:159] + "…"),
    ],
)
def test_a_preview_has_160_characters_at_most(body, shown):
    assert text.preview(body) == shown
