"""Why a request is turned away, and what it is answered: one table."""

from .models import Refusal

Reason = Refusal.Reason

# reason: status, and a sentence that says the same to everybody (never what was sent).
ANSWERS: dict[Reason, tuple[int, str]] = {
    Reason.MISSING: (401, "No token: send the task with an OIDC token."),
    Reason.MALFORMED: (401, "Not one bearer token of the right form."),
    Reason.SIGNATURE_REMOVED: (
        401,
        "The token's signature was removed by Cloud Run: set RECEIVER_AUTH to iam.",
    ),
    Reason.KEY: (401, "The token is signed with an unknown key or another algorithm than RS256."),
    Reason.SIGNATURE: (401, "The token's signature does not match."),
    Reason.EXPIRED: (401, "The token is expired, not valid yet, or valid for over an hour."),
    Reason.ISSUER: (401, "The token is of another issuer than OIDC_ISSUER."),
    Reason.AUDIENCE: (401, "The token is for another audience than this receiver."),
    Reason.ACCOUNT: (403, "The token is of another account than OIDC_SERVICE_ACCOUNT."),
    Reason.KEYS_UNREACHABLE: (503, "The issuer's certificates cannot be fetched at the moment."),
    Reason.TOO_LARGE: (413, "The body is over the limit."),
    Reason.TRUNCATED: (400, "The body is shorter than announced, or broken."),
    Reason.LENGTH_REQUIRED: (411, "The length of the body is unknown."),
    Reason.HOST: (400, "The host is not one of ALLOWED_HOSTS."),
}


class Refused(Exception):
    """Raised for a request that is not taken; `account` and `audience` are mere claims."""

    def __init__(self, reason: Reason, account: str = "", audience: str = "") -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.account = account
        self.audience = audience
