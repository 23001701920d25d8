"""Two ends of a TLS connection and a perfect wire between them."""

import ssl

from certificates import Identity

from dimse.errors import RemoteProtocolError
from dimse.tls import TLSContext, TLSSession


def shake_hands(client: TLSSession, server: TLSSession, step: int = 1 << 20) -> None:
    """Run the handshake, ``step`` bytes at a time."""
    turn = [(client, server), (server, client)]
    client.handshake()
    while not (client.is_established and server.is_established):
        sender, receiver = turn[0]
        data = sender.data_to_send()
        for start in range(0, len(data), step):
            receiver.receive(data[start : start + step])
            if not receiver.is_established:
                receiver.handshake()
        turn.reverse()


def read(secure: TLSSession, size: int) -> bytes:
    """Return all available bytes, read through a buffer of ``size`` bytes."""
    buffer = memoryview(bytearray(size))
    return b"".join(bytes(buffer[:count]) for count in iter(lambda: secure.read_into(buffer), 0))


def complaints(client: TLSSession, server: TLSSession) -> tuple[str, str]:
    """Return the error of each side in a handshake that fails, "" for a side without one."""
    said = {client: "", server: ""}
    for _ in range(3):
        for sender, receiver in ((client, server), (server, client)):
            try:
                if sender.is_established:
                    read(sender, 100)
                elif not said[sender]:
                    sender.handshake()
            except RemoteProtocolError as exc:
                said[sender] = str(exc)
            receiver.receive(sender.data_to_send())
    return said[client], said[server]


def ends(client: TLSContext, server: TLSContext, host: str = "127.0.0.1") -> tuple[TLSSession, TLSSession]:
    """Return a client of ``host`` and a server."""
    return TLSSession(client, host), TLSSession(server, None)


def peer_client(suites: str) -> ssl.SSLContext:
    """Return a client with ``suites`` that accepts any TLS 1.2. Python's `ssl` has an OpenSSL of its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(f"{suites}:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def peer_server(identity: Identity, suites: str = "ALL") -> ssl.SSLContext:
    """Return a server that accepts weak keys."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(f"{suites}:@SECLEVEL=0")
    context.load_cert_chain(*identity)
    return context
