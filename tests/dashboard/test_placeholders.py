"""`{{n}}` and its like, as a table."""

import pytest
from django.core.exceptions import ValidationError

from dashboard.placeholders import check, fill, used

VALUES = {"n": "7", "city": 'São "P"/x', "a b": "2"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("", ""),
        ("no mark", "no mark"),
        ("{{n}}", "7"),
        ("a{{ n }}b{{n}}", "a7b7"),
        ("{{a b}}", "2"),
        ("{{city}}", 'São "P"/x'),
        ("{{city|json}}", '"S\\u00e3o \\"P\\"/x"'),
        ("/x?c={{ city | url }}", "/x?c=S%C3%A3o%20%22P%22%2Fx"),
        ("{{{{n}}}}", "{{n}}"),
        ('{"a": {"b": {{n}}}}', '{"a": {"b": 7}}'),
        ('{"a": {"b": 1}}', '{"a": {"b": 1}}'),
        ("{ {n} }", "{ {n} }"),
    ],
)
def test_a_text_is_filled(text, filled):
    check(text, ["city", "a b"])
    assert fill(text, VALUES) == filled


def test_what_a_value_holds_is_not_filled_again():
    assert fill("{{a}}", {"a": "{{n}}", "n": "7"}) == "{{n}}"


def test_the_names_and_filters_that_are_used_are_told():
    assert used("{{ n }} {{city|json}} {{{{x}}}}") == [("n", ""), ("city", "json")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "{{town}}",
            "Nothing fills {{town}}: there is n, uuid, time, city. "
            "To send it as it stands, write {{{{town}}}}.",
        ),
        ("{{}}", "Nothing fills {{}}"),
        ("{{N}}", "Nothing fills {{N}}"),
        ("{{city|upper}}", "{{city|upper}}: after the | comes json or url."),
    ],
)
def test_what_nothing_fills_is_refused(text, sentence):
    with pytest.raises(ValidationError) as error:
        check(text, ["city"])
    assert sentence in error.value.messages[0]
