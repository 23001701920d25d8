"""PRN-N-1.09: compares what a peer accepts with its claims. A feature without a claim is not judged."""

from collections.abc import Awaitable, Callable
from typing import Any

from dimse.uids import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    PresentationLUT,
    Verification,
    name_of,
)
from dimse.verify import Case, Flags, Level, Peer, SubCase
from dimse.verify.case import CaseRun
from dimse.verify.observation import (
    FAILURE,
    RULE_BROKEN,
    RULE_KEPT,
    Accepted,
    Answered,
    Broken,
    Kept,
    Rejected,
    Seen,
    matches,
    succeeded,
)

from ...sop import MEMBERS, META_CLASSES, SOP_CLASSES
from ..claims import Claims
from ..conversation import conversation, skipped
from ..options import print_options
from .claimed_values import (
    annotation_formats,
    bit_depths,
    of_film_boxes,
    of_sessions,
    open_associations,
    send_user_identity,
)
from .luts import lut_table

__all__ = ["CLAIMED"]

_SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)
_MEMBERS = frozenset().union(*MEMBERS.values())
_CONTEXTS = tuple(uid for uid in (*SOP_CLASSES.values(), Verification) if uid not in _MEMBERS)
_NOBODY = "NO_SUCH_AE_9"
_NO_FILM_BOX = Answered(0xC600)


def claimed(name: str, judge: Callable[[Peer, Claims], Awaitable[Seen]]) -> CaseRun:
    """Return the run that judges the claim ``name``; without this claim, the sub-case is SKIPPED."""

    async def run(peer: Peer) -> Seen:
        claims = print_options(peer.options).claims
        if claims is None or getattr(claims, name) is None:
            raise skipped(f"--claims has no {name}")
        return await judge(peer, claims)

    return run


def _compare(what: str, accepted: set[str], listed: set[str]) -> Seen:
    missing = ", ".join(sorted(map(name_of, listed - accepted)))
    unclaimed = ", ".join(sorted(map(name_of, accepted - listed)))
    texts = [f"claimed but not accepted: {missing}"] if missing else []
    texts += [f"accepted but not claimed: {unclaimed}"] if unclaimed else []
    return Broken(f"{what} {'; '.join(texts)}") if texts else Kept(f"{what} as claimed")


async def compare_sop_classes(peer: Peer, claims: Claims) -> Seen:
    numbers = {2 * index + 1: uid for index, uid in enumerate(_CONTEXTS)}
    wire = await peer.associate({number: (uid, _SYNTAXES) for number, uid in numbers.items()})
    accepted = {uid for number, uid in numbers.items() if number in wire.contexts}
    listed = set(claims.sop_classes or ()) & set(_CONTEXTS)
    if Verification not in listed:
        accepted.discard(Verification)  # all acceptors support Verification, and few statements list it
    return _compare("classes", accepted, listed)


async def compare_transfer_syntaxes(peer: Peer, claims: Claims) -> Seen:
    numbers = {2 * index + 1: syntax for index, syntax in enumerate(_SYNTAXES)}
    meta = next(uid for uid in META_CLASSES if _has(peer, uid))
    wire = await peer.associate({number: (meta, (syntax,)) for number, syntax in numbers.items()})
    accepted = {syntax for number, syntax in numbers.items() if number in wire.contexts}
    return _compare("transfer syntaxes", accepted, set(claims.transfer_syntaxes or ()) & set(_SYNTAXES))


def _has(peer: Peer, meta: str) -> bool:
    """Return whether the peer has a Meta SOP Class, as far as is known: if it has shown neither, it may have both."""
    flags = dict(zip(META_CLASSES, (Flags.GRAY_META, Flags.COLOR_META), strict=True))
    return flags[meta] in peer.flags or not peer.flags & (Flags.GRAY_META | Flags.COLOR_META)


def title_check(field: str, name: str) -> Callable[[Peer, Claims], Awaitable[Seen]]:
    """Return a function that judges the claim ``name``: that a peer checks the AE title ``field`` of a request."""

    async def judge(peer: Peer, claims: Claims) -> Seen:
        fields: dict[str, Any] = {field: _NOBODY}
        _, answer = await peer.ask(**fields)
        if not isinstance(answer, Accepted | Rejected):
            return answer
        is_checked = isinstance(answer, Rejected)
        text = (
            f"{name} is {'' if getattr(claims, name) else 'not '}claimed; the answer to the title {_NOBODY} is {answer}"
        )
        return Kept(text) if is_checked is getattr(claims, name) else Broken(text)

    return judge


async def try_session_action(peer: Peer, claims: Claims) -> Seen:
    async with conversation(peer) as talk:
        await talk.prepare_session()
        seen = await talk.print_nothing()
    is_supported = succeeded(seen) or matches(_NO_FILM_BOX, (seen,))
    text = f"session_action is {'' if claims.session_action else 'not '}claimed; N-ACTION of a session: {seen}"
    return Kept(text) if is_supported is claims.session_action else Broken(text)


async def try_lut_descriptors(peer: Peer, claims: Claims) -> Seen:
    texts = claims.lut_descriptors or ()
    async with conversation(peer, PresentationLUT) as talk:
        for text in texts:
            entries, first, bits = map(int, text.split("\\"))
            seen = await talk.create(PresentationLUT, lut_table(entries, first, bits))
            if matches(FAILURE, (seen,)):
                return Broken(f"the LUT Descriptor {text} is claimed; {seen}")
            if not succeeded(seen):
                return seen
    return Kept(f"LUT Descriptors as claimed: {', '.join(texts)}")


_VALUES = {
    "medium_types": of_sessions("medium_types", "MediumType"),
    "destinations": of_sessions("destinations", "FilmDestination"),
    "film_sizes": of_film_boxes("film_sizes", "FilmSizeID"),
    "display_formats": of_film_boxes("display_formats", "ImageDisplayFormat"),
    "max_density": of_film_boxes("max_density", "MaxDensity"),
    "annotation_formats": annotation_formats,
    "bit_depths": bit_depths,
    "max_associations": open_associations,
    "user_identity": send_user_identity,
}

CLAIMED: tuple[Case, ...] = (
    Case(
        id="PRN-N-1.09",
        title="The peer accepts exactly what it claims",
        section="PS3.2 §7; PS3.4 H.3.4",
        level=Level.MUST,
        needs=Flags.CLAIMS,
        run=claimed("sop_classes", compare_sop_classes),
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN,),
        subcases=(
            SubCase(name="transfer_syntaxes", run=claimed("transfer_syntaxes", compare_transfer_syntaxes)),
            SubCase(
                name="checks_called", run=claimed("checks_called", title_check("called_ae_title", "checks_called"))
            ),
            SubCase(
                name="checks_calling", run=claimed("checks_calling", title_check("calling_ae_title", "checks_calling"))
            ),
            SubCase(name="session_action", run=claimed("session_action", try_session_action)),
            SubCase(name="lut_descriptors", run=claimed("lut_descriptors", try_lut_descriptors)),
            *(SubCase(name=name, run=claimed(name, judge)) for name, judge in _VALUES.items()),
        ),
    ),
)
