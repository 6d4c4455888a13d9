"""Rows of CSV and JSONL: what they say, and what is wrong with a row or with the whole file."""

import json

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from dashboard import uploads
from dashboard.uploads import copies, read


def csv_rows(text):
    upload = read("csv", text if isinstance(text, bytes) else text.encode())
    return upload.columns, [json.loads(values) for values, _ in upload.rows]


def test_a_csv_is_read_as_spreadsheets_write_it():
    text = '\ufeffcity, note \r\nBerlin,"a ""b"", c"\r\n\r\nSão Paulo,"two\nlines"\r\n'
    assert csv_rows(text) == (
        ["city", "note"],
        [["Berlin", 'a "b", c'], ["São Paulo", "two\nlines"]],
    )


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_columns_are_separated_by_what_the_first_line_has(sign):
    columns, rows = csv_rows(f'a{sign}"b,"{sign}c\n1{sign}2{sign}3\n')
    assert (columns, rows) == (["a", "b,", "c"], [["1", "2", "3"]])


def test_a_row_with_other_fields_than_columns_is_named_and_the_others_stand():
    upload = read("csv", b"a,b\n1,2\n1\n1,2,3\n")
    assert [faults for _, faults in upload.rows] == [
        [],
        [["", "Fields: 1; columns in the first line: 2."]],
        [["", "Fields: 3; columns in the first line: 2."]],
    ]


def test_jsonl_is_read_line_by_line_with_what_is_wrong():
    lines = [
        '{"url": "http://localhost:8080/x", "body": {"a": "\u2028"}}',
        "",
        "{",
        "[1]",
        '{"color": "red"}',
        '{"body": 5}',
        '{"audience": "x"}',
        '{"headers": ["A: 1\\nB: 2"]}',
        '{"headers": {"A": "1"}}',
    ]
    upload = read("jsonl", "\n".join(lines).encode())
    assert upload.rows[0] == (lines[0], [])
    assert upload.rows[-1] == (lines[-1], [])
    (not_json, no_object, key, body, audience, header) = [faults for _, faults in upload.rows[1:-1]]
    assert not_json[0][0] == ""
    assert not_json[0][1].startswith("Not JSON: ")
    assert no_object == [["", "Not a JSON object."]]
    assert key == [["", "Unknown key 'color'."]]
    assert body == [["body", "body is not text."]]
    assert audience == [["audience", "The audience is not chosen: it follows from the URL."]]
    assert header == [["headers", "A header is one line."]]


@pytest.mark.parametrize(
    ("kind", "data", "sentence"),
    [
        ("csv", b"", "The first line names the columns; it is empty."),
        ("csv", b"\n\n", "The first line names the columns; it is empty."),
        ("csv", b"a,b\n", "There is no row in it."),
        ("csv", b"a,,c\n1,2,3\n", "Column 2 has no name in the first line."),
        ("csv", b"a,b,a\n1,2,3\n", "Two columns are called a."),
        (
            "csv",
            b"a,{b}\n1,2\n",
            "'{b}': a column's name has no braces, no | and no hidden characters.",
        ),
        (
            "csv",
            b"a\0\n1\n",
            "'a\\x00': a column's name has no braces, no | and no hidden characters.",
        ),
        (
            "csv",
            "a\n1".encode("utf-16"),
            "UTF-16, as Excel's Unicode Text has it. Save it as CSV UTF-8.",
        ),
        ("csv", b'a\n"1\n', "Not CSV, in line 2: unexpected end of data."),
        ("csv", b'a\n"1"2\n', "Not CSV, in line 2: ',' expected after '\"'."),
        ("csv", "a\n1\nü".encode("latin-1"), "Not UTF-8: byte 0xfc in line 3. Save it as UTF-8."),
        ("jsonl", b" \n", "There is no row in it."),
        ("jsonl", b"\xff", "Not UTF-8: byte 0xff in line 1. Save it as UTF-8."),
    ],
)
def test_a_file_that_is_no_use_is_refused(kind, data, sentence):
    with pytest.raises(ValidationError) as error:
        read(kind, data)
    assert error.value.messages == [sentence]


def test_the_limits_are_held(monkeypatch):
    monkeypatch.setattr(uploads, "ROWS", 3)
    monkeypatch.setattr(uploads, "BYTES", 20)
    assert len(read("csv", b"a\n1\n2\n3\n").rows) == len(copies(3).rows) == 3
    with pytest.raises(ValidationError, match="More than 3 rows, which is the most"):
        read("jsonl", b"{}\n{}\n{}\n{}\n")
    with pytest.raises(ValidationError, match="21 bytes; an upload may have 20"):
        read("csv", b"a" * 21)


@given(
    kind=st.sampled_from(["csv", "jsonl"]),
    data=st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode(errors="replace")),
)
def test_any_bytes_are_read_or_refused_in_a_sentence(kind, data):
    try:
        rows = read(kind, data).rows
    except ValidationError as error:
        rows = [("", [["", error.messages[0]]])]
    assert rows
    assert all(values or faults[0][1].strip() for values, faults in rows)
