"""The live view of ``dimse tap``: its page and its stream, over HTTP."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse
from threading import Event, Thread

import pytest
from peers import PATIENCE
from raw import HOST
from recordings import said_in

import dimse.cli.tap_live
from dimse.cli.tap_live import LiveView, listening_socket, url_of

NAME = "echo-echoscu-dcmprscp"


class Browser:
    """A client of the live view."""

    def __init__(self, view: LiveView, port: int) -> None:
        self.view, self.port = view, port
        self.connections: list[HTTPConnection] = []

    def get(self, path: str, **headers: str) -> HTTPResponse:
        connection = HTTPConnection(HOST, self.port, timeout=PATIENCE)
        self.connections.append(connection)
        connection.request("GET", path, headers=headers)
        return connection.getresponse()


@pytest.fixture
def browser() -> Iterator[Browser]:
    sock = listening_socket(HOST, 0)
    view = LiveView(sock, tuple, is_redacted=False)
    found = Browser(view, sock.getsockname()[1])
    yield found
    view.close()
    for connection in found.connections:
        connection.close()


def play(view: LiveView) -> None:
    """Let a recorded association happen."""
    view.opened(1, "127.0.0.1:5 > 127.0.0.1:104", 0.0)
    for side, data, _ in said_in(NAME):
        view.received(1, side, data, 1.0)
    view.closed(1, "closed by both sides")


def test_stream_has_the_events(browser: Browser) -> None:
    stream = browser.get("/events")
    play(browser.view)
    browser.view.close()
    text = stream.read().decode()
    assert text.startswith("id: 1\nevent: association\n")
    assert '"words": "closed by both sides"' in text.split("\n\n")[-2]


def test_close_waits_for_the_last_events(browser: Browser) -> None:
    written: list[bytes] = []
    begun, has_closed = Event(), Event()

    def write(data: bytes) -> None:
        begun.set()
        if not written:
            has_closed.wait(0.15)  # the server stops sooner; so `close` has returned, or waits for this function
        written.append(data)

    def stream() -> None:
        browser.view.stream(write, None)
        browser.view.leave()

    assert browser.view.enter()
    browser.view.opened(1, "", 0.0)
    streaming = Thread(target=stream)
    streaming.start()
    begun.wait()
    browser.view.closed(1, "closed by both sides")
    browser.view.close()
    found = list(written)
    has_closed.set()
    streaming.join()
    assert b"closed by both sides" in b"".join(found)


def test_stream_continues_after_the_last_event(browser: Browser) -> None:
    browser.view.opened(1, "", 0.0)
    browser.view.opened(2, "", 0.0)
    stream = browser.get("/events", **{"Last-Event-ID": "1"})
    assert stream.readline() == b"id: 2\n"


def test_stream_is_not_cached(browser: Browser) -> None:
    assert browser.get("/events").headers["Cache-Control"] == "no-store"


def test_page_allows_only_its_own_script(browser: Browser) -> None:
    policy = browser.get("/").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")


def test_page_opens_the_stream(browser: Browser) -> None:
    assert b'new EventSource("events")' in browser.get("/").read()


def test_other_path_is_not_found(browser: Browser) -> None:
    assert browser.get("/etc/passwd").status == 404


@pytest.mark.parametrize("host", ["attacker.example", "", "attacker.example:80", "[::2]"])
def test_other_host_is_refused(browser: Browser, host: str) -> None:
    assert browser.get("/events", Host=host).status == 403


def test_other_method_is_refused(browser: Browser) -> None:
    connection = HTTPConnection(HOST, browser.port, timeout=PATIENCE)
    browser.connections.append(connection)
    connection.request("POST", "/events")
    assert connection.getresponse().status == 501


def test_too_many_clients_are_refused(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dimse.cli.tap_live, "_MAX_CLIENTS", 1)
    browser.get("/events")
    assert browser.get("/events").status == 503


def test_client_that_leaves_makes_room(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dimse.cli.tap_live, "_MAX_CLIENTS", 1)
    monkeypatch.setattr(dimse.cli.tap_live, "_HEARTBEAT", 0.01)
    browser.get("/events").close()
    browser.connections.pop().close()
    while browser.get("/events").status == 503:
        pass


def test_error_of_a_host_name_has_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "create_server", fail)
    with pytest.raises(OSError, match=r"cannot listen on nope\.invalid:0: Name or service not known"):
        listening_socket("nope.invalid", 0)


def test_ipv6_address_has_brackets() -> None:
    with listening_socket("::1", 0) as sock:
        assert url_of(sock) == f"http://[::1]:{sock.getsockname()[1]}/"


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "[::"}],
    ids=str,
)
def test_request_of_another_origin_is_refused(browser: Browser, headers: dict[str, str]) -> None:
    assert browser.get("/events", **headers).status == 403


def test_link_leads_to_the_page(browser: Browser) -> None:
    assert browser.get("/", **{"Sec-Fetch-Site": "cross-site"}).status == 200


@pytest.mark.parametrize(("address", "is_known"), [("127.0.0.1", False), ("0.0.0.0", True), ("::", True)])
def test_machine_name_is_accepted_if_others_can_reach_it(address: str, is_known: bool) -> None:
    view = LiveView(listening_socket(address, 0), tuple, is_redacted=False)
    assert (socket.gethostname().lower() in view.hosts) == is_known
    view.close()


def test_given_host_name_is_accepted() -> None:
    view = LiveView(listening_socket(HOST, 0), tuple, is_redacted=False, host="Tap.Example")
    assert "tap.example" in view.hosts
    view.close()


def test_url_names_the_machine_for_all_addresses() -> None:
    with listening_socket("0.0.0.0", 0) as sock:
        assert url_of(sock) == f"http://{socket.gethostname()}:{sock.getsockname()[1]}/"


def test_slow_request_ends(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dimse.cli.tap_live, "_REQUEST", 0.01)
    with socket.create_connection((HOST, browser.port), PATIENCE) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        assert client.recv(100) == b""


def test_long_request_ends(browser: Browser) -> None:
    with socket.create_connection((HOST, browser.port), PATIENCE) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nA: ".ljust(1 << 14, b"a"))
        assert client.recv(100) == b""


@pytest.mark.parametrize("line", [b"GE\rSet-Cookie:a T / HTTP/1.0", b"GET /\r\xff\x1b[31m HTTP/1.0", b"<b> / HTTP/1.0"])
def test_hostile_request_line_adds_no_header(browser: Browser, line: bytes) -> None:
    with socket.create_connection((HOST, browser.port), PATIENCE) as client:
        client.sendall(line + b"\r\nHost: localhost\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(1 << 16), b""))
    head = answer.partition(b"\r\n\r\n")[0].splitlines()
    assert [row.partition(b":")[0] for row in head[1:]] == [
        b"Server",
        b"Date",
        b"Connection",
        b"Content-Type",
        b"Content-Length",
    ]


def test_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dimse.cli.tap_live, "_MAX_CONNECTIONS", 1)
    sock = listening_socket(HOST, 0)
    view, address = LiveView(sock, tuple, is_redacted=False), sock.getsockname()
    with socket.create_connection(address, PATIENCE), socket.create_connection(address, PATIENCE) as second:
        assert second.recv(100) == b""
    view.close()


def test_unread_events_are_written_in_pieces(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dimse.cli.tap_live, "_MAX_WRITTEN", 1)
    pieces: list[bytes] = []
    play(browser.view)
    closing = iter([None] * 3)

    def write(piece: bytes) -> None:
        pieces.append(piece)
        if next(closing, "end") == "end":
            raise BrokenPipeError

    with suppress(BrokenPipeError):
        browser.view.stream(write, None)
    assert [piece.count(b"id: ") for piece in pieces] == [1, 1, 1, 1]
