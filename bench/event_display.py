"""The tutorial's event display, which is the measure: it prints what came, and stores nothing."""

from flask import Flask, request

app = Flask(__name__)


def event_display(path: str = "") -> tuple[str, int]:
    """Print a request."""
    print(f"Event Display received event: {request.get_data(as_text=True)}", flush=True)
    return "OK", 200


app.add_url_rule("/", view_func=event_display, methods=["POST"])
app.add_url_rule("/<path:path>", view_func=event_display, methods=["POST"])
