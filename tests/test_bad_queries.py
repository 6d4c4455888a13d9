"""Nonsense in an address is a 400 with a sentence on both databases, never a 500."""

import pytest

pytestmark = pytest.mark.django_db(databases=["default", "emulator"])


@pytest.mark.parametrize(
    "path",
    [
        "/admin/auth/user/?username=%00",
        "/admin/receiver/event/?outcome__exact=%00",
        "/admin/receiver/event/?q=%00",
        "/events/?queue=%00",
        "/tasks/by-name/?name=%00",
    ],
)
def test_a_nul_in_a_query_is_a_400(admin_client, path):
    answer = admin_client.get(path)
    assert answer.status_code == 400
    assert "<p>The address holds a NUL character. Nothing has been done." in answer.content.decode()


def test_a_value_out_of_range_is_no_500(admin_client):
    answer = admin_client.get("/admin/auth/user/?date_joined__year=99999999999")
    assert answer.status_code in {302, 400}
    assert admin_client.get("/admin/auth/user/99999999999999999999/change/").status_code == 302


def test_a_delivery_may_hold_any_query(client):
    assert client.post("/receive?x=%00").status_code == 401
    assert client.post("/?x=%00").status_code == 401
