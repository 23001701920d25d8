"""Certificates for tests: an authority and the certificates that it issues, as PEM files in a test's folder."""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import trustme


class Identity(NamedTuple):
    """A certificate and its private key."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority; ``ca`` is the file of its certificate."""

    def __init__(self, folder: Path, *, rsa: bool = False) -> None:
        self._folder = folder
        self._key_type = trustme.KeyType.RSA if rsa else trustme.KeyType.ECDSA
        self._ca = trustme.CA(key_type=self._key_type)
        folder.mkdir(exist_ok=True)
        self.ca = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.ca))

    def issue(
        self,
        name: str,
        *hosts: str,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> Identity:
        """Return a certificate of ``name`` for ``hosts``, by default this machine."""
        issued = self._ca.issue_cert(
            *(hosts or ("127.0.0.1", "localhost")),
            common_name=name,
            not_before=not_before,
            not_after=not_after,
            key_type=self._key_type,
        )
        identity = Identity(self._folder / f"{name}.pem", self._folder / f"{name}-key.pem")
        issued.cert_chain_pems[0].write_to_path(str(identity.certificate))
        issued.private_key_pem.write_to_path(str(identity.key))
        return identity
