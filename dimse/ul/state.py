"""The Upper Layer state machine, PS3.8 §9.2.

Rule 1: every fact that decides a state is in this file, in a table wherever possible. Rule 2: this file deals with
neither bytes nor sockets nor a clock. It says what to do, and does nothing itself.

Read the grid at the bottom beside Table 9-10 of the standard: it has the same rows, columns and cells. A blank cell
(``___``) means that the event cannot happen in that state.
"""

from dataclasses import dataclass
from enum import Enum

__all__ = ["ACTIONS", "TABLE_9_10", "Action", "Do", "Event", "State"]


class State(Enum):
    """The states of PS3.8 Tables 9-1 to 9-5."""

    __hash__ = object.__hash__  # takes 0.02 us, four times in a C-ECHO; Enum.__hash__ is Python code and takes 0.08 us

    Sta1 = "Idle"
    Sta2 = "Transport connection open (awaiting A-ASSOCIATE-RQ PDU)"
    Sta3 = "Awaiting local A-ASSOCIATE response primitive"
    Sta4 = "Awaiting transport connection opening to complete"
    Sta5 = "Awaiting A-ASSOCIATE-AC or A-ASSOCIATE-RJ PDU"
    Sta6 = "Association established and ready for data transfer"
    Sta7 = "Awaiting A-RELEASE-RP PDU"
    Sta8 = "Awaiting local A-RELEASE response primitive"
    Sta9 = "Release collision requestor side; awaiting A-RELEASE response primitive"
    Sta10 = "Release collision acceptor side; awaiting A-RELEASE-RP PDU"
    Sta11 = "Release collision requestor side; awaiting A-RELEASE-RP PDU"
    Sta12 = "Release collision acceptor side; awaiting A-RELEASE response primitive"
    Sta13 = "Awaiting transport connection close indication"


class Event(Enum):
    """The rows of PS3.8 Table 9-10."""

    __hash__ = object.__hash__

    Evt1 = "A-ASSOCIATE request (local user)"
    Evt2 = "Transport connect confirmation"
    Evt3 = "A-ASSOCIATE-AC PDU received"
    Evt4 = "A-ASSOCIATE-RJ PDU received"
    Evt5 = "Transport connection indication"
    Evt6 = "A-ASSOCIATE-RQ PDU received"
    Evt7 = "A-ASSOCIATE response primitive (accept)"
    Evt8 = "A-ASSOCIATE response primitive (reject)"
    Evt9 = "P-DATA request primitive"
    Evt10 = "P-DATA-TF PDU received"
    Evt11 = "A-RELEASE request primitive"
    Evt12 = "A-RELEASE-RQ PDU received"
    Evt13 = "A-RELEASE-RP PDU received"
    Evt14 = "A-RELEASE response primitive"
    Evt15 = "A-ABORT request primitive"
    Evt16 = "A-ABORT PDU received"
    Evt17 = "Transport connection closed indication"
    Evt18 = "ARTIM timer expired"
    Evt19 = "Unrecognized or invalid PDU received"


class Do(Enum):
    """The verbs in the standard's actions."""

    CONNECT = "open the transport connection"
    SEND = "send the PDU of the local primitive"
    SEND_REJECT = "send an A-ASSOCIATE-RJ PDU (service-provider source)"
    USER_ABORT = "send an A-ABORT PDU (service-user source)"
    PROVIDER_ABORT = "send an A-ABORT PDU (service-provider source)"
    INDICATE = "indicate the received PDU to the local user"
    INDICATE_P_ABORT = "indicate an A-P-ABORT to the local user"
    START_ARTIM = "start, or restart, the ARTIM timer"
    STOP_ARTIM = "stop the ARTIM timer if it is running"
    CLOSE = "close the transport connection"


@dataclass(frozen=True, slots=True)
class Action:
    """An action of Tables 9-6 to 9-9: its name, its verbs, and the next state.

    Two actions depend on a condition that only the provider knows: AE-6 on whether the request is acceptable, AR-8 on
    whether this side is the requestor. ``otherwise`` is the action if the condition is false.
    """

    name: str
    does: tuple[Do, ...]
    next: State
    otherwise: "Action | None" = None


_s = State
_SEND, _INDICATE, _CLOSE = Do.SEND, Do.INDICATE, Do.CLOSE
_USER, _PROVIDER, _P_ABORT = Do.USER_ABORT, Do.PROVIDER_ABORT, Do.INDICATE_P_ABORT
_START, _STOP = Do.START_ARTIM, Do.STOP_ARTIM

# Tables 9-6 to 9-9
# fmt: off
AE_1  = Action("AE-1",  (Do.CONNECT,),              _s.Sta4)
AE_2  = Action("AE-2",  (_SEND,),                   _s.Sta5)
AE_3  = Action("AE-3",  (_INDICATE,),               _s.Sta6)
AE_4  = Action("AE-4",  (_INDICATE, _CLOSE),        _s.Sta1)
AE_5  = Action("AE-5",  (_START,),                  _s.Sta2)
AE_6  = Action("AE-6",  (_STOP, _INDICATE),         _s.Sta3,
                otherwise=Action("AE-6", (_STOP, Do.SEND_REJECT, _START), _s.Sta13))
