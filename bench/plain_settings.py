"""The project's settings with `plain_view` in the place of everything."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "bench.plain_view"
MIDDLEWARE = ["config.health.HealthMiddleware"]
