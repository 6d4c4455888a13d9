"""What a file of queues may hold, and what --queue may; each mistake names its line and key."""

from itertools import pairwise

import pytest

from emulator.declared import BadSetting, from_option
from emulator.names import full_queue_name
from emulator.queue_file import BadQueueFile, QueueFile, parse
from emulator.queue_yaml import per_second

PARENT = "projects/p/locations/l/queues"


def complete(name):
    return full_queue_name(name, "p", "l")


def read(text):
    return parse(text, "q.yaml", complete)


def test_our_file_in_googles_spelling():
    mail, whole, bare = read("""
queues:
  - name: mail
    rate_limits: {max_dispatches_per_second: 5, max_concurrent_dispatches: 2}
    retry_config:
      max_attempts: 3
      min_backoff: 1.5s
      max_backoff: 60
    state: paused
  - name: projects/a/locations/b/queues/whole
    rateLimits:
      maxDispatchesPerSecond: 0.5
      maxBurstSize: 99   # output only: pasted from `describe`
    retryConfig: {minBackoff: 0.1s, maxRetryDuration: 3600s}
    httpTarget:
      uriOverride: {host: h, scheme: HTTP, port: 8080, pathOverride: {path: /p}}
      httpMethod: PUT
      headerOverrides:
        - header: {key: X-A, value: b}
      oidcToken: {serviceAccountEmail: a@b.c}
  - bare
""")
    assert (mail.name, mail.state, mail.paths) == (f"{PARENT}/mail", "PAUSED", None)
    assert mail.settings.rate_limits.max_dispatches_per_second == 5
    assert mail.settings.rate_limits.max_concurrent_dispatches == 2
    assert mail.settings.retry_config.max_attempts == 3
    assert mail.settings.retry_config.min_backoff.ToMilliseconds() == 1500
    assert mail.settings.retry_config.max_backoff.seconds == 60
    assert (whole.name, whole.state) == ("projects/a/locations/b/queues/whole", "")
    assert whole.settings.retry_config.max_retry_duration.seconds == 3600
    target = whole.settings.http_target
    assert (target.uri_override.host, target.uri_override.port) == ("h", 8080)
    assert target.uri_override.path_override.path == "/p"
    assert target.http_method == 4
    assert target.header_overrides[0].header.key == "X-A"
    assert target.oidc_token.service_account_email == "a@b.c"
    assert bare.name == f"{PARENT}/bare"
    assert bare.settings.ByteSize() == 0


def test_googles_queue_yaml():
    first, second, third, paused = read("""
total_storage_limit: 120M
queue:
- name: first
  rate: 5/s
  bucket_size: 40
  max_concurrent_requests: 10
  target: v1.worker
  mode: push
  retry_parameters:
    task_retry_limit: 7
    task_age_limit: 2d
    min_backoff_seconds: 10
    max_backoff_seconds: 200.5
    max_doublings: 3
- name: second
  rate: 30/m
  target: worker
- name: third
  rate: /d
  retry_parameters: {task_retry_limit: 0}
- {name: paused, rate: 0/s}
""")
    assert (first.name, first.state, first.bucket_size) == (f"{PARENT}/first", "RUNNING", 40)
    limits, retry = first.settings.rate_limits, first.settings.retry_config
    assert (limits.max_dispatches_per_second, limits.max_concurrent_dispatches) == (5, 10)
    assert (retry.max_attempts, retry.max_doublings) == (8, 3)  # seven retries after the first
    assert retry.max_retry_duration.seconds == 2 * 86400
    assert (retry.min_backoff.seconds, retry.max_backoff.ToMilliseconds()) == (10, 200500)
    routing = first.settings.app_engine_routing_override
    assert (routing.service, routing.version) == ("worker", "v1")
    assert second.settings.rate_limits.max_dispatches_per_second == 0.5
    assert second.settings.retry_config.max_attempts == -1
    assert second.bucket_size == 5
    assert second.settings.app_engine_routing_override.service == "worker"
    assert third.settings.rate_limits.max_dispatches_per_second == pytest.approx(1 / 86400)
    assert third.settings.retry_config.max_attempts == 1
    assert paused.state == "PAUSED"


@pytest.mark.parametrize(
    ("rate", "dispatches"),
    [("5/s", 5), ("10/m", 1 / 6), ("1/h", 1 / 3600), ("/d", 1 / 86400), ("0.5/s", 0.5), (0, 0)],
)
def test_rates(rate, dispatches):
    assert per_second(rate, ()) == pytest.approx(dispatches)


