"""The largest task that the form lets through arrives at the real receiver, all of it."""

from dashboard.rules import ALL_HEADER_BYTES, HEADERS, URL_LENGTH
from tests.processes import eventually


def test_the_largest_task_that_may_be_sent_is_taken(stack, tmp_path):
    file = tmp_path / "body.bin"
    file.write_bytes(b"\xff" * 960_000)
    url = f"{stack.web.url}/receive/largest?"
    url += "a" * (URL_LENGTH - len(url))
    headers = [("X-Long", "v" * 15_980)]
    rest = (ALL_HEADER_BYTES - 1 - len("X-Long") - 15_980) // (HEADERS - 1)
    headers += [(f"X-{n:02}", "v" * (rest - 4)) for n in range(HEADERS - 1)]
    options = [f"--header={name}: {value}" for name, value in headers]
    stack.web.manage("enqueue", f"--url={url}", f"--body-file={file}", *options)
    sql = "SELECT body_size, status, query FROM receiver_event WHERE path = '/receive/largest'"
    ((size, status, query),) = eventually(lambda: stack.web.rows(sql))
    assert (size, status) == (960_000, 200)
    assert len(query) == len(url.partition("?")[2])
