"""The bench still runs, and what it prints is what it measured."""

import re
import sys
from subprocess import run

import pytest
from google.cloud import tasks_v2

from bench import wire
from bench.create import judge as judge_create
from bench.empty import CONTENDER as EMPTY
from bench.emulator import PARTS, arguments
from bench.judging import between, least, most, ratio
from bench.report import number, show, show_verdicts
from bench.servers import Server, checkout, peers
from bench.stage import Part, Samples, faults
from bench.watchers import Polls
from bench.wire import DEFAULT_QUEUE
from tests.processes import ROOT

FIGURES = {"ours": {"rate": 300.0}, "gte": {"rate": 200.0}, "ken109": {"rate": 600.0}}


def test_it_measures_the_emulator_and_says_which_peers_are_missing(monkeypatch):
    monkeypatch.setenv("BENCH_GTE", "/nowhere")
    command = [sys.executable, "bench/emulator.py", "latency", "--rounds", "1", "--scale", "0.01"]
    done = run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "gte is not measured: no gcloud-tasks-emulator on PATH, nor at BENCH_GTE." in done.stdout
    assert "delivered twice  ours 0 (0-0)" in done.stdout
    assert "lost             ours 0 (0-0)" in done.stdout
    assert "create to delivery p50 ms" in done.stdout.split("target and measured")[1]


