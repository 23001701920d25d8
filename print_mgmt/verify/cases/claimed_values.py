"""PRN-N-1.09, the claims about values: each value that a peer claims must be accepted, without a warning.

Whether other values are accepted is not judged, because most lists of claimed values are only examples. The claim about
User Identity is judged both ways.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace

from dimse.data import Dataset
from dimse.uids import BasicAnnotationBox, BasicFilmSession
from dimse.ul import UserIdentityAC, UserIdentityRQ
from dimse.verify import Peer
from dimse.verify.observation import FAILURE, SUCCESS, WARNING, Answered, Broken, Kept, Seen, matches
from dimse.verify.print_session import LABEL

from ..claims import Claims
from ..conversation import DEEP, Conversation, conversation, skipped

__all__ = [
    "of_film_boxes",
    "of_sessions",
    "annotation_formats",
    "bit_depths",
    "open_associations",
    "send_user_identity",
]

Judge = Callable[[Peer, Claims], Awaitable[Seen]]
Attempt = Callable[[Conversation, object], Awaitable[Seen]]

_MAX_ASSOCIATIONS = 32  # a larger claim is not tested
_MAX_PAIRS = 100  # media with sizes, on which a claimed value is tried
_EIGHT, _TWELVE = 8, 12
_USERNAME = 1


def _each(name: str, attempt: Attempt, *further: str) -> Judge:
    """Return a function that tries each claimed value on its own association, with ``further`` SOP Classes."""

    async def judge(peer: Peer, claims: Claims) -> Seen:
        found = getattr(claims, name)
        values: Iterable[object] = found if isinstance(found, tuple) else (found,)
        for value in values:
            async with conversation(peer, *further) as talk:
                seen = await attempt(talk, value)
            await peer.dismiss()
            if not isinstance(seen, Answered):
                return seen
            if not matches(SUCCESS, (seen,)):
                kind = "accepted with a warning" if matches(WARNING, (seen,)) else "refused"
                return Broken(f"{value!r} is claimed, but {kind}: {seen}")
        return Kept(f"{name} as claimed")

    return judge


def of_sessions(name: str, keyword: str) -> Judge:
    """Return a function that creates a film session with each claimed value of an attribute."""
    return _each(name, lambda talk, value: talk.create_session(Dataset(FilmSessionLabel=LABEL, **{keyword: value})))


def of_film_boxes(name: str, keyword: str) -> Judge:
    """Return a function that creates a film box with each claimed value of an attribute.

    A size, a layout or a density may exist only on some media, or in some sizes. So after a refusal or a warning, the
    claimed media and sizes are tried, too.
    """

    async def attempt(talk: Conversation, value: object) -> Seen:
        layout = str(value) if keyword == "ImageDisplayFormat" else talk.layout
        own = {} if keyword == "ImageDisplayFormat" else {keyword: value}
        await talk.prepare_session()
        first = await talk.create_film_box(talk.film_box(layout, **own))
        if not _is_refused(first):
            return first
        for medium, size in _media_and_sizes(talk.options.claims or Claims(), keyword):
            if talk.session_uid:
                await talk.remove(BasicFilmSession, talk.session_uid)
            talk.session_uid = talk.film_uid = ""
            with talk.patiently():
                made = await talk.create_session(Dataset(FilmSessionLabel=LABEL, **medium))
            if not matches(SUCCESS, (made,)):
                continue
            seen = await talk.create_film_box(talk.film_box(layout, **size, **own))
            if not _is_refused(seen):
                return seen
        return first

    return _each(name, attempt)


def _is_refused(seen: Seen) -> bool:
    return matches(FAILURE, (seen,)) or matches(WARNING, (seen,))


def _media_and_sizes(claims: Claims, keyword: str) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Yield pairs of a claimed medium and a claimed size, as attributes of session and film box.

    The medium or the size may be missing, but not both. If ``keyword`` is the size itself, only the media differ.
    Raises `Unprepared` after 99 pairs if there are more: a value that they refuse may exist in another pair.
    """
    claimed_sizes = () if keyword == "FilmSizeID" else claims.film_sizes or ()
    media = [{}, *({"MediumType": medium} for medium in claims.medium_types or ())]
    sizes = [{}, *({"FilmSizeID": size} for size in claimed_sizes)]
    pairs = [(medium, size) for medium in media for size in sizes]
    yield from pairs[1:_MAX_PAIRS]
    if len(pairs) > _MAX_PAIRS:
        raise skipped(f"a value is refused with {_MAX_PAIRS - 1} of {len(pairs) - 1} pairs of a medium and a size")


async def _create_annotated(talk: Conversation, value: object) -> Seen:
    await talk.prepare_session()
    return await talk.create_film_box(talk.film_box(talk.layout, AnnotationDisplayFormatID=value))


async def _set_image_of_depth(talk: Conversation, value: object) -> Seen:
    await talk.prepare_film_box()
    pixels = bytes(2 * 32 * 32 * (3 if talk.is_color else 1))
    more = {**DEEP} if value == _TWELVE else {}
    data = talk.image_box(32, 32, pixels if value == _TWELVE else pixels[: len(pixels) // 2], **more)
    return await talk.set_image(data)


annotation_formats = _each("annotation_formats", _create_annotated, BasicAnnotationBox)
_depths_of_print = _each("bit_depths", _set_image_of_depth)


async def bit_depths(peer: Peer, claims: Claims) -> Seen:
    depths = tuple(each for each in claims.bit_depths or () if each in (_EIGHT, _TWELVE))
    if claims.bit_depths and not depths:
        raise skipped("images of print have 8 or 12 bits, and neither is claimed (PS3.3 C.13.5)")
    return await _depths_of_print(peer, replace(claims, bit_depths=depths))


async def open_associations(peer: Peer, claims: Claims) -> Seen:
    count = claims.max_associations or 0
    if count > _MAX_ASSOCIATIONS:
        raise skipped(f"no more than {_MAX_ASSOCIATIONS} associations are opened at once")
    for number in range(1, count + 1):
        wire, answer = await peer.ask()
        if 1 not in wire.contexts:
            return Broken(f"{count} associations are claimed; number {number} got {answer}")
    return Kept(f"{count} associations at once")


async def send_user_identity(peer: Peer, claims: Claims) -> Seen:
    items = (*peer.user_information(), UserIdentityRQ(_USERNAME, True, b"verify"))
    wire = await peer.associate(user_information=items)
    assert wire.answer is not None
    is_answered = any(isinstance(item, UserIdentityAC) for item in wire.answer.user_information)
    text = f"user_identity is {'' if claims.user_identity else 'not '}claimed; sub-item 59H is "
    text += "present" if is_answered else "absent"
    return Kept(text) if is_answered is claims.user_identity else Broken(text)