MISTAKES = {
    "nothing": ("", "line 1: no list under `queues:`, nor a queue.yaml's under `queue:`."),
    "text": ("hello", "line 1: no list under `queues:`"),
    "both": ("queue: []\nqueues: []", "line 1: no list under `queues:`"),
    "no YAML": ("queues:\n  - name: [a\n", "line 3: no YAML: "),
    "control": ("queues: \x01", "line 1: no YAML: "),
    "tag": ("queues:\n- name: !!python/object:os.system x", "line 2: no YAML: "),
    "no list": ("queues:\n  name: a", "line 1: must be a list of queues, each with a name."),
    "beside": ("queues: []\nqueus: []", "line 2: queus does not belong beside queues."),
    "no name": ("queues:\n- rate_limits: {}", "line 2: needs a name."),
    "number": ("queues:\n- 5", "line 2: needs a name."),
    "bad name": ("queues:\n- name: a_b", f"line 2: name: '{PARENT}/a_b' is no name of a queue."),
    "twice": (
        "queues:\n- name: a\n- name: b\n- name: a",
        f"line 4: name: {PARENT}/a is there twice.",
    ),
    "aliases of aliases": (
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in pairwise("abcdefgh")),
        "line 1: more than 100000 keys, counting those behind aliases.",
    ),
    "key in two spellings": (
        "queues:\n- name: a\n  rate_limits: {}\n  rateLimits: {}",
        "line 4: rateLimits: is there twice, in two spellings.",
    ),
    "key twice": ("queues:\n- name: a\n  name: b", "line 3: name is there twice."),
    "unknown key": (
        "queues:\n- name: a\n  rate_limits:\n    max_dispatches: 5",
        "line 4: rate_limits.max_dispatches: is no setting of a queue.",
    ),
    "no number": (
        "queues:\n- name: a\n  retry_config:\n    max_attempts: many",
        "line 4: retry_config.max_attempts: cannot be 'many'.",
    ),
    "no duration": (
        "queues:\n- name: a\n  retryConfig:\n    minBackoff: 5m",
        "line 4: retryConfig.minBackoff: cannot be '5m', write seconds as 5s.",
    ),
    "no settings": (
        "queues:\n- name: a\n  retry_config: 5",
        "line 3: retry_config: must be settings with a name each.",
    ),
    "state": (
        "queues:\n- name: a\n  state: stopped",
        "line 3: state: 'stopped' is none of RUNNING, PAUSED, DISABLED.",
    ),
    "out of range": (
        "queues:\n- name: b\n- name: a\n  rate_limits:\n    max_dispatches_per_second: 501",
        "line 5: RateLimits.maxDispatchesPerSecond must be less than or equal to 500.",
    ),
    "http_target": (
        "queues:\n- name: a\n  http_target: {uri_override: {port: 5}}",
        "line 2: UriOverride.host cannot be empty.",
    ),
    "no rate": ("queue:\n- name: a", "line 2: rate: None is no rate: write 5/s, 10/m, 1/h or"),
    "bad rate": ("queue:\n- name: a\n  rate: 5", "line 3: rate: 5 is no rate: write 5/s"),
    "pull": (
        "queue:\n- name: a\n  mode: pull",
        "line 3: mode: only push queues are served.",
    ),
    "queue.yaml key": (
        "queue:\n- name: a\n  rate: 1/s\n  rate_limits: {}",
        "line 4: rate_limits: is no setting of a push queue in a queue.yaml.",
    ),
    "retry key": (
        "queue:\n- name: a\n  rate: 1/s\n  retry_parameters:\n    max_attempts: 5",
        "line 5: retry_parameters.max_attempts: is no setting of a push queue",
    ),
    "negative": (
        "queue:\n- name: a\n  rate: 1/s\n  bucket_size: -1",
        "line 4: bucket_size: -1 is no whole number from 0 up.",
    ),
    "age": (
        "queue:\n- name: a\n  rate: 1/s\n  retry_parameters:\n    task_age_limit: 5",
        "line 5: retry_parameters.task_age_limit: 5 is no age: write 30s, 5m or 2d.",
    ),
    "itself": ("queues: &a\n- *a", "line 1: it holds itself, or is nested too deeply."),
}


@pytest.mark.parametrize(("text", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_names_its_line_and_key(text, sentence):
    with pytest.raises(BadQueueFile) as bad:
        read(text)
    assert str(bad.value).startswith(f"q.yaml, {sentence}")
    assert str(bad.value).endswith(".")


def test_a_file_says_when_it_has_changed(tmp_path):
    path = tmp_path / "q.yaml"
    file = QueueFile(str(path), complete)
    with pytest.raises(BadQueueFile, match=r"q.yaml cannot be read: No such file or directory\."):
        file.read()
    assert not file.changed()
    path.write_text("queues: [a]")
    assert file.changed()
    assert [each.name for each in file.read()] == [f"{PARENT}/a"]
    assert not file.changed()
    path.write_text("queues: [a, b]")
    assert file.changed()
    path.unlink()
    assert not file.changed()
    path.write_bytes(b"\xff")
    with pytest.raises(BadQueueFile, match="it is no UTF-8 text"):
        file.read()


def test_an_option_sets_what_it_names():
    declared = from_option(
        f"{PARENT}/a, max_dispatches_per_second=5,maxAttempts=-1,min_backoff=0.5,"
        "max_backoff=5s,state=PAUSED,http_target.uri_override.host=h"
    )
    assert (declared.name, declared.state) == (f"{PARENT}/a", "PAUSED")
    assert declared.paths == [
        "rate_limits.max_dispatches_per_second",
        "retry_config.max_attempts",
        "retry_config.min_backoff",
        "retry_config.max_backoff",
        "http_target.uri_override.host",
    ]
    assert declared.settings.retry_config.max_attempts == -1
    assert declared.settings.retry_config.min_backoff.ToMilliseconds() == 500
    assert declared.settings.http_target.uri_override.host == "h"


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("max_attempts", "is not of the form setting=value"),
        ("max_attempts=many", "cannot be 'many'"),
        ("attempts=3", "is no setting of a queue"),
        ("state.x=3", "is no setting of a queue"),
        ("http_target.header_overrides=3", "is no setting of a queue"),
        ("state=off", "'off' is none of RUNNING, PAUSED, DISABLED"),
        ("", "is not of the form setting=value"),
    ],
)
def test_a_bad_option_is_refused(settings, reason):
    with pytest.raises(BadSetting, match=reason):
        from_option(f"{PARENT}/a,{settings}")