def test_it_measures_the_receiver_and_finds_every_row(monkeypatch):
    monkeypatch.delenv("BENCH_FLASK", raising=False)
    command = [sys.executable, "bench/receiver.py", "one", "idle"]
    options = ["--rounds", "1", "--scale", "0.05"]
    done = run([*command, *options], cwd=ROOT, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    assert "Skipped: flask is not measured" in done.stdout
    assert re.search(r"not kept +ours 0 \(0-0\); view 0 \(0-0\)", done.stdout)
    assert re.search(r"not 200 +ours 0 \(0-0\); view 0 \(0-0\)", done.stdout)
    targets = done.stdout.split("target and measured")[1]
    assert "p50 ms, ours / view" in targets
    assert "worker RSS MB" in targets


def test_it_measures_deliveries_while_live_pages_poll():
    options = ["--rounds", "1", "--scale", "0.5", "--pages", "6", "--events", "300"]
    command = [sys.executable, "bench/watched.py", *options]
    done = run(command, cwd=ROOT, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    assert "6 live pages, 300 events there before" in done.stdout
    targets = done.stdout.split("target and measured")[1]
    for never in ("not kept", "not 200", "bad polls"):
        assert re.findall(rf"  {never} +0 +(\d+) +(\w+)", targets) == [("0", "holds")] * 2
    polls = re.findall(r"polls/s +watched ([\d.]+)", done.stdout)
    assert [float(rate) > 0 for rate in polls] == [True, True]
    assert done.stderr == ""


def test_a_live_page_asks_as_its_html_says_next():
    page = """<div id="part" hx-get="/x/?seen=1" hx-vals='{"a": "b c"}' hx-trigger="every 10s">
        </div><p id="list" hx-get="/y/" hx-trigger="every 2s"><i hx-get="/z/" hx-trigger="load">"""
    assert Polls(page).found == {"part": ("/x/?seen=1&a=b+c", 10), "list": ("/y/", 2)}


def test_a_peer_is_started_as_its_variable_says(monkeypatch):
    monkeypatch.setenv("BENCH_KEN109", sys.executable)
    found = {peer.name: peer for peer in peers()[0]}
    assert found["ken109"].command(1, 2)[:5] == [sys.executable, "-host", "127.0.0.1", "-port", "1"]


def test_the_server_that_does_nothing_answers_what_the_clients_call(tmp_path):
    with Server(EMPTY, tmp_path) as server:
        server.api.pause(DEFAULT_QUEUE)
        call = wire.caller(server.api.channel, "CreateTask")
        answer = tasks_v2.Task.deserialize(call(wire.task_bytes(DEFAULT_QUEUE, "http://h/")))
        assert answer.http_request.body == wire.BODY
        assert server.cpu() > 0


def test_the_rate_of_creating_has_its_bound_beside_it():
    rates = {"ours": 500.0, "gte": 1000.0, "empty": 1200.0}
    verdicts = judge_create({who: {"8 official/s": rate} for who, rate in rates.items()})
    assert [(one.what, one.measured, one.holds) for one in verdicts] == [
        ("8 official/s, ours / gte", "0.50x", False),
        ("8 official/s, ours / empty", "0.42x", None),
        ("8 official/s, empty / gte", "1.20x", None),
    ]


def test_a_checkout_without_an_environment_is_run_by_this_python(tmp_path):
    contender = checkout(tmp_path, "other")
    assert contender.command(1, 2)[:3] == [sys.executable, "manage.py", "runemulator"]
    assert contender.cwd == tmp_path


@pytest.mark.parametrize(
    ("verdict", "target", "measured", "holds"),
    [
        (least(FIGURES, "rate", 300, ""), ">= 300", "300", True),
        (least(FIGURES, "rate", 301, ""), ">= 301", "300", False),
        (most(FIGURES, "rate", 299, ""), "<= 299", "300", False),
        (most({"ours": {"lost": 0.0}}, "lost", 0, ""), "0", "0", True),
        (between(FIGURES, "rate", 299, 300, ""), "299 to 300", "300", True),
        (between(FIGURES, "rate", 301, 302, ""), "301 to 302", "300", False),
    ],
)
def test_the_first_contender_is_held_against_the_target(verdict, target, measured, holds):
    assert (verdict.target, verdict.measured, verdict.holds) == (target, measured, holds)


def test_what_must_never_happen_is_judged_by_its_worst_round():
    part = Part("", None, lambda figures: figures, worst=("lost",))
    rounds = [{"rate": 1.0, "lost": 0.0}, {"rate": 2.0, "lost": 3.0}, {"rate": 9.0, "lost": 0.0}]
    assert part.verdicts({"ours": Samples(rounds)}) == {"ours": {"rate": 2.0, "lost": 3.0}}


def test_only_the_peer_that_the_target_names_decides():
    against = {one.what: (one.measured, one.holds) for one in ratio(FIGURES, "rate", 1.5)}
    assert against == {"rate, ours / gte": ("1.50x", True), "rate, ours / ken109": ("0.50x", None)}


def test_medians_spread_and_ratio_are_printed(capsys):
    ours, gte = ([{"rate": float(rate)} for rate in rates] for rates in ((3, 1, 2), (4, 4, 5)))
    show("Rates", {"ours": Samples(ours), "gte": Samples(gte)})
    show_verdicts(ratio({"ours": {"rate": 2.0}, "gte": {"rate": 4.0}}, "rate", 1.5))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:3] == [
        "Rates (N=3, medians, least-most)",
        "  rate  ours 2 (1-3); gte 4 (4-5) ours/gte 0.50",
    ]
    assert lines[-1].split() == ["rate,", "ours", "/", "gte", ">=", "1.5x", "0.50x", "misses"]


def test_duplicates_and_losses_are_counted_by_task():
    hits = [("0-1", 0.0, 0.0, 0.0), ("0-2", 0.0, 0.0, 0.0), ("0-1", 0.0, 0.0, 0.0)]
    assert faults(hits, 4) == {"delivered twice": 1, "lost": 2}


@pytest.mark.parametrize(
    ("value", "text"), [(1234.5, "1,234"), (99.96, "100"), (0.0123, "0.0123"), (0.0, "0")]
)
def test_a_figure_has_three_digits(value, text):
    assert number(value) == text


def test_all_parts_are_measured_unless_some_are_named():
    assert arguments([]).parts == PARTS
    assert arguments(["create"]).parts == ["create"]


def test_an_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit):
        arguments(["speed"])
    assert "no part speed" in capsys.readouterr().err
