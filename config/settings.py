"""Every setting of the project. An empty environment is a laptop; README has the table.

Nothing here touches the network. The only thing it writes is the laptop's own secret key.
"""

import sys
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from config import environment as env
from config import limits
from config.secret import kept_secret

BASE_DIR = Path(__file__).resolve().parent.parent

# Where we are -----------------------------------------------------------------------------
K_SERVICE = env.text("K_SERVICE")
IN_CLOUD = bool(K_SERVICE)
PORT = env.number("PORT", 8080, least=1, most=65535)
VAR_DIR = Path(env.text("VAR_DIR", str(BASE_DIR / "var"))).absolute()
DEBUG = env.flag("DEBUG")
SURFACES = env.words("SURFACES", "dashboard,receiver")
if not SURFACES or not set(SURFACES) <= {"dashboard", "receiver"}:
    raise ImproperlyConfigured("SURFACES takes dashboard, receiver or both, comma-separated.")
if IN_CLOUD and not env.text("SECRET_KEY"):
    raise ImproperlyConfigured(
        "SECRET_KEY is required where K_SERVICE is set. Make one with: "
        "python -c 'import secrets; print(secrets.token_urlsafe(50))'"
    )
SECRET_KEY = env.text("SECRET_KEY") or kept_secret(VAR_DIR / "secret-key", 50)

# Tasks: where they are sent ---------------------------------------------------------------
GOOGLE_CLOUD_PROJECT = env.text("GOOGLE_CLOUD_PROJECT", "demo")
CLOUD_TASKS_LOCATION = env.text("CLOUD_TASKS_LOCATION", "us-central1")
CLOUD_TASKS_QUEUE = env.text("CLOUD_TASKS_QUEUE", "default")
EMULATOR_HOST = env.text("EMULATOR_HOST", "127.0.0.1")
EMULATOR_PORT = env.number("EMULATOR_PORT", 8123, most=65535)
EMULATOR_HTTP_PORT = env.number("EMULATOR_HTTP_PORT", 8124, most=65535)
EMULATOR_ALLOWED_HOSTS = env.words("EMULATOR_ALLOWED_HOSTS")
EMULATOR_TARGETS = env.words("EMULATOR_TARGETS")
_LOOPBACK = "[::1]" if EMULATOR_HOST == "::1" else "127.0.0.1"
CLOUD_TASKS_ENDPOINT = env.optional(
    "CLOUD_TASKS_ENDPOINT", "" if IN_CLOUD else f"{_LOOPBACK}:{EMULATOR_PORT}"
)

# Tasks: how they arrive -------------------------------------------------------------------
RECEIVER_URL = env.text("RECEIVER_URL", f"http://localhost:{PORT}").rstrip("/")
RECEIVER_AUTH = env.choice("RECEIVER_AUTH", "verify", ("verify", "iam", "off"))
OIDC_SERVICE_ACCOUNT = env.text("OIDC_SERVICE_ACCOUNT", "tasks@demo.iam.gserviceaccount.com")
OIDC_AUDIENCES = env.words("OIDC_AUDIENCES")
GOOGLE_ISSUER = "https://accounts.google.com"
GOOGLE_CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"
_EMULATOR_ISSUER = f"http://{_LOOPBACK}:{EMULATOR_HTTP_PORT}"
OIDC_ISSUER = env.text("OIDC_ISSUER", GOOGLE_ISSUER if IN_CLOUD else _EMULATOR_ISSUER)
OIDC_CERTS_URL = env.text(
    "OIDC_CERTS_URL", GOOGLE_CERTS_URL if OIDC_ISSUER == GOOGLE_ISSUER else f"{OIDC_ISSUER}/certs"
)
REPLIES = env.flag("REPLIES", not IN_CLOUD)
LOG_BODY_BYTES = env.number("LOG_BODY_BYTES", 32768)
METRICS = env.flag("METRICS")
METRICS_TOKEN = env.text("METRICS_TOKEN")
MAX_BODY_BYTES = 10 * 1024 * 1024
REQUEST_LINE_BYTES = limits.REQUEST_LINE_BYTES
HEADER_FIELDS = limits.HEADER_FIELDS
HEADER_FIELD_BYTES = limits.HEADER_FIELD_BYTES

