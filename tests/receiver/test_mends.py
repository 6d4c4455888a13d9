"""Every refusal has a mend: words, and commands that hold settings and nothing else."""

import shlex

import pytest

from receiver.mends import MENDS, mend
from receiver.models import Refusal

FACTS = {
    "url": "https://service-1.a.run.app",
    "account": "tasks@demo.iam.gserviceaccount.com",
    "issuer": "https://accounts.google.com",
    "certs_url": "https://www.googleapis.com/oauth2/v1/certs",
}


def test_every_reason_has_one():
    assert set(MENDS) == {reason.value for reason in Refusal.Reason}


@pytest.mark.parametrize("service", ["", "tasks"])
@pytest.mark.parametrize("reason", MENDS)
def test_a_mend_is_sentences_and_commands(reason, service):
    found = mend(reason, FACTS, service=service)
    assert found.text.endswith(".")
    assert not {"{", "}"} & set(found.text + found.command)
    for line in found.command.splitlines():
        assert shlex.split(line)[0] in {"gcloud", "curl", "date", "make", "export", "unset"}


@pytest.mark.parametrize(
    ("reason", "service", "command"),
    [
        (
            "audience",
            "",
            "gcloud tasks create-http-task --queue=QUEUE --url=https://service-1.a.run.app "
            "--oidc-service-account-email=tasks@demo.iam.gserviceaccount.com "
            "--oidc-token-audience=https://service-1.a.run.app",
        ),
        (
            "signature-removed",
            "tasks",
            "gcloud run services get-iam-policy tasks\n"
            "gcloud run services update tasks --update-env-vars RECEIVER_AUTH=iam",
        ),
        ("issuer", "", "unset OIDC_ISSUER OIDC_CERTS_URL"),
        (
            "issuer",
            "tasks",
            "gcloud run services update tasks --remove-env-vars OIDC_ISSUER,OIDC_CERTS_URL",
        ),
        (
            "account",
            "tasks",
            "gcloud run services update tasks --update-env-vars "
            "OIDC_SERVICE_ACCOUNT=NAME@PROJECT.iam.gserviceaccount.com",
        ),
        ("keys-unreachable", "", "curl -fsS https://www.googleapis.com/oauth2/v1/certs"),
    ],
)
def test_commands(reason, service, command):
    assert mend(reason, FACTS, service=service).command == command


def test_a_setting_is_quoted_for_the_shell():
    facts = FACTS | {"certs_url": "https://x/?a=1&b=$(id)"}
    assert shlex.split(mend("key", facts, service="").command)[-1] == facts["certs_url"]


def test_a_row_fills_in_the_settings_and_no_claim(settings):
    settings.OIDC_SERVICE_ACCOUNT = "tasks@here.iam.gserviceaccount.com"
    row = Refusal(reason="account", account="evil@x", audience="$(id)")
    assert row.mend.text.startswith("Admitted is tasks@here.iam.gserviceaccount.com alone.")
    assert "evil" not in row.mend.text + row.mend.command
