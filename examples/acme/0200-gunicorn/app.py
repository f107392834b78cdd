"""Stands in for an application; copy yours over it, or name another one."""

import sys


def application(environ, start_response):
    body = f"Python {sys.version.split()[0]} at {environ.get('PATH_INFO', '/')}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
