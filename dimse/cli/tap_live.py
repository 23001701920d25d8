"""The live view of ``dimse tap``: a small HTTP server whose page shows associations while they happen.

The server has two resources: the page, and ``/events``, a stream of Server-Sent Events for that page and for programs.
It answers only requests whose Host is its own address or a name of this machine. This prevents DNS rebinding: a page of
another site, whose name the DNS then maps to this address, cannot read the stream. A request that a page of another
origin makes is refused, unless the browser follows a link to the page of this server.
"""

import socket
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from io import BytesIO
from ipaddress import ip_address
from threading import BoundedSemaphore, Condition, RLock, Thread
from typing import Any
from urllib.parse import urlsplit

from ..explain import View
from ..explain.feed import Feed
from ..net.addresses import listening_failed

__all__ = ["LiveView", "Views", "listening_socket", "url_of"]

Views = Callable[[], Sequence[View]]  # returns new views, which see the messages of one association

_MAX_CLIENTS = 32  # clients of the stream at once; further ones get the status 503
_MAX_CONNECTIONS = 64  # connections at once; further ones are closed unread
_MAX_REQUEST = 1 << 14  # bytes in the head of a request
_MAX_WRITTEN = 1 << 18  # bytes of events in one write
_HEARTBEAT = 15.0  # seconds without an event after which a comment shows whether the client is still there
_REQUEST = 10.0  # seconds for a client to send its whole request
_WRITE = 30.0  # seconds for a client to read the bytes of one write
_CLOSE = 0.1  # seconds within which the server notices `close`
_LAST = 1.0  # seconds for the clients to get the last events


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a socket for the server. Raises OSError if the address cannot be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as exc:
        raise listening_failed(exc, host, port) from exc


def url_of(sock: socket.socket) -> str:
    """Return the address of the page, with the name of this machine if the server listens on all addresses."""
    host, port = sock.getsockname()[:2]
    host = socket.gethostname() if ip_address(host).is_unspecified else host
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


class LiveView:
    """The server. It runs in threads of its own from its creation to `close`, which also closes ``sock``.

    ``host`` is the name or address that the user gave for ``sock``; requests with this Host are answered, too.
    ``views`` and ``is_redacted`` are as in `Feed`.
    """

    def __init__(self, sock: socket.socket, views: Views, *, is_redacted: bool, host: str = "") -> None:
        self.hosts = _hosts(sock, host)
        self._feed = Feed(views, is_redacted=is_redacted)
        lock = RLock()
        self._changed = Condition(lock)
        self._left = Condition(lock)  # notified when a client has gone
        self._is_closed = False
        self._clients = 0
        self._server = _Server(sock, self._handler)
        serve = partial(self._server.serve_forever, poll_interval=_CLOSE)
        self._thread = Thread(target=serve, name="dimse tap: live view", daemon=True)
        self._thread.start()

    def opened(self, number: int, title: str, when: float) -> None:
        """Show the beginning of an association; ``title`` has both addresses: "REQUESTOR > ACCEPTOR"."""
        requestor, _, acceptor = title.partition(" > ")
        with self._changed:
            self._feed.opened(number, requestor, acceptor, when)

    def received(self, number: int, side: str, data: bytes, when: float) -> None:
        """Explain bytes of one side."""
        with self._changed:
            self._feed.received(number, side, data, when)

    def closed(self, number: int, why: str) -> None:
        """Show the end of an association."""
        with self._changed:
            self._feed.closed(number, why)

    def close(self) -> None:
        """End all streams with their last events, and stop the server."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            self._left.wait_for(lambda: not self._clients, _LAST)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self, *arguments: Any) -> "_Handler":
        return _Handler(self, *arguments)

    def stream(self, write: Callable[[bytes], object], after: int | None) -> None:
        """Write events until the view closes; raise OSError when the client has gone.

        The events begin after number ``after``, or, if that is None, with the earliest event that is kept.
        """
        with self._changed:
            listener = self._feed.listen(self._changed.notify_all, after=after)
        try:
            while True:
                with self._changed:
                    data = listener.take(_MAX_WRITTEN)
                    if not data and not self._is_closed:
                        self._changed.wait(_HEARTBEAT)
                        data = listener.take(_MAX_WRITTEN)
                    if not data and self._is_closed:
                        return
                write(data or b": still here\n\n")
        finally:
            with self._changed:
                listener.close()

    def enter(self) -> bool:
        """Count a client of the stream, and return True; if there is no room for it, only return False."""
        with self._changed:
            if self._clients >= _MAX_CLIENTS:
                return False
            self._clients += 1
            return True

    def leave(self) -> None:
        """Stop counting a client, which has gone."""
        with self._changed:
            self._clients -= 1
            self._left.notify_all()


def _hosts(sock: socket.socket, host: str) -> frozenset[str]:
    """Return the names and addresses that the header Host may have, besides the address to which the client connected.

    The names of this machine count only if the server can be reached from other machines.
    """
    names = {host.lower(), "localhost", "127.0.0.1", "::1"}
    if not ip_address(sock.getsockname()[0]).is_loopback:
        name = socket.gethostname().lower()
        label = name.partition(".")[0]
        names |= {name, label, f"{label}.local"}
    return frozenset(names - {""})


class _Server(ThreadingHTTPServer):
    """An HTTP server on a given socket, with at most `_MAX_CONNECTIONS` connections at once."""

    daemon_threads = True

    def __init__(self, sock: socket.socket, handler: Callable[..., BaseHTTPRequestHandler]) -> None:
        super().__init__(sock.getsockname()[:2], handler, bind_and_activate=False)
        self.socket.close()
        self.socket = sock
        self._room = BoundedSemaphore(_MAX_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing about a client that breaks off its connection."""


