"""Locations, of which any will do, and the CMEK configuration of each."""

import re
from typing import Any

from google.cloud.location import locations_pb2

from . import errors, refusals
from .google_types import tasks_v2
from .models import CmekConfig, Queue
from .names import is_location
from .paging import last_seen, page_size, page_token
from .work import Work

MOST_A_PAGE = 1000
CmekMessage: Any = tasks_v2.CmekConfig.pb()
# Some of Google's; a location that a queue stands in is listed beside them.
KNOWN = (
    "asia-east1", "asia-northeast1", "asia-south1", "asia-southeast1", "australia-southeast1",
    "europe-west1", "europe-west2", "europe-west3", "northamerica-northeast1",
    "southamerica-east1", "us-central1", "us-east1", "us-east4", "us-west1", "us-west2",
)  # fmt: skip
_PROJECT = re.compile(r"projects/[A-Za-z0-9:.-]{1,200}")
_CMEK = re.compile(r"(?P<parent>.+)/[cC]mekConfig")
_KEY = re.compile(r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+")


def list_locations(work: Work, request: Any) -> Any:
    """ListLocations: by name."""
    project = request.name
    if not _PROJECT.fullmatch(project):
        raise errors.location_malformed()
    if request.filter:
        raise errors.not_served("ListLocationsRequest.filter")
    parents = Queue.objects.live().filter(parent__startswith=f"{project}/locations/")
    own = {each.rpartition("/")[2] for each in parents.values_list("parent", flat=True).distinct()}
    size = page_size(request.page_size, MOST_A_PAGE)
    after = last_seen(project, request.page_token)
    following = sorted(each for each in own | set(KNOWN) if each > after)
    page = following[:size]
    token = page_token(project, page[-1]) if len(page) < len(following) else ""
    return locations_pb2.ListLocationsResponse(
        locations=[_location(f"{project}/locations/{each}") for each in page],
        next_page_token=token,
    )


def get_location(work: Work, request: Any) -> Any:
    """GetLocation: there is no other than a malformed one that is not there."""
    if not is_location(request.name):
        raise errors.location_malformed()
    return _location(request.name)


def _location(name: str) -> Any:
    region = name.rpartition("/")[2]
    labels = {"cloud.googleapis.com/region": region}
    return locations_pb2.Location(name=name, location_id=region, labels=labels)


def get_cmek(work: Work, request: Any) -> Any:
    """GetCmekConfig: an empty key where none was set."""
    parent = _cmek_parent(request.name)
    row = CmekConfig.objects.filter(parent=parent).first()
    return CmekMessage(name=f"{parent}/cmekConfig", kms_key=row.kms_key if row else "")


def update_cmek(work: Work, request: Any) -> Any:
    """UpdateCmekConfig: the key is kept and nothing is encrypted; an empty one turns it off."""
    parent = _cmek_parent(request.cmek_config.name)
    key = request.cmek_config.kms_key
    for path in request.update_mask.paths:
        if path not in ("kms_key", "name", "*"):
            raise refusals.cmek_mask_unknown(path)
    if key and (not _KEY.fullmatch(key) or len(key) > 1000):
        raise refusals.kms_key_malformed()
    if not request.update_mask.paths or set(request.update_mask.paths) & {"kms_key", "*"}:
        CmekConfig.objects.update_or_create(parent=parent, defaults={"kms_key": key})
    return get_cmek(work, request.cmek_config)


def _cmek_parent(name: str) -> str:
    match = _CMEK.fullmatch(name)
    if match is None or not is_location(match["parent"]):
        raise errors.location_malformed()
    return match["parent"]
