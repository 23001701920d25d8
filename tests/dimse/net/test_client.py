"""`connect` opens an association, and raises an error that names the failure."""

import asyncio
import errno
import os
import socket
import threading

import pytest
from raw import ECHO, SYNTAXES, Raw, raw_server

from dimse.errors import (
    AssociationAborted,
    AssociationRejected,
    ConnectionFailed,
    EncodeError,
)
from dimse.net import (
    VERIFICATION,
    Caller,
    Timeouts,
    connect,
    serve,
)
from dimse.net.scu import c_echo
from dimse.ul import (
    PDU,
    AssociateRJ,
    AssociateRQ,
    MaximumLength,
    ReleaseRP,
    ReleaseRQ,
    UserIdentityRQ,
    UserItem,
)

pytestmark = pytest.mark.skips_waits


async def test_connect_error_names_the_address() -> None:
    with pytest.raises(ConnectionFailed, match=r"cannot connect to 127\.0\.0\.1:1: "):
        async with connect("127.0.0.1", 1, ECHO):
            pass


async def test_connect_error_has_an_ipv6_address_in_brackets() -> None:
    with pytest.raises(ConnectionFailed, match=r"cannot connect to \[::1\]:1: "):
        async with connect("::1", 1, ECHO):
            pass


async def test_timeout_of_the_system_is_reported_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """ETIMEDOUT is a TimeoutError, too."""

    async def give_up(*_: object) -> None:
        raise TimeoutError(errno.ETIMEDOUT, "an attempt")

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", give_up)
    with pytest.raises(ConnectionFailed, match=os.strerror(errno.ETIMEDOUT)):
        async with connect("127.0.0.1", 1, ECHO):
            pass


async def test_silent_peer_fails_at_the_connect_timeout() -> None:
    async def silent(raw: Raw) -> None:
        await raw.reader.read()

    async with raw_server(silent) as port:
        with pytest.raises(ConnectionFailed, match=r"did not answer within 0\.05 s"):
            async with connect("127.0.0.1", port, ECHO, timeouts=Timeouts(connect=0.05)):
                pass


async def test_rejection_names_result_source_and_reason() -> None:
    def refuse(request: AssociateRQ, caller: Caller) -> AssociateRJ | None:  # noqa: ARG001
        return AssociateRJ(1, 1, 7) if request.called_ae_title != "PRINTSCP" else None

    async with serve([VERIFICATION], port=0, policy=refuse) as server:
        with pytest.raises(AssociationRejected, match="called-AE-title-not-recognized"):
            async with connect(server.host, server.port, ECHO, called_ae_title="OTHER"):
                pass
        async with connect(server.host, server.port, ECHO, called_ae_title="PRINTSCP") as association:
            assert (await c_echo(association)).Status == 0


@pytest.mark.parametrize("title", ["", "   ", "SEVENTEEN LETTERS", "A\\B", "Ä", "A\x07"])
async def test_invalid_ae_title_is_not_sent(title: str) -> None:
    with pytest.raises(EncodeError, match="Calling-AE-title"):
        async with connect("127.0.0.1", 1, ECHO, calling_ae_title=title):
            pass


@pytest.mark.parametrize("item", [MaximumLength(1 << 32), UserIdentityRQ(1, False, bytes(70_000))])
async def test_unwritable_request_is_refused_before_connecting(item: UserItem) -> None:
    with pytest.raises(EncodeError):
        async with connect("127.0.0.1", 1, ECHO, user_items=[item]):
            pass


async def test_error_in_the_block_releases() -> None:
    seen: list[PDU | None] = []

    async def listen(raw: Raw) -> None:
        await raw.accept()
        seen.append(await raw.receive())
        raw.send(ReleaseRP())

    async with raw_server(listen) as port:
        with pytest.raises(KeyError):
            async with connect("127.0.0.1", port, ECHO):
                raise KeyError("mine")
    assert seen == [ReleaseRQ()]


async def test_peer_that_closes_at_once_is_an_abort() -> None:
    async def close(raw: Raw) -> None:
        await raw.receive()

    async with raw_server(close) as port:
        with pytest.raises(AssociationAborted, match="the transport connection closed"):
            async with connect("127.0.0.1", port, ECHO):
                pass


async def test_unexpected_answer_is_an_abort() -> None:
    async def http(raw: Raw) -> None:
        await raw.receive()
        raw.writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await raw.receive()

    async with raw_server(http) as port:
        with pytest.raises(AssociationAborted, match="unrecognized PDU type 48H"):
            async with connect("127.0.0.1", port, ECHO):
                pass


async def test_more_than_128_contexts_are_refused() -> None:
    with pytest.raises(EncodeError, match="contexts: 129 presentation contexts, at most 128 are allowed"):
        async with connect("127.0.0.1", 1, {f"1.2.{number}": SYNTAXES for number in range(129)}):
            pass


async def test_silent_close_hints_at_tls() -> None:
    """DCMTK with TLS closes like this, so the error suggests TLS."""
    async with raw_server(lambda raw: raw.reader.read(1000)) as port:
        with pytest.raises(AssociationAborted, match="before the peer sent anything; perhaps it expects TLS"):
            async with connect("127.0.0.1", port, ECHO):
                pass


async def test_name_server_that_is_silent_delays_no_other_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven look-ups would take all threads that asyncio has on a machine with two processors."""
    go_on = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: go_on.wait(60) and [])

    async def ask() -> None:
        async with connect("printer.example.org", 104, ECHO):
            pass

    asking = [asyncio.create_task(ask()) for _ in range(40)]
    assert await asyncio.to_thread(int, "7") == 7
    go_on.set()
    failures = await asyncio.gather(*asking, return_exceptions=True)
    assert {str(failure) for failure in failures} == {
        "cannot connect to printer.example.org:104: printer.example.org has no address"
    }


async def test_next_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("127.0.0.2", "127.0.0.1")]
    async with serve([VERIFICATION], "127.0.0.1", 0) as server:
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        async with connect("printer.example.org", server.port, ECHO) as association:
            assert association.transport.host == "127.0.0.1"


async def test_error_of_a_name_is_the_one_of_its_first_address(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("127.0.0.1", "127.0.0.2")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(ConnectionFailed, match=rf"cannot connect to peer:1: {os.strerror(errno.ECONNREFUSED)}$"):
        async with connect("peer", 1, ECHO):
            pass
