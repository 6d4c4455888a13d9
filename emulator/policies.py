"""IAM on queues: policies are kept and handed back; nobody is ever refused for one."""

import secrets
from typing import Any

from google.iam.v1 import iam_policy_pb2, policy_pb2

from . import refusals
from .models import Policy, Queue
from .queues import find_live, live_queue, parsed
from .work import Work

# What Google answers as the etag of a policy that was never set (seen in many outputs as "ACAB").
_UNSET_ETAG = b"\x00\x20\x01"


def get_policy(work: Work, request: Any) -> Any:
    """GetIamPolicy: an empty policy where none was set."""
    return _policy(live_queue(request.resource))


def set_policy(work: Work, request: Any) -> Any:
    """SetIamPolicy: replaces the policy; an etag that is given must be the present one."""
    queue = live_queue(request.resource)
    wanted = request.policy
    if wanted.etag and wanted.etag != _policy(queue).etag:
        raise refusals.policy_changed()
    kept = policy_pb2.Policy()
    kept.CopyFrom(wanted)
    kept.etag = secrets.token_bytes(8)
    Policy.objects.update_or_create(queue=queue, defaults={"message": kept.SerializeToString()})
    return kept


def test_permissions(work: Work, request: Any) -> Any:
    """TestIamPermissions: all that are asked for, and none on a queue that is not there."""
    if any("*" in permission for permission in request.permissions):
        raise refusals.permission_wildcard()
    there = find_live(str(parsed(request.resource)))
    permissions = dict.fromkeys(request.permissions) if there else ()
    return iam_policy_pb2.TestIamPermissionsResponse(permissions=permissions)


def _policy(queue: Queue) -> Any:
    row = Policy.objects.filter(queue=queue).first()
    if row is None:
        return policy_pb2.Policy(etag=_UNSET_ETAG)
    return policy_pb2.Policy.FromString(bytes(row.message))
