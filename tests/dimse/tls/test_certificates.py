"""PEM files with the certificates of this side, and errors that name the file."""

import re
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


@pytest.fixture
def files(printer: Identity, modality: Identity, tmp_path: Path) -> dict[str, Path]:
    """Return usable and unusable files by what they contain."""
    contents = {
        "nonsense": b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n",
        "DER": b"\x30\x82\xff",
        "encrypted": b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "encrypted RSA": (
            b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"
        ),
    }
    written = {name: tmp_path / f"{name}.pem" for name in contents}
    for name, path in written.items():
        path.write_bytes(contents[name])
    return written | {"certificate": printer.certificate, "key": printer.key, "other key": modality.key}


@pytest.mark.parametrize("is_server", [True, False], ids=["server", "client"])
@pytest.mark.parametrize(
    ("certificate", "key", "at_fault", "words"),
    [
        ("DER", "key", ["DER"], "not a PEM file with a certificate"),
        ("key", "key", ["key"], "not a PEM file with a certificate"),
        ("certificate", "certificate", ["certificate"], "not a PEM file with a private key"),
        ("certificate", None, ["certificate"], "not a PEM file with a private key"),
        ("certificate", "other key", ["other key"], "not the private key of the certificate {certificate}"),
        ("certificate", "encrypted", ["encrypted"], "the private key is encrypted"),
        ("certificate", "encrypted RSA", ["encrypted RSA"], "the private key is encrypted"),
        ("nonsense", "key", ["nonsense", "key"], "cannot be used: "),
    ],
)
def test_error_names_the_unusable_file(
    profile: TLSProfile,
    authority: Authority,
    files: dict[str, Path],
    certificate: str,
    key: str | None,
    at_fault: list[str],
    words: str,
    *,
    is_server: bool,
) -> None:
    make_context = server_context if is_server else partial(client_context, authority.ca)
    with pytest.raises(DecodeError) as caught:
        make_context(files[certificate], None if key is None else files[key], profile=profile)
    assert caught.value.path == ", ".join(str(files[name]) for name in at_fault)
    assert caught.value.what.startswith(words.format(certificate=files["certificate"]))


@pytest.mark.parametrize("ca", ["DER", "nonsense", "key"])
def test_error_names_the_unusable_ca(profile: TLSProfile, files: dict[str, Path], ca: str) -> None:
    with pytest.raises(DecodeError) as caught:
        client_context(files[ca], profile=profile)
    assert caught.value.path == str(files[ca])


def test_expired_certificate_raises(profile: TLSProfile, authority: Authority) -> None:
    now, day = datetime.now(UTC), timedelta(days=1)
    past = authority.issue("past", not_before=now - 9 * day, not_after=now - day)
    with pytest.raises(DecodeError, match=f"past.pem: the certificate expired on {now - day:%Y-%m-%d %H:%M} UTC"):
        server_context(*past, profile=profile)


def test_future_certificate_raises(profile: TLSProfile, authority: Authority) -> None:
    now, day = datetime.now(UTC), timedelta(days=1)
    future = authority.issue("future", not_before=now + day, not_after=now + 9 * day)
    with pytest.raises(DecodeError, match=f"future.pem: the certificate is valid only from {now + day:%Y-%m-%d}"):
        client_context(authority.ca, *future, profile=profile)


def test_certificate_may_expire_after_2049(profile: TLSProfile, authority: Authority) -> None:
    """From 2050 on, its year has four digits (RFC 5280 §4.1.2.5)."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    far = authority.issue("far", not_before=yesterday, not_after=datetime(2055, 1, 1, tzinfo=UTC))
    server_context(*far, profile=profile)


def test_certificate_with_an_invalid_date_raises(profile: TLSProfile, printer: Identity, tmp_path: Path) -> None:
    der = ssl.PEM_cert_to_DER_cert(printer.certificate.read_text())
    not_before = re.search(rb"\x17\x0d\d{12}Z", der)  # a UTCTime of 13 characters
    assert not_before is not None
    month = not_before.start() + 4
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
