"""What this process is set to, in words; secrets are never among it."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

MODES = {
    "verify": "signature, issuer, audience, account and age are checked",
    "iam": "behind Cloud Run's own check, which removes the signature",
    "off": "anybody may deliver; for a laptop only",
}
PACKAGES = (
    *("Django", "gunicorn", "uvicorn", "google-cloud-tasks", "google-auth", "grpcio"),
    *("psycopg", "django-htmx", "django-csp", "whitenoise"),
)


@dataclass(frozen=True)
class Setting:
    """One line: the environment variable, its value as text, and what that means."""

    name: str
    value: str
    meaning: str = ""


def groups() -> list[tuple[str, list[Setting]]]:
    """Return the settings that decide about tasks, by what they are about."""
    return [
        ("Where tasks go", _sending()),
        ("Who may deliver them", _receiving()),
        ("This process", _process()),
    ]


def versions() -> list[Setting]:
    """Return the versions of what runs here."""
    number = ".".join(map(str, connection.get_database_version()))
    found = [Setting("Python", python_version()), Setting(connection.display_name, number)]
    for package in PACKAGES:
        try:
            found.append(Setting(package, version(package)))
        except PackageNotFoundError:
            continue
    return found


def _sending() -> list[Setting]:
    endpoint = settings.CLOUD_TASKS_ENDPOINT
    where = "a local Cloud Tasks, without TLS" if endpoint else "Google's service"
    return [
        Setting("GOOGLE_CLOUD_PROJECT", settings.GOOGLE_CLOUD_PROJECT),
        Setting("CLOUD_TASKS_LOCATION", settings.CLOUD_TASKS_LOCATION),
        Setting("CLOUD_TASKS_QUEUE", settings.CLOUD_TASKS_QUEUE, "where forms and commands begin"),
        Setting("CLOUD_TASKS_ENDPOINT", endpoint, where),
        Setting("RECEIVER_URL", _bare(settings.RECEIVER_URL), "target and audience of tasks"),
    ]


def _receiving() -> list[Setting]:
    mode = settings.RECEIVER_AUTH
    further = ", ".join(settings.OIDC_AUDIENCES)
    admitted = "RECEIVER_URL with and without a final slash, and the URL that was called"
    return [
        Setting("RECEIVER_AUTH", mode, MODES[mode]),
        Setting("OIDC_SERVICE_ACCOUNT", settings.OIDC_SERVICE_ACCOUNT, "the one that is admitted"),
        Setting("OIDC_ISSUER", _bare(settings.OIDC_ISSUER)),
        Setting("OIDC_CERTS_URL", _bare(settings.OIDC_CERTS_URL)),
        Setting("OIDC_AUDIENCES", further, f"beside {admitted}"),
    ]


def _process() -> list[Setting]:
    replies = "replies may answer" if settings.REPLIES else "replies never answer"
    database = connection.settings_dict
    place = ":".join(str(database[key]) for key in ("HOST", "PORT") if database.get(key))
    service = settings.K_SERVICE
    return [
        Setting("SURFACES", ", ".join(settings.SURFACES), "what is served here"),
        Setting("DATABASE_URL", f"{connection.display_name} {place}".strip(), database["NAME"]),
        Setting("REPLIES", _flag(settings.REPLIES), replies),
        Setting("LOG_BODY_BYTES", f"{settings.LOG_BODY_BYTES:,}", "of each body go to the log"),
        Setting("DEBUG", _flag(settings.DEBUG)),
        Setting("K_SERVICE", service, "on Cloud Run" if service else "not on Cloud Run"),
    ]


def _flag(value: bool) -> str:
    return "1" if value else "0"


def _bare(url: str) -> str:
    """Leave out a user and password, should a URL have them against the rules."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
