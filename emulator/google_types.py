"""Google's message classes, without the clients that `google.cloud.tasks_v2` imports beside them.

The clients bring transports, credentials and `requests` along: a fifth of the emulator's memory and
of its start. Here a package is registered without running its `__init__`, which still runs as soon
as somebody in the same process asks the package for one of its own names.
"""

import importlib
import importlib.util
import sys
import threading
from types import ModuleType
from typing import Any

_running = threading.RLock()


class _Deferred(ModuleType):
    """A package whose `__init__` runs when it is asked for a name that is no submodule yet."""

    def __getattr__(self, name: str) -> Any:
        # Importers and inspectors ask for names like __wrapped__ of any module at all.
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)
        if importlib.util.find_spec(f"{self.__name__}.{name}"):
            return importlib.import_module(f"{self.__name__}.{name}")
        with _running:
            if not self.__dict__.get("_begun") and self.__spec__ and self.__spec__.loader:
                self._begun = True  # before: what runs now asks for names as well
                self.__spec__.loader.exec_module(self)
        if name not in self.__dict__:
            raise AttributeError(name)
        return self.__dict__[name]


def types_of(package: str) -> Any:
    """Return `package.types`, and leave the package itself for later unless it is there already."""
    if package not in sys.modules:
        spec = importlib.util.find_spec(package)
        if spec is None:
            raise ModuleNotFoundError(package, name=package)
        module = importlib.util.module_from_spec(spec)
        module.__class__ = _Deferred
        sys.modules[package] = module
        parent, _, child = package.rpartition(".")
        setattr(sys.modules[parent], child, module)
    return importlib.import_module(f"{package}.types")


tasks_v2 = types_of("google.cloud.tasks_v2")
tasks_v2beta3 = types_of("google.cloud.tasks_v2beta3")
