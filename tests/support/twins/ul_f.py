"""Peers that are wrong in one thing of UL-F."""

from dimse.ul import State

from .common import (
    ASSOCIATE_AC,
    ASSOCIATE_RJ,
    ASSOCIATE_RQ,
    P_DATA,
    RELEASE_RP,
    RELEASE_RQ,
    UNKNOWN,
    Twins,
    answers,
    ignores,
)

__all__ = ["UL_F"]

UL_F: Twins = {
    "UL-F-1.02": lambda: ignores(ASSOCIATE_AC, State.Sta2),
    "UL-F-1.03": lambda: ignores(ASSOCIATE_RJ, State.Sta2),
    "UL-F-1.04": lambda: ignores(P_DATA, State.Sta2),
    "UL-F-1.05": lambda: answers(RELEASE_RQ, bytes.fromhex("0600 00000004 00000000"), State.Sta2),
    "UL-F-1.06": lambda: ignores(RELEASE_RP, State.Sta2),
    "UL-F-2.01": lambda: ignores(ASSOCIATE_AC),
    "UL-F-2.02": lambda: ignores(ASSOCIATE_RJ),
    "UL-F-2.03": lambda: ignores(ASSOCIATE_RQ),
    "UL-F-2.04": lambda: ignores(RELEASE_RP),
    "UL-F-2.05": lambda: ignores(UNKNOWN),
}
