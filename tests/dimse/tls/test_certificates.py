"""PEM files with the certificates of this side, and errors that name the file."""

import ssl
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from certificates import Authority, Identity
from handshakes import shake_hands

from dimse.errors import (
    DecodeError,
)
from dimse.net import (
    TLSProfile,
    client_context,
    server_context,
)
from dimse.tls import TLSSession


def test_unusable_files_raise(
    profile: TLSProfile, authority: Authority, printer: Identity, modality: Identity, tmp_path: Path
) -> None:
    text, empty = tmp_path / "text.pem", tmp_path / "empty.pem"
    text.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    empty.write_bytes(b"\x30\x82\xff")
    encrypted, old = tmp_path / "encrypted.pem", tmp_path / "old.pem"
    encrypted.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
    old.write_text("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n")
    refusals = [
        ((empty, printer.key), empty, "not a PEM file with a certificate"),
        ((printer.key, printer.key), printer.key, "not a PEM file with a certificate"),
        ((printer.certificate, printer.certificate), printer.certificate, "not a PEM file with a private key"),
        ((printer.certificate, None), printer.certificate, "not a PEM file with a private key"),
        ((printer.certificate, modality.key), modality.key, f"not the private key of the certificate {printer[0]}"),
        ((printer.certificate, encrypted), encrypted, "the private key is encrypted"),
        ((printer.certificate, old), old, "the private key is encrypted"),
        ((text, printer.key), f"{text}, {printer.key}", "cannot be used: "),
    ]
    for files, path, words in refusals:
        for make in (server_context, partial(client_context, authority.ca)):
            with pytest.raises(DecodeError) as caught:
                make(*files, profile=profile)
            assert caught.value.path == str(path)
            assert caught.value.what.startswith(words)
    for ca in (empty, text, printer.key):
        with pytest.raises(DecodeError) as caught:
            client_context(ca, profile=profile)
        assert caught.value.path == str(ca)


def test_expired_or_future_certificate_raises(profile: TLSProfile, authority: Authority) -> None:
    now, day = datetime.now(UTC), timedelta(days=1)
    past = authority.issue("past", not_before=now - 9 * day, not_after=now - day)
    future = authority.issue("future", not_before=now + day, not_after=now + 9 * day)
    far = authority.issue("far", not_before=now - day, not_after=datetime(2055, 1, 1, tzinfo=UTC))
    with pytest.raises(DecodeError, match=f"past.pem: the certificate expired on {now - day:%Y-%m-%d %H:%M} UTC"):
        server_context(*past, profile=profile)
    with pytest.raises(DecodeError, match=f"future.pem: the certificate is valid only from {now + day:%Y-%m-%d}"):
        client_context(authority.ca, *future, profile=profile)
    server_context(*far, profile=profile)  # its year has four digits, RFC 5280 §4.1.2.5


def test_certificate_with_an_invalid_date_raises(profile: TLSProfile, printer: Identity, tmp_path: Path) -> None:
    der = ssl.PEM_cert_to_DER_cert(printer.certificate.read_text())
    month = der.index(b"\x17\x0d") + 4  # in notBefore, a UTCTime of 13 characters
    wrong = tmp_path / "wrong.pem"
    wrong.write_text(ssl.DER_cert_to_PEM_cert(der[:month] + b"99" + der[month + 2 :]))
    with pytest.raises(DecodeError, match=r"wrong\.pem: the dates of the certificate do not follow RFC 5280"):
        server_context(wrong, printer.key, profile=profile)


def test_file_may_begin_with_a_byte_order_mark(
    profile: TLSProfile, authority: Authority, printer: Identity, tmp_path: Path
) -> None:
    files = [tmp_path / path.name for path in (authority.ca, *printer)]
    for marked, path in zip(files, (authority.ca, *printer), strict=True):
        marked.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    client, server = client_context(files[0], profile=profile), server_context(*files[1:], profile=profile)
    shake_hands(TLSSession(client, "127.0.0.1"), TLSSession(server, None))


def test_missing_files_raise(profile: TLSProfile, printer: Identity, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    for files in ((missing, printer.key), (printer.certificate, missing)):
        with pytest.raises(FileNotFoundError) as caught:
            server_context(*files, profile=profile)
        assert caught.value.filename == str(missing)


def test_certificate_and_key_may_share_a_file(
    profile: TLSProfile, authority: Authority, printer: Identity, tmp_path: Path
) -> None:
    both = tmp_path / "both.pem"
    both.write_text("# ward 3, première\n" + printer.key.read_text() + printer.certificate.read_text(), "utf-8")
    client = TLSSession(client_context(authority.ca, profile=profile), "127.0.0.1")
    server = TLSSession(server_context(both, profile=profile), None)
    shake_hands(client, server)
    assert client.certificate is not None
    assert set(client.certificate.names) == {"IP Address:127.0.0.1", "DNS:localhost"}
