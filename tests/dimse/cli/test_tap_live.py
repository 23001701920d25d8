"""The live view of ``dimse tap``: its page and its stream, over HTTP."""

from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse

import pytest
from peers import PATIENCE
from raw import HOST
from recordings import said_in

import dimse.cli.tap_live
from dimse.cli.tap_live import LiveView, listening, url_of

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
    sock = listening(HOST, 0)
    view = LiveView(sock, tuple, is_redacted=False)
    found = Browser(view, sock.getsockname()[1])
    yield found
    view.close()
    for connection in found.connections:
        connection.close()


def play(view: LiveView) -> None:
    """Let a recorded association happen."""
    view.opened(1, "127.0.0.1:5 > 127.0.0.1:104", 0.0)
    for who, data, _ in said_in(NAME):
        view.received(1, who, data, 1.0)
    view.closed(1, "closed by both sides")


def test_stream_has_the_events(browser: Browser) -> None:
    stream = browser.get("/events")
    play(browser.view)
    browser.view.close()
    text = stream.read().decode()
    assert text.startswith("id: 1\nevent: association\n")
    assert '"words": "closed by both sides"' in text.split("\n\n")[-2]


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
    monkeypatch.setattr(dimse.cli.tap_live, "_MOST_CLIENTS", 1)
    browser.get("/events")
    assert browser.get("/events").status == 503


def test_client_that_goes_makes_room(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dimse.cli.tap_live, "_MOST_CLIENTS", 1)
    monkeypatch.setattr(dimse.cli.tap_live, "_HEARTBEAT", 0.01)
    browser.get("/events").close()
    browser.connections.pop().close()
    while browser.get("/events").status == 503:
        pass


def test_ipv6_address_has_brackets() -> None:
    with listening("::1", 0) as sock:
        assert url_of(sock) == f"http://[::1]:{sock.getsockname()[1]}/"
