"""The example alerts are right: language, metrics, log lines, and the sections they name."""

import json
import re
from importlib.resources import files

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from config import metrics
from receiver.counts import Counts
from tests.manual import ROOT, anchors, strings, text_of

RULES = yaml.safe_load(text_of("docs/alerts/prometheus.yaml"))["groups"]
ALERTS = [rule for group in RULES for rule in group["rules"]]
POLICIES = sorted((ROOT / "docs/alerts").glob("*.json"))
API = json.loads(
    files("googleapiclient.discovery_cache.documents").joinpath("monitoring.v3.json").read_text()
)["schemas"]


@pytest.fixture
def told(client, db, settings, monkeypatch):
    """Return the metrics of a scrape, after one event and one refusal, with the labels of each."""
    settings.METRICS, settings.METRICS_TOKEN, settings.RECEIVER_AUTH = True, "", "off"
    fresh = Counts()
    for place in ("config.metrics", "receiver.store", "receiver.turned_away"):
        monkeypatch.setattr(f"{place}.counts", fresh)
    monkeypatch.setattr("dashboard.health.database_bytes", lambda: 4096)  # no file in memory
    assert client.post("/receive", b"x", "text/plain").status_code == 200
    settings.RECEIVER_AUTH = "verify"
    assert client.post("/receive", b"x", "text/plain").status_code == 401
    families = text_string_to_metric_families(client.get("/metrics").content.decode())
    found: dict[str, set[str]] = {}
    for sample in (sample for family in families for sample in family.samples):
        found.setdefault(sample.name, set()).update(sample.labels)
    return found


def selectors(expression: str) -> list[tuple[str, set[str]]]:
    """Return the metrics that an expression asks for, with the labels it matches."""
    found: list[tuple[str, set[str]]] = []

    def visit(node):
        if isinstance(node, promql_parser.VectorSelector):
            found.append((node.name, {each.name for each in node.matchers.matchers}))
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


@pytest.mark.parametrize("rule", ALERTS, ids=[rule["alert"] for rule in ALERTS])
def test_a_rule_is_promql_over_what_a_scrape_tells(rule, told):
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    promql_parser.parse_duration(rule["for"])
    asked = selectors(rule["expr"])
    assert asked
    for name, matched in asked:
        assert matched <= told[name]
    place, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert anchor in anchors(place)


def test_a_mistake_in_an_expression_is_found(told):
    with pytest.raises(ValueError, match="unclosed"):
        selectors("sum(tasks_database_up")
    assert selectors('tasks_made_up{queue="a"}') == [("tasks_made_up", {"queue"})]
    assert "tasks_made_up" not in told


def test_the_manual_lists_every_metric_and_no_other(told):
    watching = text_of("README.md").split("## Watching it")[1].split("\n## ")[0]
    ours = {re.sub(r"_(bucket|sum|count)$", "", name) for name in told if name.startswith("tasks_")}
    assert set(re.findall(r"`(tasks_\w+)`", watching)) == ours


def complaints(value, schema, path="policy") -> list[str]:
    """Return what the API's own description says against a value."""
    if "$ref" in schema:
        schema = API[schema["$ref"]]
    if schema["type"] == "object" and "properties" in schema:
        unknown = [f"{path}.{name} is unknown" for name in set(value) - set(schema["properties"])]
        known = [name for name in value if name in schema["properties"]]
        each = (complaints(value[n], schema["properties"][n], f"{path}.{n}") for n in known)
        return [*unknown, *(one for found in each for one in found)]
    if schema["type"] == "array":
        return [c for each in value for c in complaints(each, schema["items"], f"{path}[]")]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{path} is {value!r}"]
    if schema.get("format") == "google-duration" and not re.fullmatch(r"\d+s", value):
        return [f"{path} is no duration"]
    kinds = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "object": dict}
    return [] if isinstance(value, kinds[schema["type"]]) else [f"{path} is {type(value).__name__}"]


@pytest.mark.parametrize("file", POLICIES, ids=[file.stem for file in POLICIES])
def test_a_policy_is_right_by_the_api_s_description(file):
    policy = json.loads(file.read_text(encoding="utf-8"))
    assert complaints(policy, {"$ref": "AlertPolicy"}) == []
    place, _, anchor = policy["documentation"]["content"].rpartition("See ")[2].partition("#")
    assert anchor in anchors(place)
    for condition in policy["conditions"]:
        [kind] = set(condition) - {"displayName"}
        if kind == "conditionMatchedLog":  # which the API takes with a limit of its rate alone
            assert "notificationRateLimit" in policy["alertStrategy"]
            check_log_filter(condition[kind]["filter"])


def check_log_filter(text: str) -> None:
    """The names of loggers, fields and texts are those that the code writes."""
    logger = re.search(r'jsonPayload\.logger="([\w.]+)"', text)[1]
    message = re.search(r'jsonPayload\.message:"([^"]+)"', text)[1]
    known = strings("receiver")
    assert logger in known.splitlines()
    assert message in known


def test_a_mistake_in_a_policy_is_found():
    wrong = {"displayName": 1, "combiner": "XOR", "conditionz": [], "conditions": [{"a": 1}]}
    assert sorted(complaints(wrong, {"$ref": "AlertPolicy"})) == [
        "policy.combiner is 'XOR'",
        "policy.conditions[].a is unknown",
        "policy.conditionz is unknown",
        "policy.displayName is int",
    ]


def test_the_limit_that_a_rule_stays_under_is_a_bucket():
    bound = re.search(r"seconds_bucket.*> ([\d.]+)", text_of("docs/alerts/prometheus.yaml"))[1]
    assert float(bound) in metrics.SECONDS
