"""Certificates for the tests of TLS, and each of its two profiles."""

from typing import get_args

import pytest
from certificates import Authority, Identity

from dimse.net import TLSProfile


@pytest.fixture(params=get_args(TLSProfile))
def profile(request: pytest.FixtureRequest) -> TLSProfile:
    """Return each of the two profiles."""
    profile: TLSProfile = request.param
    if profile == "B.13":
        pytest.importorskip("OpenSSL")
    return profile


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def printer(authority: Authority) -> Identity:
    return authority.issue("printer")


@pytest.fixture(scope="session")
def modality(authority: Authority) -> Identity:
    return authority.issue("modality", "ct1.example.org")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return an untrusted authority."""
    return Authority(tmp_path_factory.mktemp("stranger"))
