"""Scale on paper: the document says what the scripts say, and the simulation keeps to theory."""

import csv
import os
import re
import subprocess
import sys

import pytest

from bench import plan, simulate
from bench.simulate import Load, Simulation
from receiver.committer import LARGEST_BATCH
from tests.manual import ROOT, text_of
from tests.processes import FreshDatabase
from tests.test_docs import commands

TEXT = text_of("docs/scale.md")


def test_the_document_has_the_figures_the_plan_and_the_simulation_as_printed():
    simulated = [simulate.HEAD, *map(simulate.row, simulate.CASES)]
    made = [*plan.figures_table(), *simulated, *plan.plan_table()]
    in_text = [line for line in TEXT.splitlines() if line.startswith("|")]
    assert [line for line in in_text if not line.startswith("| ---")] == [
        line for line in made if not line.startswith("| ---")
    ]


def test_every_figure_has_its_source():
    for figure in plan.FIGURES:
        assert re.search(r"https://|bench/\w+\.py|deploy/|config/", figure.source), figure.what
        for file in re.findall(r"[a-z]+/[a-z_.]+\.(?:py|example)", figure.source):
            assert (ROOT / file).is_file()


def test_what_is_the_code_s_is_as_in_the_code():
    assert simulate.LARGEST_BATCH == LARGEST_BATCH
    assert f"\nCONCURRENCY={plan.PLACES.value:g}\n" in text_of("deploy/settings.env.example")
    assert f"\neach={plan.CONNECTIONS.value:g}\n" in text_of("deploy/06-deploy")
    assert Load().concurrency == plan.PLACES.value


def test_the_commands_of_the_document_exist():
    for file in re.findall(r"bench/\w+\.py", TEXT):
        assert (ROOT / file).is_file()
    assert set(re.findall(r"manage\.py (\w+)", TEXT)) <= set(commands())


def test_a_queue_of_one_server_waits_as_theory_says():
    """M/D/1: service s and load r wait for s r / 2(1 - r) on average, and commits take no time."""
    load = Load(rate=800, cpu_us=1000, commit_ms=0, row_us=0, concurrency=10_000, seconds=100)
    found = Simulation(load).run()
    mean = sum(found.latencies) / len(found.latencies)
    assert mean == pytest.approx(0.001 + 0.001 * 0.8 / (2 * 0.2), rel=0.05)
    assert found.busy / found.ended == pytest.approx(0.8, rel=0.02)


def test_deliveries_share_a_commit_and_wait_for_two_at_most():
    found = Simulation(Load(rate=1000, cpu_us=1, commit_ms=10, row_us=0, concurrency=1000)).run()
    assert len(found.latencies) / found.commits == pytest.approx(10, rel=0.1)
    assert 10 <= found.percentile(50) < found.percentile(99) <= 20.1


def test_everything_is_answered_once_also_what_was_turned_away():
    load = Load(rate=0, burst=3000, concurrency=4, cpu_us=0, commit_ms=20, row_us=0)
    found = Simulation(load).run()
    assert len(found.latencies) == 3000
    assert found.turned_away > 0
    assert found.most_at_once == 4
    assert found.commits >= 3000 / 4


def test_the_same_seed_gives_the_same_and_another_does_not():
    runs = [Simulation(Load(seconds=2, seed=seed)).run().latencies for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_a_need_grows_with_what_is_the_most_wanting():
    small, large = plan.Need(500, 1), plan.Need(50_000, 1)
    assert (small.instances, small.connections) == (1, 2 * 17 * 2)
    assert large.instances == 63  # of 750 us each at 60 %
    assert not plan.Need(100, 1).partitioned
    assert plan.Need(2_000, 1).partitioned  # deleting takes too long
    assert plan.Need(500, 30).partitioned  # the indexes are too large


def test_one_case_is_simulated_on_demand():
    command = [sys.executable, "bench/simulate.py", "--rate", "100", "--seconds", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    head, _, only = csv.reader(done.stdout.splitlines(), delimiter="|")
    assert len(head) == len(only)
    assert only[1].strip() == "100"


@pytest.mark.skipif(
    not os.environ.get("DATABASE_URL", "").startswith("postgres"), reason="it measures PostgreSQL"
)
def test_the_footprint_of_an_event_is_measured():
    with FreshDatabase("DATABASE_URL") as database:
        done = subprocess.run(
            [sys.executable, "bench/footprint.py", "--events", "48"],
            cwd=ROOT,
            env=os.environ | database.environment,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    for line in ("insert, 1 a commit", "receiver_event", "index for searches", "prune"):
        assert re.search(rf"^{line}: \D+[1-9]", done.stdout, re.MULTILINE), done.stdout
    kept = re.search(r"^receiver_event: bytes an event ([\d,]+)$", done.stdout, re.MULTILINE)[1]
    assert 1000 < int(kept.replace(",", "")) < 5000