AE_7  = Action("AE-7",  (_SEND,),                   _s.Sta6)
AE_8  = Action("AE-8",  (_SEND, _START),            _s.Sta13)
DT_1  = Action("DT-1",  (_SEND,),                   _s.Sta6)
DT_2  = Action("DT-2",  (_INDICATE,),               _s.Sta6)
AR_1  = Action("AR-1",  (_SEND,),                   _s.Sta7)
AR_2  = Action("AR-2",  (_INDICATE,),               _s.Sta8)
AR_3  = Action("AR-3",  (_INDICATE, _CLOSE),        _s.Sta1)
AR_4  = Action("AR-4",  (_SEND, _START),            _s.Sta13)
AR_5  = Action("AR-5",  (_STOP,),                   _s.Sta1)
AR_6  = Action("AR-6",  (_INDICATE,),               _s.Sta7)
AR_7  = Action("AR-7",  (_SEND,),                   _s.Sta8)
AR_8  = Action("AR-8",  (_INDICATE,),               _s.Sta9,
                otherwise=Action("AR-8", (_INDICATE,), _s.Sta10))
AR_9  = Action("AR-9",  (_SEND,),                   _s.Sta11)
AR_10 = Action("AR-10", (_INDICATE,),               _s.Sta12)
AA_1  = Action("AA-1",  (_USER, _START),            _s.Sta13)
AA_2  = Action("AA-2",  (_STOP, _CLOSE),            _s.Sta1)
AA_3  = Action("AA-3",  (_INDICATE, _CLOSE),        _s.Sta1)
AA_4  = Action("AA-4",  (_P_ABORT,),                _s.Sta1)
AA_5  = Action("AA-5",  (_STOP,),                   _s.Sta1)
AA_6  = Action("AA-6",  (),                         _s.Sta13)
AA_7  = Action("AA-7",  (_PROVIDER,),               _s.Sta13)
AA_8  = Action("AA-8",  (_PROVIDER, _P_ABORT, _START), _s.Sta13)

ACTIONS = tuple(value for value in list(globals().values()) if isinstance(value, Action))

___ = None
_GRID = {
    #        Sta1  Sta2  Sta3  Sta4  Sta5  Sta6  Sta7  Sta8  Sta9  Sta10  Sta11 Sta12 Sta13
    "Evt1":  (AE_1, ___,  ___,  ___,  ___,  ___,  ___,  ___,  ___,  ___,   ___,  ___,  ___),
    "Evt2":  (___,  ___,  ___,  AE_2, ___,  ___,  ___,  ___,  ___,  ___,   ___,  ___,  ___),
    "Evt3":  (___,  AA_1, AA_8, ___,  AE_3, AA_8, AA_8, AA_8, AA_8, AA_8,  AA_8, AA_8, AA_6),
    "Evt4":  (___,  AA_1, AA_8, ___,  AE_4, AA_8, AA_8, AA_8, AA_8, AA_8,  AA_8, AA_8, AA_6),
    "Evt5":  (AE_5, ___,  ___,  ___,  ___,  ___,  ___,  ___,  ___,  ___,   ___,  ___,  ___),
    "Evt6":  (___,  AE_6, AA_8, ___,  AA_8, AA_8, AA_8, AA_8, AA_8, AA_8,  AA_8, AA_8, AA_7),
    "Evt7":  (___,  ___,  AE_7, ___,  ___,  ___,  ___,  ___,  ___,  ___,   ___,  ___,  ___),
    "Evt8":  (___,  ___,  AE_8, ___,  ___,  ___,  ___,  ___,  ___,  ___,   ___,  ___,  ___),
    "Evt9":  (___,  ___,  ___,  ___,  ___,  DT_1, ___,  AR_7, ___,  ___,   ___,  ___,  ___),
    "Evt10": (___,  AA_1, AA_8, ___,  AA_8, DT_2, AR_6, AA_8, AA_8, AA_8,  AA_8, AA_8, AA_6),
    "Evt11": (___,  ___,  ___,  ___,  ___,  AR_1, ___,  ___,  ___,  ___,   ___,  ___,  ___),
    "Evt12": (___,  AA_1, AA_8, ___,  AA_8, AR_2, AR_8, AA_8, AA_8, AA_8,  AA_8, AA_8, AA_6),
    "Evt13": (___,  AA_1, AA_8, ___,  AA_8, AA_8, AR_3, AA_8, AA_8, AR_10, AR_3, AA_8, AA_6),
    "Evt14": (___,  ___,  ___,  ___,  ___,  ___,  ___,  AR_4, AR_9, ___,   ___,  AR_4, ___),
    "Evt15": (___,  ___,  AA_1, AA_2, AA_1, AA_1, AA_1, AA_1, AA_1, AA_1,  AA_1, AA_1, ___),
    "Evt16": (___,  AA_2, AA_3, ___,  AA_3, AA_3, AA_3, AA_3, AA_3, AA_3,  AA_3, AA_3, AA_2),
    "Evt17": (___,  AA_5, AA_4, AA_4, AA_4, AA_4, AA_4, AA_4, AA_4, AA_4,  AA_4, AA_4, AR_5),
    "Evt18": (___,  AA_2, ___,  ___,  ___,  ___,  ___,  ___,  ___,  ___,   ___,  ___,  AA_2),
    "Evt19": (___,  AA_1, AA_8, ___,  AA_8, AA_8, AA_8, AA_8, AA_8, AA_8,  AA_8, AA_8, AA_7),
}
# fmt: on

TABLE_9_10: dict[tuple[State, Event], Action] = {
    (state, Event[event]): action
    for event, row in _GRID.items()
    for state, action in zip(State, row, strict=True)
    if action is not None
}
