"""Every service on the address: Cloud Tasks in both versions, and what its clients call beside."""

from .beta import beta_methods
from .creating import Ask
from .methods import Method, Switches, Windows, methods, mixins

VERSIONS = {
    "v2": "google.cloud.tasks.v2.CloudTasks",
    "v2beta3": "google.cloud.tasks.v2beta3.CloudTasks",
}


def services(
    windows: Windows, switches: Switches, ask: Ask | None = None
) -> dict[str, list[Method]]:
    """Return each service's full name and its methods."""
    return {
        VERSIONS["v2"]: methods(windows, switches, ask),
        VERSIONS["v2beta3"]: beta_methods(windows, switches, ask),
        **mixins(),
    }
