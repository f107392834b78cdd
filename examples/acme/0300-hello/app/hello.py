"""Answers every request with its path."""

import signal
import sys
from wsgiref.simple_server import make_server


def answer(path):
    return f"Hello from {path}\n".encode()


def application(environ, start_response):
    body = answer(environ.get("PATH_INFO", "/"))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


if __name__ == "__main__":
    # Process 1 gets only the signals that it asks for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    make_server("", 8000, application).serve_forever()