# Hosts ------------------------------------------------------------------------------------
try:
    _receiver_host = urlsplit(RECEIVER_URL).hostname or ""
except ValueError as error:
    raise ImproperlyConfigured(f"RECEIVER_URL is not a URL: {error}") from error
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or sorted(
    {"localhost", "127.0.0.1", "[::1]", _receiver_host} - {""}
)
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
CSRF_FAILURE_VIEW = "dashboard.views.frame.expired"

# Parts ------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "dashboard",  # first: its templates re-dress the admin's
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
    "config.apps.ConfigConfig",
    "receiver",
]
# The emulator's tables are part of this process only where tasks go to an emulator.
if CLOUD_TASKS_ENDPOINT:
    INSTALLED_APPS.append("emulator")

MIDDLEWARE = [
    "config.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.bad_queries.BadQueryMiddleware",
    "config.outages.OutageMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.context.frame",
            ],
        },
    }
]

# Databases --------------------------------------------------------------------------------
# SQLite: WAL and FULL so that a 200 means "on disk"; IMMEDIATE because a read that turns into
# a write would fail at once under WAL instead of waiting.
_SQLITE = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 5,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}
_POSTGRESQL = {
    "connect_timeout": 3,
    "options": (
        "-c statement_timeout=10000 -c lock_timeout=3000"
        " -c idle_in_transaction_session_timeout=30000"
        " -c synchronous_commit=on"  # else a crash loses what a 200 has promised
    ),
    # Without it one 30 MiB body costs 329 MiB of memory instead of 110.
    "server_side_binding": True,
}


def _database(variable: str, file: str) -> dict:
    # A path is no URL: VAR_DIR may hold a # or a %.
    own = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(VAR_DIR / file)}
    url = env.text(variable)
    try:
        database: dict = dict(dj_database_url.parse(url)) if url else own
    except ValueError as error:
        raise ImproperlyConfigured(f"{variable} is not a database URL: {error}") from error
    database |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    sqlite = database["ENGINE"].endswith("sqlite3")
    ours = _SQLITE if sqlite else _POSTGRESQL
    return database | {"OPTIONS": ours | database.get("OPTIONS", {})}


DATABASES = {"default": _database("DATABASE_URL", "db.sqlite3")}
if CLOUD_TASKS_ENDPOINT:
    DATABASES["emulator"] = _database("EMULATOR_DATABASE_URL", "emulator.sqlite3")
DATABASE_ROUTERS = ["config.router.EmulatorRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Pages ------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = "config.formats"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
# Hashed names need collectstatic, which the image runs; a clone serves straight from the apps.
_COLLECTED = (STATIC_ROOT / "staticfiles.json").exists() or "collectstatic" in sys.argv
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if _COLLECTED
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
# Looked up when asked for: whitenoise warns at start about a folder that is not there.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not _COLLECTED
# A body over a task's limit must come back with a sentence beside it, however it was typed.
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024
FILE_UPLOAD_HANDLERS = [
    "dashboard.upload_limit.UploadLimit",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Safety -----------------------------------------------------------------------------------
_SELF = ["'self'"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": _SELF,
        "script-src": _SELF,
        "style-src": _SELF,
        "img-src": [*_SELF, "data:"],
        "font-src": _SELF,
        "connect-src": _SELF,
        "form-action": _SELF,
        "base-uri": _SELF,
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 8 * 3600
if IN_CLOUD:
    # Cloud Run ends TLS and sets this header itself; a laptop's client could fake it.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^$", r"^receive(/|$)", r"^health$", r"^ready$"]
    SECURE_HSTS_SECONDS = 31536000
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_EXPIRE_AT_BROWSER_CLOSE = True
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    # Subdomains and preload lists are the domain owner's decision, not one service's.
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "config.logs.formatter", "in_cloud": IN_CLOUD}},
    "handlers": {
        "stdout": {
            "class": "config.logs.Handler",
            "stream": "ext://sys.stdout",
            "formatter": "line",
        }
    },
    "root": {"handlers": ["stdout"], "level": "WARNING"},
    "loggers": {
        "receiver": {"level": "INFO"},
        "dashboard": {"level": "INFO"},
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        # Without it each refused request of a stranger would be a line beside the bounded count.
        "django.request": {"level": "ERROR"},
        "django.security.RequestDataTooBig": {"level": "CRITICAL"},
    },
}
