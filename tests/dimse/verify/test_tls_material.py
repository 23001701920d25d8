"""Contexts for old versions of TLS, and connections whose records a case sends itself."""

import asyncio
import ssl
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from certificates import Authority
from cryptography.hazmat.primitives import serialization

from dimse.errors import LimitExceeded
from dimse.verify import tls_material
from dimse.verify.tls_material import Tunnel, Version, client, server, untrusted_certificate


def test_old_version_changes_one_filter_of_warnings() -> None:
    before = list(warnings.filters)
    for _ in range(2):
        assert client(minimum=Version.TLSv1, maximum=Version.TLSv1_1).maximum_version is Version.TLSv1_1
    assert list(warnings.filters)[1:] == before


def test_old_version_keeps_the_filter_of_another_thread() -> None:
    client(minimum=Version.TLSv1, maximum=Version.TLSv1_1)
    warnings.filterwarnings("ignore", "set by another thread")
    client(minimum=Version.TLSv1, maximum=Version.TLSv1_1)
    assert any("another thread" in str(one[1]) for one in warnings.filters)


def test_certificate_of_an_archive_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "package.zip", "w") as archive:
        archive.writestr("untrusted.pem", untrusted_certificate().read_bytes())
    monkeypatch.setattr(tls_material, "files", lambda _: zipfile.Path(tmp_path / "package.zip"))
    server(untrusted_certificate.__wrapped__())


async def test_tunnel_sees_close_notify_as_the_end() -> None:
    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()  # asyncio sends close_notify first

    listener = await asyncio.start_server(say_nothing, "127.0.0.1", 0, ssl=server(untrusted_certificate()))
    async with listener:
        reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
        tunnel = Tunnel(reader, writer, client())
        await tunnel.shake_hands()
        with pytest.raises(EOFError, match="close_notify"):
            await tunnel.pdu()
        tunnel.close()


async def test_tunnel_refuses_an_endless_pdu() -> None:
    async def declare_much(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes.fromhex("0200 FFFFFFF0"))
        writer.close()

    listener = await asyncio.start_server(declare_much, "127.0.0.1", 0, ssl=server(untrusted_certificate()))
    async with listener:
        reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
        tunnel = Tunnel(reader, writer, client())
        await tunnel.shake_hands()
        with pytest.raises(LimitExceeded):
            await tunnel.pdu()
        tunnel.close()


@pytest.mark.parametrize("context", [client, server])
def test_encrypted_key_is_refused_without_a_question(context: Callable[..., object], tmp_path: Path) -> None:
    certificate, key = Authority(tmp_path).issue("tester")
    secret = serialization.load_pem_private_key(key.read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"secret")
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key.write_bytes(secret.private_bytes(pem, pkcs8, encryption))
    with pytest.raises(ssl.SSLError, match="the private key is encrypted"):
        context(certificate=certificate, key=key)
