"""The command line of the emulator: what `runemulator` takes, and the options that come of it.

Flags of aertje's cloud-tasks-emulator are understood with the one dash it writes, and so are its
environment variables, so that changing the command is all there is to a migration.
"""

import os
import re
from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from .flag_types import boolean, host, port, seconds
from .ports import loopback


def add_flags(parser: ArgumentParser) -> None:
    """Add every option; the defaults come from the settings."""
    parser.add_argument("--host", "-host", type=host, default=settings.EMULATOR_HOST)
    parser.add_argument(
        "--port", "-port", type=port, default=settings.EMULATOR_PORT, help="gRPC; 0 is any free one"
    )
    parser.add_argument(
        "--http-port",
        type=port,
        help="REST, certificates, discovery, health; by default the issuer's port where one is "
        f"given, else {settings.EMULATOR_HTTP_PORT}; 0 is any free one",
    )
    parser.add_argument(
        "--openid-issuer",
        "-openid-issuer",
        metavar="URL",
        help="what the tokens name as their issuer (OIDC_ISSUER, else the HTTP port's address)",
    )
    _add_queue_flags(parser)
    _add_sending_flags(parser)
    _add_strictness_flags(parser)


def _add_queue_flags(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--queue",
        "-queue",
        action="append",
        default=[],
        metavar="NAME[,SETTING=VALUE...]",
        help="make this queue if it does not exist, and set what is given: a short id or a full "
        "name, then settings as in default,max_dispatches_per_second=5,max_attempts=3; repeatable",
    )
    parser.add_argument(
        "--queue-file",
        metavar="FILE",
        help="queues with their settings in YAML, or Google's queue.yaml; applied again whenever "
        "it changes",
    )
    _add_window_flags(parser)


def _add_window_flags(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--task-tombstone",
        type=seconds,
        default=3600.0,
        metavar="SECONDS",
        help="how long the name of an ended task rests (3600)",
    )
    parser.add_argument(
        "--queue-cooldown",
        type=seconds,
        default=604800.0,
        metavar="SECONDS",
        help="how long the name of a deleted queue rests (604800)",
    )
    parser.add_argument(
        "--keep-ended",
        type=seconds,
        default=86400.0,
        metavar="SECONDS",
        help="how long ended tasks and their attempts can be looked at (86400)",
    )
    parser.add_argument(
        "--hard-reset-on-purge-queue",
        "-hard-reset-on-purge-queue",
        type=boolean,
        nargs="?",
        const=True,
        default=False,
        metavar="true|false",
        help="a purge forgets the names of its tasks as well",
    )


def _add_sending_flags(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--app-engine-host",
        action="append",
        default=[],
        metavar="[SERVICE=]URL",
        help="where App Engine tasks go, of one service or of all others; repeatable "
        "(APP_ENGINE_EMULATOR_HOST)",
    )
    _switch(parser, "--follow-redirects", "follow redirects of HTTP targets")
    _switch(parser, "--honour-retry-after", "wait for as long as a failed answer asks, or longer")
    parser.add_argument(
        "--target-ca", default="", metavar="FILE", help="trust these certificates of https targets"
    )
    _switch(parser, "--target-insecure", "do not verify the certificates of https targets")


def _add_strictness_flags(parser: ArgumentParser) -> None:
    _switch(parser, "--strict-https-tokens", "refuse tasks for http:// with a token, as Google")
    _switch(
        parser, "--strict-routing-header", "refuse calls without x-goog-request-params, as Google"
    )


def _switch(parser: ArgumentParser, name: str, text: str) -> None:
    parser.add_argument(name, action="store_true", help=f"{text} (off)")


def server_options(given: dict[str, Any]) -> Any:
    """Return the emulator's Options for what the parser read.

    Raises ValueError (StartFailed for the file of queues) with a sentence for what cannot be.
    """
    from datetime import timedelta

    from .methods import Switches, Windows
    from .options import Options

    http_port = _http_port(given)
    return Options(
        host=given["host"],
        port=given["port"],
        http_port=http_port,
        issuer=_issuer(given, http_port),
        windows=Windows(
            timedelta(seconds=given["task_tombstone"]), timedelta(seconds=given["queue_cooldown"])
        ),
        switches=Switches(
            strict_https_tokens=given["strict_https_tokens"],
            strict_routing_header=given["strict_routing_header"],
            hard_reset_on_purge=given["hard_reset_on_purge_queue"],
        ),
        sending=_sending(given),
        keep_ended=timedelta(seconds=given["keep_ended"]),
        **_queues(given),
    )


def _issuer(given: dict[str, Any], http_port: int) -> str:
    """Return the issuer that the web admits, or "" where the port is not the one it knows."""
    if given["openid_issuer"]:
        return str(given["openid_issuer"]).rstrip("/")
    chosen = bool(os.environ.get("OIDC_ISSUER", "").strip())
    known = http_port == settings.EMULATOR_HTTP_PORT != 0
    known = known and loopback(given["host"]) == loopback(settings.EMULATOR_HOST)
    return str(settings.OIDC_ISSUER) if chosen or known else ""


def _http_port(given: dict[str, Any]) -> int:
    """Return the HTTP port; an issuer on the command line is served where it says it is."""
    if given["http_port"] is not None:
        return int(given["http_port"])
    try:
        port = urlsplit(given["openid_issuer"] or "").port
    except ValueError as error:
        raise ValueError(f"--openid-issuer {given['openid_issuer']}: {error}.") from None
    return port or settings.EMULATOR_HTTP_PORT


def _sending(given: dict[str, Any]) -> Any:
    from .app_engine import parse_host
    from .sending import Sending

    inherited = os.environ.get("APP_ENGINE_EMULATOR_HOST", "").strip()
    hosts = [*([inherited] if inherited else []), *given["app_engine_host"]]
    return Sending(
        app_engine=dict(parse_host(each) for each in hosts),
        follow_redirects=given["follow_redirects"],
        honour_retry_after=given["honour_retry_after"],
        target_ca=given["target_ca"],
        target_insecure=given["target_insecure"],
    )


def _queues(given: dict[str, Any]) -> dict[str, Any]:
    from .declared import BadSetting, from_option
    from .names import full_queue_name
    from .queue_file import QueueFile

    def complete(name: str) -> str:
        project, location = settings.GOOGLE_CLOUD_PROJECT, settings.CLOUD_TASKS_LOCATION
        return full_queue_name(name, project, location)

    inherited = re.split(r"[\s,]+", os.environ.get("INITIAL_QUEUES", "").strip())
    queues, declared = [complete(name) for name in inherited if name], []
    for option in given["queue"]:
        if "," not in option:
            queues.append(complete(option))
            continue
        try:
            declared.append(from_option(complete(option)))
        except BadSetting as bad:
            raise ValueError(f"--queue {option}: {'.'.join(bad.path)}: {bad}.") from None
    file = QueueFile(given["queue_file"], complete) if given["queue_file"] else None
    if file is not None:
        file.read()  # a bad one stops the start before anything else is done
    return {"queues": queues, "declared": declared, "queue_file": file}
