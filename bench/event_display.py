"""The tutorial's event display, which is the measure: it prints what came, and stores nothing."""

from flask import Flask, request

app = Flask(__name__)


@app.route("/", methods=["POST"], defaults={"path": ""})
@app.route("/<path:path>", methods=["POST"])
def event_display(path: str) -> tuple[str, int]:
    """Print a request."""
    print(f"Event Display received event: {request.get_data(as_text=True)}", flush=True)
    return "OK", 200
