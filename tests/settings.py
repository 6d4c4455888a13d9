"""The project's own settings, kept from writing outside a temporary folder."""

import os
import tempfile

# Before the project's settings read the environment: a test run never touches the clone's var/.
for _name in ("K_SERVICE", "SURFACES", "DEBUG", "RECEIVER_URL", "CLOUD_TASKS_ENDPOINT", "PORT"):
    os.environ.pop(_name, None)
os.environ["VAR_DIR"] = tempfile.mkdtemp(prefix="tasks-dashboard-test-")

from config.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Django would otherwise make every second database wait for "default", tested or not.
DATABASES["emulator"]["TEST"] = {"DEPENDENCIES": []}  # noqa: F405
