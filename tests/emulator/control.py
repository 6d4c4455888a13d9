"""The emulator's own paths, as a tester calls them."""

import json
import urllib.error
import urllib.parse
import urllib.request


class Asker:
    """GETs and POSTs JSON; an answer is (status, object)."""

    def __init__(self, base):
        self.base = base

    def get(self, path, headers=None, **query):
        return self._ask(f"{path}?{urllib.parse.urlencode(query)}", None, headers or {})

    def post(self, path, body=None, headers=None, **query):
        data = b"" if body is None else json.dumps(body).encode()
        return self._ask(f"{path}?{urllib.parse.urlencode(query)}", data, headers or {})

    def _ask(self, path, data, headers):
        request = urllib.request.Request(f"{self.base}/emulator/{path}", data, headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
