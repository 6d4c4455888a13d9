"""One project taken through all steps, twice, and down again, for every test that only looks."""

import json
from dataclasses import dataclass

import pytest

from tests.deploy.cloud import Cloud
from tests.deploy.flags import Call


@dataclass
class Story:
    """What a whole life of a project asked of gcloud."""

    cloud: Cloud
    first: list[Call]
    second: list[Call]
    state: dict[str, list[str]]
    second_state: dict[str, list[str]]
    records: list[dict]
    said: str


@pytest.fixture(scope="session")
def story(tmp_path_factory):
    cloud = Cloud(tmp_path_factory.mktemp("cloud"))
    said = cloud.deploy()
    first, state = cloud.calls, cloud.state
    said += cloud.deploy()
    second, second_state = cloud.calls[len(first) :], cloud.state
    return Story(cloud, first, second, state, second_state, cloud.records, said)


@pytest.fixture
def deployed(story, tmp_path):
    """A project in which everything has been made."""
    cloud = Cloud(tmp_path)
    (tmp_path / "state.json").write_text(json.dumps(story.state), encoding="utf-8")
    return cloud
