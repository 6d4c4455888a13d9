"""What to do about each reason of a refusal: words and commands, one pure table.

The commands name settings, never what a refused request claimed: a claim may be a trap.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

_CREATE = (
    "gcloud tasks create-http-task --queue=QUEUE --url={url} --oidc-service-account-email={account}"
)
_SHOW_KEYS = "curl -fsS {certs_url}"


@dataclass(frozen=True)
class Mend:
    """A sentence or two, and the commands to paste, one a line; capitals are for the reader."""

    text: str
    command: str


# By Refusal.Reason; `{set}` and `{unset}` change a setting where this process runs.
MENDS = {
    "missing": Mend("Create the task with the token of the account that is admitted.", _CREATE),
    "malformed": Mend(
        "Let Cloud Tasks make the token: leave Authorization out of the task's own headers, and "
        "send no second token in X-Serverless-Authorization.",
        _CREATE,
    ),
    "signature-removed": Mend(
        "Cloud Run has checked the token and taken its signature away. Believe what it checked, "
        "once you see that it lets in nobody without a token (no allUsers).",
        "gcloud run services get-iam-policy {service}\n{set} RECEIVER_AUTH=iam",
    ),
    "key": Mend(
        "The keys at OIDC_CERTS_URL do not hold the one that signed: look which they are. A "
        "replaced VAR_DIR gives the emulator a new key; restart both processes then.",
        _SHOW_KEYS,
    ),
    "signature": Mend(
        "The token was altered on its way, or signed by somebody else under a known key id. "
        "Where it is your own emulator's, restart both processes.",
        _SHOW_KEYS,
    ),
    "expired": Mend(
        "The clocks differ by over 10 seconds, or an old request was sent again. Compare this "
        "machine's clock.",
        "date -u",
    ),
    "lifetime": Mend(
        "Tokens of Google and of the emulator hold for an hour, this one for longer: have it made "
        "by them.",
        "gcloud auth print-identity-token --include-email --audiences={url} "
        "--impersonate-service-account={account}",
    ),
    "issuer": Mend(
        "Admitted are the tokens of {issuer}. Without settings of your own that is Google in the "
        "cloud and the emulator elsewhere.",
        "{unset}",
    ),
    "audience": Mend(
        "Name this receiver in the task; or, where it is reached under another address, set "
        "RECEIVER_URL (or add to OIDC_AUDIENCES) the audience that tasks name.",
        _CREATE + " --oidc-token-audience={url}",
    ),
    "account": Mend(
        "Admitted is {account} alone. Send with it, or admit the account that your tasks name.",
        "{set} OIDC_SERVICE_ACCOUNT=NAME@PROJECT.iam.gserviceaccount.com",
    ),
    "email-unverified": Mend(
        "The issuer does not vouch for the address: it is no service account's token. Let the "
        "task carry one.",
        _CREATE,
    ),
    "keys-unreachable": Mend(
        "This process cannot fetch the issuer's keys. On a laptop the emulator is not running "
        "(make run starts both); in the cloud look at the way out of the network.",
        _SHOW_KEYS,
    ),
    "too-large": Mend(
        "A task holds at most 1 MB, so this was no task. Keep large data elsewhere and send its "
        "name.",
        "gcloud storage cp FILE gs://BUCKET/",
    ),
    "truncated": Mend(
        "The connection broke within the body; Cloud Tasks tries again. Where it goes on, "
        "something between the two cuts it: try without that.",
        "curl -v --data-binary @FILE {url}/receive",
    ),
    "length-required": Mend(
        "Django's development server cannot read a chunked body. Run the project's own.",
        "make run",
    ),
    "host": Mend(
        "The request was for a name that this service does not answer to. Admit the name that "
        "tasks are sent to; RECEIVER_URL's own is admitted where ALLOWED_HOSTS is left out.",
        "{set} ALLOWED_HOSTS=NAME",
    ),
}


def mend(reason: str, facts: Mapping[str, str], *, service: str) -> Mend:
    """Return the mend of a reason with the settings filled in, quoted for a shell.

    `facts` are url, account, issuer and certs_url; `service` is the Cloud Run service, if any.
    """
    run = f"gcloud run services update {shlex.quote(service)}"
    unset = f"{run} --remove-env-vars OIDC_ISSUER,OIDC_CERTS_URL"
    places = {
        "service": shlex.quote(service or "SERVICE"),
        "set": f"{run} --update-env-vars" if service else "export",
        "unset": unset if service else "unset OIDC_ISSUER OIDC_CERTS_URL",
    }
    found = MENDS[reason]
    quoted = {name: shlex.quote(value) for name, value in facts.items()}
    return Mend(found.text.format(**facts), found.command.format(**(quoted | places)))
