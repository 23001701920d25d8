"""Contexts for old versions of TLS."""

import warnings

from dimse.verify.tls_material import Version, client


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