class _Handler(BaseHTTPRequestHandler):
    """The answer to one request."""

    protocol_version = "HTTP/1.0"  # one request for each connection
    server_version = "dimse"
    sys_version = ""

    def __init__(self, view: LiveView, *arguments: Any) -> None:
        self._view = view
        super().__init__(*arguments)

    def setup(self) -> None:
        super().setup()
        self.rfile = BytesIO(_head(self.connection))
        self.connection.settimeout(_WRITE)

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if not self._is_for_us():
            self.send_error(HTTPStatus.FORBIDDEN, "the Host of the request is not the address of this server")
        elif not self._is_same_origin(path):
            self.send_error(HTTPStatus.FORBIDDEN, "the request comes from a page of another origin")
        elif path == "/":
            self._send_page()
        elif path == "/events":
            self._send_events()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *arguments: object) -> None:  # the base class calls the argument `format`
        """Log no requests."""

    def _is_for_us(self) -> bool:
        try:
            name = urlsplit(f"//{self.headers.get('Host', '')}").hostname or ""
        except ValueError:  # a bracket in the Host is not closed
            return False
        return name == self.connection.getsockname()[0] or name.removesuffix(".") in self._view.hosts

    def _is_same_origin(self, path: str) -> bool:
        """Return False for a request that a page of another origin made, except for a link to our page."""
        origin = self.headers.get("Origin")
        if origin is not None and origin != f"http://{self.headers.get('Host', '')}":
            return False
        return path == "/" or self.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")

    def _send_page(self) -> None:
        page, policy = _page()
        self._begin("text/html; charset=utf-8", {"Content-Length": str(len(page)), "Content-Security-Policy": policy})
        self.wfile.write(page)

    def _send_events(self) -> None:
        last = self.headers.get("Last-Event-ID", "")
        if not self._view.enter():
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, f"there are already {_MAX_CLIENTS} clients")
            return
        try:
            self._begin("text/event-stream; charset=utf-8", {})
            with suppress(OSError):
                self._view.stream(self.wfile.write, int(last) if last.isdecimal() and len(last) < 16 else None)
        finally:
            self._view.leave()

    def _begin(self, kind: str, headers: dict[str, str]) -> None:
        self.send_response(HTTPStatus.OK)
        fixed = {"Content-Type": kind, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        fixed["Cross-Origin-Resource-Policy"] = "same-origin"
        for name, value in {**fixed, **headers}.items():
            self.send_header(name, value)
        self.end_headers()


def _head(connection: socket.socket) -> bytes:
    """Return the head of a request; b"" if it is too long or cut off. Raises TimeoutError if it comes too slowly."""
    end, data = time.monotonic() + _REQUEST, bytearray()
    while b"\r\n\r\n" not in data and len(data) < _MAX_REQUEST:
        connection.settimeout(max(0.001, end - time.monotonic()))
        part = connection.recv(_MAX_REQUEST - len(data))
        if not part:
            break
        data += part
    return bytes(data) if b"\r\n\r\n" in data else b""


@cache
def _page() -> tuple[bytes, str]:
    """Return the page, and its Content Security Policy."""
    folder = resources.files(__package__)
    script, style = ((folder / name).read_text(encoding="utf-8") for name in ("tap_live.js", "tap_live.css"))
    page = (folder / "tap_live.html").read_text(encoding="utf-8")
    page = page.replace("/* style */", style).replace("/* script */", script)
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )
    return page.encode(), policy


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
