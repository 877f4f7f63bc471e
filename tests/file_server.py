"""A web server on this machine for the tests of downloads, which can misbehave."""

import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """Serves `files`, by name, at `url`; keeps the ``Range`` of each request in `asked`.

    ``break_after``: after how many bytes an answer breaks off, for the next requests, one number each.
    ``ranges``: whether it can send a part of a file. ``status``: an error to answer with. ``garbage``: bytes to answer
    with that are not those of a web server. ``length``: what it says of the length, if not the truth; "" for nothing.
    ``redirect``: an address to send all who ask to. ``endless``: whether an answer has no end; `sent` counts its bytes.
    ``silent_after``: after how many bytes nothing more comes, while the connection stays.
    """

    def __init__(self):
        self.files, self.asked, self.break_after, self.ranges, self.status = {}, [], [], True, None
        self.garbage, self.length, self.redirect, self.endless, self.silent_after = b"", None, "", False, None
        self.sent = 0
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
        if self.redirect:
            handler.send_response(302)
            handler.send_header("Location", self.redirect)
            handler.end_headers()
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        if start >= len(content) > 0:
            handler.send_error(416)
            return
        handler.send_response(206 if start else 200)
        length = str(len(content) - start) if self.length is None else self.length
        if length and not self.endless:
            handler.send_header("Content-Length", length)
        handler.end_headers()
        while self.endless and self.sent < 300_000_000:
            self.sent += handler.wfile.write(content)
        if self.silent_after is not None:
            handler.wfile.write(content[start : start + self.silent_after])
            self.hold.clear()
            self.hold.wait(20)
            return
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
