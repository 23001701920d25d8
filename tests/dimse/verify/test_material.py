"""Octets that cases of several categories send."""

from random import Random

from dimse.verify.cases.material import random_octets


class Zeros(Random):
    """A generator whose octets begin with the type of an A-ASSOCIATE-AC."""

    def randbytes(self, n: int) -> bytes:
        return b"\2" + bytes(n - 1)


def test_random_octets_do_not_begin_like_a_pdu() -> None:
    octets = random_octets(Zeros(1))
    assert octets[0] not in range(1, 8)
    assert octets[1:] == bytes((1 << 16) - 1)
