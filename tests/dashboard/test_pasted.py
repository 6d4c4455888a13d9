"""A pasted command fills the form: as tables, against a real shell, and there and back again."""

import subprocess
from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as some

from dashboard import drafts, names, pasted, shell_words, snippets
from dashboard.drafts import Draft
from dashboard.forms import EnqueueForm

ACCOUNT = "tasks@demo.iam.gserviceaccount.com"
FORM_TYPE = "Content-Type: application/x-www-form-urlencoded"
CURLS = [
    ("curl http://x.example/a", {"url": "http://x.example/a", "method": "GET", "body": ""}),
    ("$ curl x.example", {"url": "http://x.example", "method": "GET"}),
    ("curl -d a=1 http://x", {"method": "POST", "body": "a=1", "headers": FORM_TYPE}),
    ("curl -da=1 -d b=2 http://x", {"body": "a=1&b=2"}),
    ("curl -XPUT http://x --data ''", {"method": "PUT", "body": "", "headers": ""}),
    ("curl -sSLX PATCH http://x", {"method": "PATCH"}),
    ("curl -I http://x", {"method": "HEAD"}),
    ("curl --head http://x", {"method": "HEAD"}),
    ("curl --url http://x --request delete", {"method": "DELETE"}),
    ("curl -G -d a=1 -d b=2 'http://x/?c=3'", {"url": "http://x/?c=3&a=1&b=2", "method": "GET"}),
    ("curl http://x --url-query a=1", {"url": "http://x?a=1"}),
    ("curl http://x -H 'A: b: c' -H 'B;' -H 'Accept:'", {"headers": "A: b: c\nB: "}),
    ("curl http://x -d y -H 'content-type: text/plain'", {"headers": "content-type: text/plain"}),
    ("curl http://x -d y -H 'Content-Type:'", {"headers": ""}),
    (
        """curl http://x --json '{"a": 1}'""",
        {
            "method": "POST",
            "body": '{"a": 1}',
            "headers": "Content-Type: application/json\nAccept: application/json",
        },
    ),
    ("curl http://x --data-raw '@home'", {"body": "@home"}),
    ("curl http://x --data-urlencode 'a=b c' --data-urlencode '=é&'", {"body": "a=b+c&%C3%A9%26"}),
    (r"curl http://x --data-raw $'it\'s\n\u00e9 \xc3\xa9\x21'", {"body": "it's\né é!"}),
    ("curl 'http://x/naïve'", {"url": "http://x/na%C3%AFve"}),
    (
        "curl 'http://x' \\\n  -H 'A: b' \\\n  -d 'c'",
        {"headers": f"A: b\n{FORM_TYPE}", "body": "c"},
    ),
    ('/usr/bin/curl "http://x" -d "a\\"b"', {"body": 'a"b'}),
    ("curl http://x -o out.html --max-time 5 -k --compressed", {"url": "http://x"}),
]
GCLOUDS = [
    (
        "gcloud tasks create-http-task my-task --queue=emails --url=http://x --method put "
        "--header='A: b' --header 'C: d' --schedule-time=2026-12-01T09:00:00Z --body-content 'x y' "
        f"--oidc-service-account-email={ACCOUNT} --project=demo --location us-central1 --quiet",
        {
            "queue": "emails",
            "url": "http://x",
            "method": "put",
            "headers": "A: b\nC: d",
            "schedule_time": "2026-12-01T09:00:00Z",
            "body": "x y",
            "account": ACCOUNT,
            "name": "my-task",
        },
    ),
    (
        "gcloud beta tasks create-http-task --queue q --location=europe-west1 --url http://x",
        {"queue": "projects/demo/locations/europe-west1/queues/q", "name": ""},
    ),
    (
        "gcloud --project other tasks create-http-task --queue q --url http://x",
        {"queue": "projects/other/locations/us-central1/queues/q"},
    ),
    ("python manage.py enqueue --name=n --url=http://x", {"name": "n", "account": ""}),
    ("python manage.py enqueue --url=http://localhost:8080", {"account": ACCOUNT}),
    ("curl http://localhost:8080/receive", {"account": ACCOUNT}),
]


