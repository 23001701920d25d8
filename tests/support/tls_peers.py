"""An echo over TLS, and the log about peers whose TLS fails."""

import logging

import pytest
from raw import ECHO

from dimse.net import Server, TLSContext, connect
from dimse.net.scu import c_echo

__all__ = ["echo", "warnings"]


async def echo(server: Server, tls: TLSContext | None) -> int:
    """Return the status of a C-ECHO on an association of its own."""
    async with connect(server.host, server.port, ECHO, tls=tls) as association:
        return (await c_echo(association)).Status


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the log about peers, without their addresses."""
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert all(line.startswith("127.0.0.1:") for line in lines)
    return [line.partition(": ")[2] for line in lines]
