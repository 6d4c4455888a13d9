"""What the tests of batches share: a filled form, a batch made of it."""

from dashboard import batch_new
from dashboard.batch_form import BatchForm
from dashboard.models import Batch

URL = "http://localhost:8080/receive"
ACCOUNT = "tasks@demo.iam.gserviceaccount.com"
FORM = {
    "source": "copies",
    "count": "3",
    "pasted": "",
    "queue": "default",
    "method": "POST",
    "url": URL,
    "headers": "",
    "body": "row {{n}}",
    "schedule_time": "",
    "name": "",
    "account": ACCOUNT,
    "every": "",
    "pace": "second",
    "zone": "",
    "submission": "key-1",
}


def filled(**fields) -> BatchForm:
    """Return a form with these fields, which has been looked at."""
    form = BatchForm(FORM | fields)
    form.is_valid()
    return form


def make(user=None, **fields) -> Batch:
    """Return a batch that was checked and not sent."""
    form = filled(**fields)
    assert not form.errors, form.errors
    batch, _ = batch_new.make(form, user)
    assert batch, form.errors
    return batch


def begun(**fields) -> Batch:
    """Return a batch of which nothing is sent yet, and which may be."""
    batch = make(**fields)
    assert batch.start()
    return batch
