"""The URLs of the REST API: which verb and path is which RPC, under /v2 and /v2beta3 alike."""

import re
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote

_VARIABLE = re.compile(r"\{([a-z_.]+)(?:=([^}]+))?\}")


@dataclass(frozen=True)
class Route:
    """One URL. `body` is what its body is: the whole request "*", a field's name, "" for none."""

    verb: str
    template: str
    rpc: str
    body: str = ""

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        pattern, end = "", 0
        for match in _VARIABLE.finditer(self.template):
            inner = re.escape(match[2] or "*").replace(r"\*", "[^/]+")
            pattern += f"{re.escape(self.template[end : match.start()])}({inner})"
            end = match.end()
        return re.compile(pattern + re.escape(self.template[end:]))

    def match(self, path: str) -> dict[str, str] | None:
        """Return the fields that a path (without its version, escaped) gives, None for another."""
        found = self._pattern.fullmatch(path)
        if found is None:
            return None
        names = [name for name, _ in _VARIABLE.findall(self.template)]
        return dict(zip(names, map(unquote, found.groups()), strict=True))


_PROJECT = "projects/*"
_LOCATION = "projects/*/locations/*"
_QUEUE = f"{_LOCATION}/queues/*"
_TASK = f"{_QUEUE}/tasks/*"

ROUTES = [
    Route("GET", f"{{parent={_LOCATION}}}/queues", "ListQueues"),
    Route("POST", f"{{parent={_LOCATION}}}/queues", "CreateQueue", "queue"),
    Route("GET", f"{{name={_QUEUE}}}", "GetQueue"),
    Route("PATCH", f"{{queue.name={_QUEUE}}}", "UpdateQueue", "queue"),
    Route("DELETE", f"{{name={_QUEUE}}}", "DeleteQueue"),
    Route("POST", f"{{name={_QUEUE}}}:purge", "PurgeQueue", "*"),
    Route("POST", f"{{name={_QUEUE}}}:pause", "PauseQueue", "*"),
    Route("POST", f"{{name={_QUEUE}}}:resume", "ResumeQueue", "*"),
    Route("POST", f"{{resource={_QUEUE}}}:getIamPolicy", "GetIamPolicy", "*"),
    Route("POST", f"{{resource={_QUEUE}}}:setIamPolicy", "SetIamPolicy", "*"),
    Route("POST", f"{{resource={_QUEUE}}}:testIamPermissions", "TestIamPermissions", "*"),
    Route("GET", f"{{parent={_QUEUE}}}/tasks", "ListTasks"),
    Route("POST", f"{{parent={_QUEUE}}}/tasks", "CreateTask", "*"),
    Route("POST", f"{{parent={_QUEUE}}}/tasks:batchCreate", "BatchCreateTasks", "*"),
    Route("POST", f"{{parent={_QUEUE}}}/tasks:batchDelete", "BatchDeleteTasks", "*"),
    Route("POST", f"{{queue={_QUEUE}}}/tasks:buffer", "BufferTask"),
    Route("POST", f"{{queue={_QUEUE}}}/tasks/{{task_id}}:buffer", "BufferTask"),
    Route("GET", f"{{name={_TASK}}}", "GetTask"),
    Route("DELETE", f"{{name={_TASK}}}", "DeleteTask"),
    Route("POST", f"{{name={_TASK}}}:run", "RunTask", "*"),
    Route("GET", f"{{name={_LOCATION}/cmekConfig}}", "GetCmekConfig"),
    Route("PATCH", f"{{cmek_config.name={_LOCATION}/cmekConfig}}", "UpdateCmekConfig",
          "cmek_config"),
    Route("GET", f"{{name={_PROJECT}}}/locations", "ListLocations"),
    Route("GET", f"{{name={_LOCATION}}}", "GetLocation"),
    Route("GET", f"{{name={_LOCATION}/operations/*}}", "GetOperation"),
]  # fmt: skip


def find(verb: str, path: str) -> tuple[Route | None, dict[str, str], set[str]]:
    """Return the route and the fields in its path; without one, the verbs that the path has."""
    verbs = set()
    for route in ROUTES:
        fields = route.match(path)
        if fields is not None and route.verb == verb:
            return route, fields, set()
        if fields is not None:
            verbs.add(route.verb)
    return None, {}, verbs
