"""The pages of batches: the form, the dry run, progress, what is done with one, the list."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile

from dashboard.errors import NotFound, Refused, Unreachable
from dashboard.models import Batch, SentTask
from tests.dashboard.batches import FORM, URL, begun, make
from tests.dashboard.conftest import DEFAULT, allow, make_event, make_queue, make_sent

pytestmark = pytest.mark.django_db
MAKES = ("dashboard.view_batch", "dashboard.add_batch", "dashboard.add_senttask")


@pytest.fixture
def answers(cloud):
    """A Cloud Tasks that takes everything, unless the test says otherwise."""
    cloud.create_tasks.side_effect = lambda drafts, seconds: [None] * len(drafts)
    return cloud.create_tasks


@pytest.fixture
def maker(newcomer):
    allow(newcomer, *MAKES)
    return newcomer


def post(client, path, **fields):
    return client.post(path, fields, follow=True)


def log():
    entries = LogEntry.objects.filter(content_type__model="batch").order_by("id")
    return [(entry.object_repr, entry.change_message) for entry in entries]


def test_a_csv_is_checked_shown_and_sent(client, maker, answers):
    allow(maker, "receiver.view_body", "dashboard.view_senttask")
    file = SimpleUploadedFile("rows.csv", "city,unused\nRome,1\n<b>Åre</b>,2\nOslo\n".encode())
    fields = FORM | {"source": "csv", "body": "to {{city}}", "headers": "X-City: {{city|url}}"}
    answer = post(client, "/batches/new/", **fields | {"file": file})
    batch = Batch.objects.get()
    assert answer.redirect_chain == [(f"/batches/{batch.pk}/", 302)]
    text = answer.content.decode()
    assert "3 rows: 2 can be sent, 1 cannot. Nothing has been sent yet" in text
    assert "Send 2 tasks without the 1 wrong row" in text
    assert "to &lt;b&gt;Åre&lt;/b&gt;" in text
    assert "X-City: %3Cb%3E%C3%85re%3C%2Fb%3E" in text
    assert "Fields: 1; columns in the first line: 2." in text
    assert "Nothing uses the column unused" in text
    assert SentTask.objects.count() == 0
    assert not answers.called

    answer = post(client, f"/batches/{batch.pk}/send/")
    text = answer.content.decode()
    assert f'hx-post="/batches/{batch.pk}/slice/?state=sending"' in text
    assert "<p data-without-script><button" in text
    assert not answers.called
    answer = post(client, f"/batches/{batch.pk}/slice/")
    assert answer.redirect_chain == [(f"/batches/{batch.pk}/", 302)]
    text = answer.content.decode()
    assert re.search(r'<progress[^>]*max="2" value="2"', text)
    assert f'href="/tasks/?batch={batch.pk}"' in text
    assert "hx-post" not in text
    assert [bytes(sent.body).decode() for sent in SentTask.objects.order_by("id")] == [
        *("to Rome", "to <b>Åre</b>")
    ]
    assert log() == [
        (str(batch), "Checked: 2 of 3 rows can be sent to queue default."),
        (str(batch), "Sending of 2 tasks begun."),
    ]


def test_a_second_press_does_nothing(client, maker, answers):
    batch = make()
    post(client, f"/batches/{batch.pk}/send/")
    post(client, f"/batches/{batch.pk}/slice/")
    before = log()
    for act in ("send", "slice", "stop", "resume", "cancel", "retry"):
        assert post(client, f"/batches/{batch.pk}/{act}/").status_code == 200
    assert answers.call_count == 1
    assert log() == before
    assert SentTask.objects.count() == 3


def test_a_live_part_goes_on_by_itself_and_ends_with_the_page_loaded_anew(client, maker, answers):
    batch = begun()
    answers.side_effect = [[Unreachable("Nobody there.")] * 3, [None] * 3]
    path = f"/batches/{batch.pk}/slice/?state=sending"
    answer = client.post(path, headers={"HX-Request": "true"})
    text = answer.content.decode()
    assert text.strip().startswith('<form id="batch-live"')
    assert "Nobody there." in text
    assert 'hx-trigger="load delay:3000ms, every 10s"' in text
    assert "data-without-script" not in text
    answer = client.post(path, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (204, "true")
    answer = client.get(f"/batches/{batch.pk}/?state=finished", headers={"HX-Request": "true"})
    assert '<progress class="bar" max="3" value="3"' in answer.content.decode()


def test_who_may_only_look_polls_and_sends_nothing(client, newcomer, answers):
    allow(newcomer, "dashboard.view_batch")
    batch = begun()
    text = client.get(f"/batches/{batch.pk}/").content.decode()
    assert f'hx-get="/batches/{batch.pk}/?state=sending"' in text
    assert "hx-post" not in text
    assert "<button" not in text.split("<main")[1].split("</main>")[0]
    poll = client.get(f"/batches/{batch.pk}/?state=sending", headers={"HX-Request": "true"})
    assert poll.status_code == 200
    for act in ("slice", "send", "stop", "resume", "retry", "cancel", "delete"):
        assert client.post(f"/batches/{batch.pk}/{act}/").status_code == 403
    assert not answers.called


def test_bodies_are_shown_to_those_who_may_see_them(client, maker, answers):
    batch = make(body="secret {{n}}")
    text = client.get(f"/batches/{batch.pk}/").content.decode()
    assert "secret" not in text
    assert "8 bytes" in text
    assert "secret" not in client.get(f"/batches/new/?like={batch.pk}").content.decode()
    allow(maker, "receiver.view_body")
    assert "secret 1" in client.get(f"/batches/{batch.pk}/").content.decode()
    assert "secret {{n}}" in client.get(f"/batches/new/?like={batch.pk}").content.decode()


def test_a_batch_is_stopped_resumed_given_up_and_deleted(client, maker, answers):
    allow(maker, "dashboard.delete_batch")
    batch = begun(count="80")
    assert "Stop the batch" in post(client, f"/batches/{batch.pk}/delete/").content.decode()
    text = post(client, f"/batches/{batch.pk}/stop/").content.decode()
    assert "Give up the 80 left" in text
    text = post(client, f"/batches/{batch.pk}/resume/").content.decode()
    assert "hx-post" in text
    post(client, f"/batches/{batch.pk}/stop/")
    text = client.get(f"/batches/{batch.pk}/cancel/").content.decode()
    assert "80 rows have not been sent. They never will be" in text
    batch.refresh_from_db()
    assert batch.left == 80
    text = post(client, f"/batches/{batch.pk}/cancel/").content.decode()
    assert "Given up" in text
    text = client.get(f"/batches/{batch.pk}/delete/").content.decode()
    assert "Its 80 rows and what was wrong with them are deleted for good." in text
    text = post(client, f"/batches/{batch.pk}/delete/").content.decode()
    assert f"Batch {batch.pk} deleted." in text
    assert Batch.objects.count() == 0
    assert [message for _, message in log()] == [
        "Stopped, 80 left.",
        "Resumed, 80 left.",
        "Stopped, 80 left.",
        "80 rows that were left are given up.",
        "Deleted; 0 tasks had been sent.",
    ]


def test_the_tasks_of_a_deleted_batch_stay(client, maker, answers):
    allow(maker, "dashboard.delete_batch")
    batch = begun()
    post(client, f"/batches/{batch.pk}/slice/")
    post(client, f"/batches/{batch.pk}/delete/")
    assert list(SentTask.objects.values_list("batch", flat=True)) == [None] * 3


def test_errors_are_shown_by_row_downloaded_and_tried_again(client, maker, answers):
    batch = begun(count="30")
    odd = Refused("INVALID_ARGUMENT: =cmd|\x00\u202e, x", "INVALID_ARGUMENT")
    answers.side_effect = [[odd] * 25 + [None] * 5, [None] * 25]
    post(client, f"/batches/{batch.pk}/slice/")
    text = client.get(f"/batches/{batch.pk}/").content.decode()
    assert text.count("INVALID_ARGUMENT: =cmd|\\x00\\u202e, x") == 20
    assert "The first 20 rows; the file has all." in text
    answer = client.get(f"/batches/{batch.pk}/errors.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="batch-{batch.pk}-errors.csv"'
    )
    lines = answer.content.decode().splitlines()
    assert lines[:2] == ["row,column,error", '1,,"INVALID_ARGUMENT: =cmd|\\x00\\u202e, x"']
    assert len(lines) == 26
    text = post(client, f"/batches/{batch.pk}/retry/").content.decode()
    assert "Errors by row" not in text
    post(client, f"/batches/{batch.pk}/slice/")
    batch.refresh_from_db()
    assert (batch.sent, batch.failed, batch.state) == (30, 0, "finished")
    assert log() == [(str(batch), "25 failed rows to be sent again.")]


def test_a_cell_that_would_be_a_formula_is_text(client, maker, answers):
    batch = make(source="csv", pasted="=a,b\n1,2\n1\n", url=URL)
    row = batch.rows.get(state="wrong")
    row.faults = [["=a", "@SUM(1)"], [" +1", "\uff1d1"], ["-", "plain"]]
    row.save()
    lines = client.get(f"/batches/{batch.pk}/errors.csv").content.decode().splitlines()
    assert lines[1:] == ["2,'=a,'@SUM(1)", "2,' +1,'\uff1d1", "2,'-,plain"]


def test_the_form_comes_back_with_what_was_typed_and_why(client, maker, answers):
    answer = client.post("/batches/new/", FORM | {"count": "x", "body": "kept {{b}}"})
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Enter a whole number." in text
    assert "Nothing fills {{b}}" in text
    assert "kept {{b}}" in text
    assert 'value="x"' in text
    assert Batch.objects.count() == 0


def test_a_small_file_comes_back_as_text_with_a_form_that_could_not_be_taken(
    client, maker, answers
):
    data = "\ufeffcity,note\r\nRome,a\r\n"
    fields = FORM | {"source": "csv", "body": "{{city}} {{note}}", "url": "nowhere"}
    file = SimpleUploadedFile("rows.csv", data.encode())
    answer = post(client, "/batches/new/", **fields | {"file": file})
    form = answer.context["form"]
    assert form["pasted"].value() == data[1:]
    assert "What was in the file stands below now" in answer.content.decode()
    mended = fields | {"pasted": data[1:], "url": URL}
    post(client, "/batches/new/", **mended)
    assert Batch.objects.get().rows.get().values == '["Rome", "a"]'


def test_of_a_large_file_or_one_beside_a_text_the_form_carries_nothing(client, maker, answers):
    wrong = FORM | {"source": "csv", "url": "nowhere"}
    for data, pasted in ((b"a\n" + b"x" * 2**20, ""), (b"a\n1", "typed"), (b"a\n\xff", "")):
        file = SimpleUploadedFile("rows.csv", data)
        answer = post(client, "/batches/new/", **wrong | {"file": file, "pasted": pasted})
        assert answer.context["form"]["pasted"].value() == pasted
        assert "stands below now" not in answer.content.decode()


def test_after_the_session_nothing_typed_or_chosen_is_lost(client, maker, answers):
    maker.set_password("right")
    maker.save()
    client.logout()
    file = SimpleUploadedFile("rows.csv", b"city\nRome\n")
    typed = FORM | {"source": "csv", "body": "{{city}}"}
    asked = client.post("/batches/new/", typed | {"file": file})
    carried = asked.context["typed"]
    assert dict(carried) == typed | {"pasted": "city\nRome\n"}
    person = {"username": maker.get_username(), "password": "right"}
    answer = client.post("/enqueue/log-in/", dict(carried) | person)
    form = answer.context["form"]
    assert {name: form[name].value() for name in typed} == dict(carried)
    assert "the form is as you typed it. Nothing has been sent." in answer.content.decode()
    assert not Batch.objects.exists()


def test_many_of_these_after_the_session_is_the_enqueue_form_as_it_was(client, maker, answers):
    maker.set_password("right")
    maker.save()
    client.logout()
    typed = {"queue": "emails", "url": URL, "body": "to {{n}}", "headers": "A: 1"}
    asked = client.post("/batches/fill/", typed)
    assert "nothing has been sent" in asked.content.decode()
    person = {"username": maker.get_username(), "password": "right"}
    answer = client.post("/enqueue/log-in/", dict(asked.context["typed"]) | person)
    assert {name: answer.context["form"][name].value() for name in typed} == typed


def test_a_batch_that_is_sent_when_the_session_ends_asks_to_log_in(client, maker, answers):
    path = f"/batches/{begun().pk}/"
    client.logout()
    answer = client.post(f"{path}slice/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Refresh"]) == (204, "true")
    assert not answers.called
    for act in ("slice", "stop", "resume"):
        answer = client.post(path + f"{act}/", headers={"Referer": f"http://testserver{path}"})
        assert answer["Location"] == f"/admin/login/?next={path}"
    elsewhere = client.post(f"{path}stop/", headers={"Referer": "https://evil.example/x"})
    assert elsewhere["Location"] == "/admin/login/?next=/"


def test_an_upload_that_no_form_can_need_is_not_read(client, maker, answers, caplog):
    client.logout()
    for size, status in ((17, 413), (9, 200)):  # a stranger's, and that is asked to log in
        file = SimpleUploadedFile("rows.csv", b"x" * size * 2**20)
        answer = client.post("/batches/new/", FORM | {"source": "csv", "file": file})
        assert answer.status_code == status
        assert ("a file of rows 8 MiB" in answer.content.decode()) == (status == 413)
    assert not caplog.records  # whoever asks could fill a log


def test_a_file_over_the_limit_is_said_beside_it(client, maker, answers):
    file = SimpleUploadedFile("rows.csv", b"x" * (8 * 2**20 + 1))
    answer = post(client, "/batches/new/", **FORM | {"source": "csv", "file": file})
    assert answer.context["form"].errors["file"] == [
        "8,388,609 bytes; an upload may have 8,388,608."
    ]


def test_the_enqueue_form_and_an_earlier_batch_fill_the_form(client, maker, answers):
    typed = {"queue": "emails", "url": URL + "/x", "body": "from there", "method": "PUT"}
    text = post(client, "/batches/fill/", **typed).content.decode()
    assert "from there" in text
    assert 'value="emails"' in text
    assert "<option selected>PUT</option>" in text
    allow(maker, "receiver.view_body")
    batch = make(source="csv", pasted="a\n1\n", body="like {{a}}")
    text = client.get(f"/batches/new/?like={batch.pk}").content.decode()
    assert "like {{a}}" in text
    assert re.search(r'value="csv" checked', text)
    assert client.get("/batches/new/?like=x").status_code == 200
    assert client.get("/batches/new/?like=99999").status_code == 200


def test_a_queue_that_cannot_be_listed_is_said_and_typed_by_hand(client, maker, cloud):
    cloud.list_queues.side_effect = Unreachable("Nobody there.")
    text = client.get("/batches/new/").content.decode()
    assert "Nobody there." in text
    assert 'name="queue"' in text


def test_what_was_checked_and_not_sent_is_deleted_after_a_week(client, maker, answers):
    old, young, sent = make(submission="1"), make(submission="2"), begun(submission="3")
    for batch in (old, sent):
        Batch.objects.filter(pk=batch.pk).update(created_at="2026-01-01T00:00Z")
    post(client, "/batches/new/", **FORM | {"submission": "4"})
    left = set(Batch.objects.values_list("submission", flat=True))
    assert left == {young.submission, sent.submission, "4"}


def test_the_list_shows_where_each_stands_a_page_at_a_time(client, maker, answers, admin_user):
    assert "No batches yet." in client.get("/batches/").content.decode()
    batches = [make(user=admin_user, submission=str(n)) for n in range(51)]
    batches[-1].start()
    Batch.objects.filter(pk=batches[-1].pk).update(started_at="2026-01-01T00:00Z")
    text = client.get("/batches/").content.decode()
    assert text.count('<td class="whole"><a href="/batches/') == 50
    assert "Waiting for you" in text
    assert "Checked, not sent" in text
    assert "admin" in text
    assert f'href="?before={batches[1].pk}"' in text
    text = client.get(f"/batches/?before={batches[1].pk}").content.decode()
    assert text.count('<td class="whole"><a href="/batches/') == 1


def test_before_the_first_batch_the_list_says_what_one_is(client, newcomer, answers):
    allow(newcomer, "dashboard.view_batch")
    text = client.get("/batches/").content.decode()
    assert "No batches yet. A batch sends up to 10,000 tasks" in text
    assert "Make one" not in text
    allow(newcomer, *MAKES)
    assert 'href="/batches/new/">Make one</a>' in client.get("/batches/").content.decode()


def test_the_dry_run_says_what_is_wrong_with_the_queues(client, maker, answers, cloud):
    states = {"paused": "PAUSED", "works": "RUNNING"}

    def get_queue(name):
        if name.endswith("/nowhere"):
            raise NotFound("NOT_FOUND: no", "NOT_FOUND")
        if name.endswith("/hidden"):
            raise Refused("PERMISSION_DENIED: no", "PERMISSION_DENIED")
        return make_queue(name, state=states[name.rpartition("/")[2]])

    cloud.get_queue.side_effect = get_queue
    pasted = "queue\nworks\npaused\nnowhere\nhidden\npaused\n"
    batch = make(source="csv", pasted=pasted, queue="{{queue}}")
    text = client.get(f"/batches/{batch.pk}/").content.decode()
    assert re.findall(r'<p class="note warned">(.*?)</p>', text) == [
        "There is no queue nowhere: its tasks would be refused.",
        "The queue paused is paused: its tasks wait.",
    ]


def test_the_list_is_live_and_tells_that_not_all_were_sent(client, maker, answers):
    batch = begun(count="2")
    text = client.get("/batches/").content.decode()
    poll = re.search(r'hx-get="(/batches/\?seen=\w+)"', text)[1]
    assert client.get(poll, headers={"HX-Request": "true"}).status_code == 204
    answers.side_effect = [[None, Refused("INVALID_ARGUMENT: no", "INVALID_ARGUMENT")]]
    post(client, f"/batches/{batch.pk}/slice/")
    text = client.get(poll, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in text
    assert "Finished, not all sent" in text
    assert 'class="bar not-all" max="2" value="2"' in text
    assert '<td class="n bad">1<span class="only-narrow"> in error</span></td>' in text


def test_a_task_leads_to_its_batch(client, maker, answers):
    allow(maker, "dashboard.view_senttask")
    batch = begun(count="1")
    post(client, f"/batches/{batch.pk}/slice/")
    text = client.get(f"/tasks/{batch.tasks.get().pk}/").content.decode()
    assert f'<a href="/batches/{batch.pk}/">Batch {batch.pk}</a>' in text


def test_tasks_and_events_of_one_batch_are_listed_alone(client, maker, answers):
    allow(maker, "dashboard.view_senttask", "receiver.view_event")
    batch = begun(count="1")
    post(client, f"/batches/{batch.pk}/slice/")
    mine = batch.tasks.get().task_id
    make_sent("other")
    make_event(mine)
    make_event("other")
    for path in (f"/tasks/?batch={batch.pk}", f"/events/?q=batch:{batch.pk}"):
        text = client.get(path).content.decode()
        assert f">{mine}<" in text
        assert ">other<" not in text
        assert ">other<" in client.get(path.split("?")[0]).content.decode()
    text = client.get(f"/tasks/?batch={batch.pk}").content.decode()
    assert f'by <a href="/batches/{batch.pk}/">batch {batch.pk}</a> alone' in text
    assert f'<input type="hidden" name="batch" value="{batch.pk}">' in text
    assert f'href="/tasks/?state=done&amp;batch={batch.pk}"' in text


def test_an_unknown_batch_is_not_found(client, maker, answers):
    for path in ("/batches/9/", "/batches/9/errors.csv"):
        assert client.get(path).status_code == 404
    for act in ("slice", "send", "stop", "resume", "retry", "cancel"):
        assert client.post(f"/batches/9/{act}/").status_code == 404


def test_the_admin_shows_batches_and_changes_none(
    admin_client, answers, django_assert_max_num_queries
):
    batch = make(body="secret")
    with django_assert_max_num_queries(12):
        text = admin_client.get("/admin/dashboard/batch/").content.decode()
    assert str(batch) in text
    text = admin_client.get(f"/admin/dashboard/batch/{batch.pk}/change/").content.decode()
    assert DEFAULT in text
    assert batch.salt not in text
    assert "secret" in text
    assert 'name="_save"' not in text
    assert admin_client.get("/admin/dashboard/batch/add/").status_code == 403
    assert admin_client.post(f"/admin/dashboard/batch/{batch.pk}/delete/").status_code == 403


def test_the_admin_keeps_bodies_from_those_who_may_not_see_them(client, newcomer, answers):
    allow(newcomer, "dashboard.view_batch")
    batch = make(body="secret")
    text = client.get(f"/admin/dashboard/batch/{batch.pk}/change/").content.decode()
    assert DEFAULT in text
    assert "secret" not in text
