"""A model server that only tells which models it has."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@contextmanager
def listing(
    body: bytes, status: int = 200, key: str | None = None, path: str = "/models", error_code: str = ""
) -> Iterator[str]:
    """Serve `body` at /v1/models as long as the context lasts, and return the base_url.

    Args:
        path: another place below /v1.
        error_code: as the Hugging Face hub tells what is wrong.
        key: who does not send it as a bearer token is refused.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = key is None or self.headers["Authorization"] == f"Bearer {key}"
            known = self.path == f"/v1{path}"
            self.send_response((status if known else 404) if allowed else 401)
            self.send_header("X-Error-Code", error_code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
