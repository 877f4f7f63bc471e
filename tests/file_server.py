"""A web server on this machine for the tests of downloads, which can misbehave."""

import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """Serves `files`, by name, at `url`; keeps the ``Range`` of each request in `asked`.

    ``break_after``: after how many bytes an answer breaks off, for the next requests, one number each.
    ``ranges``: whether it can send a part of a file. ``status``: an error to answer with. ``garbage``: bytes to answer
    with that are not those of a web server.
    """

    def __init__(self):
        self.files, self.asked, self.break_after, self.ranges, self.status = {}, [], [], True, None
        self.garbage = b""
        self.hold = threading.Event()  # while it is cleared, nothing is sent
        self.hold.set()
        self.url = ""

    def answer(self, handler) -> None:
        """Answer a request."""
        wanted = handler.headers.get("Range")
        self.asked.append(wanted)
        self.hold.wait(20)
        if self.garbage:
            handler.wfile.write(self.garbage)
            return
        content = self.files.get(handler.path.lstrip("/"))
        if self.status or content is None:
            handler.send_error(self.status or 404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        if start >= len(content) > 0:
            handler.send_error(416)
            return
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(content) - start))
        handler.end_headers()
        end = start + self.break_after.pop(0) if self.break_after else None
        handler.wfile.write(content[start:end])


@contextmanager
def running():
    """Give a `FileServer` at work."""
    files = FileServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            with suppress(ConnectionError):  # whoever asked may be killed: that is what some tests do
                files.answer(self)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        files.url = f"http://127.0.0.1:{server.server_address[1]}/"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield files
        finally:
            server.shutdown()