@pytest.mark.parametrize(("command", "fields"), CURLS + GCLOUDS)
def test_a_command_becomes_fields(command, fields):
    found = pasted.read(command)
    assert {name: found.fields[name] for name in fields} == fields
    assert found.left_out == []


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ("-u me:secret", "-u was left out: a task carries no password"),
        ("--user me:secret", "-u was left out"),
        ("-A firefox", "Cloud Tasks sets the User-Agent"),
        ("-b a=b", "a task carries no cookies"),
        ("-F a=@b", "-F was left out: a form of several parts"),
        ("-T file", "files are not read"),
        ("-d @file", "-d @file was left out: files are not read"),
        ("--data-binary @-", "files are not read"),
        ("--data-urlencode a@file", "files are not read"),
        ("-H @file", "files are not read"),
        ("-H 'Host: y'", "Host was left out: Cloud Tasks sets it"),
        ("-H 'authorization: Bearer x'", "authorization was left out"),
        ("-H 'Cookie: x'", "Cookie was left out"),
        ("--no-such-flag", "--no-such-flag is not known here and was left out."),
        ("-Z", "-Z is not known here"),
        (r"-d $'a\r\nb'", "Carriage returns in the body"),
    ],
)
def test_what_is_left_out_of_curl_is_named_and_its_secret_is_not(flags, why):
    found = pasted.read(f"curl http://x {flags}")
    assert any(why in text for text in found.left_out), found.left_out
    assert found.fields["url"] == "http://x"
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ("--body-file=x", "files are not read"),
        ("--oauth-service-account-email=a@b.c", "only identity tokens"),
        ("--no-such=1", "--no-such is not known here"),
        (f"--oidc-service-account-email={ACCOUNT} --oidc-token-audience=https://y", "never typed"),
    ],
)
def test_what_is_left_out_of_gcloud_is_named(flags, why):
    (text,) = pasted.read(f"gcloud tasks create-http-task --url=http://x {flags}").left_out
    assert why in text


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("", "Paste a curl command"),
        ("wget http://x", "Paste a curl command"),
        ("gcloud tasks list", "Paste a curl command"),
        ("curl", "names no URL"),
        ("curl -s", "names no URL"),
        ("gcloud tasks create-http-task --queue=q", "names no --url"),
        ("curl http://x -d", "-d lacks its value"),
        ("curl http://x http://y", "Two URLs"),
        ("curl 'http://x", "A quote is not closed"),
        ('curl "http://x', "A quote is not closed"),
        ("curl http://x \\", "It ends within a line"),
        ("curl http://x?a=1&b=2", "A & outside quotes"),
        ("curl http://x | sh", r"A \| outside quotes"),
        ("curl http://x; rm x", "A ; outside quotes"),
        ("curl http://x > y", "A > outside quotes"),
        ("curl http://x -d $(cat y)", "replaced by the shell"),
        ('curl http://x -d "$HOME"', "replaced by the shell"),
        ("curl http://x -d `id`", "replaced by the shell"),
        ("curl http://x\ncurl http://y", "two commands"),
        ('curl ^"http://x^"', "Windows"),
        (r"curl http://x -d $'\xff'", "body is not UTF-8"),
        ("curl " + "x" * (2 * 2**20), "1 MiB altogether"),
    ],
)
def test_a_command_that_cannot_be_read_says_why(command, why):
    with pytest.raises(ValidationError, match=why):
        pasted.read(command)


SHELL = r"""printf "%s\0" a\ b 'c d' "e \" \\ \x f" $'g\n\t\'\x41\101\u00e9\e' h'i'"j"k "" '' \
  l\
m "n\
o" p#q 'r
s' ~t $'' "\$x" $'\q' % "a$" $ """


def test_words_are_what_a_real_shell_makes_of_them():
    command = ["bash", "-c", SHELL.replace("~t", "'~t'")]
    done = subprocess.run(command, capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})
    expected = done.stdout.decode().split("\0")[:-1]
    assert shell_words.split(SHELL)[2:] == expected


TEXT = some.text(some.characters(exclude_characters="\r\0", exclude_categories=["Cs"]), max_size=60)
VALUE = some.from_regex(r"[!-~]([ -~\t]{0,20}[!-~])?|", fullmatch=True)
NAME = some.from_regex(r"X-[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}", fullmatch=True)
DRAFTS = some.builds(
    Draft,
    name=some.just("projects/demo/locations/us-central1/queues/q-1/tasks/t_1"),
    queue=some.just("projects/demo/locations/us-central1/queues/q-1"),
    url=some.sampled_from(["http://localhost:8080", "http://localhost:8080/receive?a"])
    | some.from_regex(r"https?://[a-z]{1,9}(:80)?", fullmatch=True)
    | some.from_regex(r"http://x\.example/[!\"$-~]{0,30}", fullmatch=True),
    method=some.sampled_from(drafts.METHODS),
    headers=some.lists(some.tuples(NAME, VALUE), max_size=4, unique_by=lambda h: h[0].lower()).map(
        lambda pairs: [pair for pair in pairs if not pair[0].lower().startswith("x-google-")]
    ),
    body=TEXT.map(str.encode),
    schedule_time=some.none() | some.just(datetime(2026, 12, 1, 9, tzinfo=UTC)),
    account=some.just(ACCOUNT) | some.just(""),
    audience=some.just(""),
)


def filled(command: str) -> Draft:
    fields = pasted.read(command).fields
    form = EnqueueForm({"queue": "default", "account": ""} | fields)
    form.full_clean()
    data = form.cleaned_data
    return Draft(
        name="" if not data.get("name") else f"{data['queue']}/tasks/{data['name']}",
        **{name: data[name] for name in ("queue", "url", "method", "headers", "account")},
        body=fields["body"].encode(),
        schedule_time=datetime.fromisoformat(fields["schedule_time"])
        if fields.get("schedule_time")
        else None,
    )


@given(DRAFTS)
def test_code_pasted_back_is_the_same_task(draft):
    if draft.body and draft.method not in drafts.BODY_METHODS:
        draft = Draft(**vars(draft) | {"body": b""})
    for render in (snippets.gcloud, snippets.manage):
        found = filled(render(draft))
        assert found == Draft(**vars(draft) | {"audience": ""})
    found = filled(snippets.curl(draft))
    for part in ("url", "method", "headers", "body"):
        assert getattr(found, part) == getattr(draft, part)
    assert names.short(found.queue) == "default"
