"""The instances of one association: film session, film boxes, image boxes, annotation boxes, LUTs and retired boxes.

The retired boxes are VOI LUT boxes and overlay boxes.

Instances are found by UID. A request for an instance that never existed, that was deleted, or that belongs to another
association is answered with 0112.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from dimse.data import EXPLICIT_LE, Dataset, DecodeLimits, Element, decode, encode
from dimse.errors import DecodeError, EncodeError
from dimse.message import Request
from dimse.uids import BasicColorImageBox, BasicGrayscaleImageBox, is_valid_uid, new_uid

from ..attributes import is_like_uid, refuse, shown
from ..config import Caller, PrinterConfig, tables_of
from ..jobs import JobFinder, PrinterState
from ..model import NOTHING, AnnotationBox, FilmBox, FilmSession, ImageBox, Instance
from ..sop import IMAGE_BOX, MEMBERS, OPERATIONS, TITLES
from ..status import (
    CLASS_CONFLICT,
    CLASS_NOT_SUPPORTED,
    DUPLICATE_INSTANCE,
    INVALID_INSTANCE,
    INVALID_VALUE,
    NO_SUCH_CLASS,
    NO_SUCH_INSTANCE,
    RESOURCE_LIMITATION,
)
from .answer import failure

__all__ = ["INSTANCE_BYTES", "Call", "Instances", "MemoryPool", "short_attributes"]

INSTANCE_BYTES = 512  # bytes of memory that an instance takes as a Python object, without its attributes
_MAX_LOOSE = 256  # Presentation LUTs, overlay boxes and VOI LUT boxes of an association
# The greatest number of unused attributes of an instance: more than any image has, and few enough that a film with 256
# image boxes can be stored and read again in a moment
_UNUSED_LIMITS = DecodeLimits(elements=1_000)
_MAX_UNUSED, _MAX_UNUSED_VALUE = 1 << 20, 1 << 16  # bytes of all unused attributes of an instance, and of each


@dataclass(frozen=True, slots=True)
class Call:
    """A request, its SOP Class, Instance and Data Set, and the abstract syntax of its presentation context."""

    abstract_syntax: str
    message: Request
    sop_class: str
    uid: str
    dataset: Dataset

    @property
    def received(self) -> int:
        """The length of the encoded Data Set in bytes. All of it stays in memory while any part of it is in use."""
        data = self.message.Data
        return len(data) if isinstance(data, bytes | bytearray | memoryview) else 0


class MemoryPool:
    """Memory that associations share: ``size`` in all, and at most ``host_size`` for the associations of one host.

    The unit is KB for Memory Allocation (2000,0060; PS3.4 H.4.1.2.1.1), and bytes for instances. ``lock`` is held
    during each change, and is needed if requests of several associations are performed in threads.
    """

    def __init__(
        self, size: int, *, host_size: int | None = None, lock: AbstractContextManager[object] | None = None
    ) -> None:
        self.size = size
        self._host_size = size if host_size is None else host_size
        self._holders: dict[object, tuple[str, int]] = {}  # the host and the reserved memory of each holder
        self._by_host: Counter[str] = Counter()
        self._used = 0
        self._lock = nullcontext() if lock is None else lock

    def reserve(self, holder: object, amount: int, host: str = "") -> bool:
        """Change the memory reserved for ``holder`` at ``host`` to ``amount``. Return False if there is no room.

        Reducing the reserved memory is always possible.
        """
        with self._lock:
            more = amount - self._holders.get(holder, ("", 0))[1]
            full = self._used + more > self.size or self._by_host[host] + more > self._host_size
            if more > 0 and full:
                return False
            self._holders[holder] = host, amount
            self._add(host, more)
            return True

    def reserved(self, holder: object) -> int:
        """Return the memory reserved for ``holder``."""
        return self._holders.get(holder, ("", 0))[1]

    def release(self, holder: object) -> None:
        """Release the memory reserved for ``holder``."""
        with self._lock:
            host, amount = self._holders.pop(holder, ("", 0))
            self._add(host, -amount)

    def _add(self, host: str, more: int) -> None:
        self._used += more
        self._by_host[host] += more
        if not self._by_host[host]:
            del self._by_host[host]


class Instances:
    """The instances of one association, and the printer to which they belong. `PrintService` explains the arguments."""

    def __init__(
        self,
        config: PrinterConfig,
        state: PrinterState,
        jobs: JobFinder,
        pool: MemoryPool,
        memory: MemoryPool,
        *,
        calling_ae_title: str,
        host: str,
        abstract_syntaxes: Collection[str],
    ) -> None:
        self.config = config
        self.tables = tables_of(config)
        self.state = state
        self.jobs = jobs
        self.pool = pool
        self._memory = memory
        # The bytes of each instance. An entry disappears when nothing refers to its instance any more
        self._sizes: WeakKeyDictionary[Instance, int] = WeakKeyDictionary()
        self._total = (0, 0)  # the number of these instances, and the sum of their bytes
        self.calling_ae_title = calling_ae_title
        self.host = host
        self.caller: Caller = config.caller(calling_ae_title)
        self.session: FilmSession | None = None
        self.negotiated = frozenset(abstract_syntaxes)
        members = (MEMBERS.get(abstract_syntax, frozenset()) for abstract_syntax in abstract_syntaxes)
        self._served = self.negotiated.union(*members)  # with the members of the Meta SOP Classes
        self._instances: dict[str, Instance] = {}

    def forget(self) -> None:
        """Forget all instances at the end of the association."""
        self.delete_session()
        self._instances.clear()
        self._memory.release(self)

    # --- SOP Classes ---

    def check_class(self, call: Call) -> None:
        """Raise `ServiceError` if a SOP Class does not belong to the presentation context of the request.

        A printer that is not strict accepts any class that was negotiated on the association.
        """
        if call.sop_class not in OPERATIONS:
            raise failure(NO_SUCH_CLASS, f"SOP Class {shown(call.sop_class)} is not supported")
        here = {call.abstract_syntax} | MEMBERS.get(call.abstract_syntax, frozenset())
        if call.sop_class not in (here if self.config.strict else here | self._served):
            raise failure(CLASS_NOT_SUPPORTED, f"{TITLES[call.sop_class]} was not negotiated")

    def image_box_class(self, abstract_syntax: str) -> str:
        """Return the class of the image boxes of a film box that is created on this context, PS3.4 H.3.2."""
        if abstract_syntax in IMAGE_BOX:
            return IMAGE_BOX[abstract_syntax]
        only_color = BasicColorImageBox in self._served and BasicGrayscaleImageBox not in self._served
        return BasicColorImageBox if only_color else BasicGrayscaleImageBox

    # --- instances ---

    def new_uid(self, call: Call) -> str:
        """Return the UID for a new instance: the client's choice, or else a new UID.

        Raises `ServiceError` for a UID that is invalid (0117) or in use (0111).
        """
        if not call.uid:
            return new_uid()
        if not (is_valid_uid(call.uid) or (not self.config.strict and is_like_uid(call.uid))):
            raise failure(INVALID_INSTANCE, f"{shown(call.uid)} is not a UID (PS3.5 §9.1)")
        if call.uid in self._instances:
            raise failure(DUPLICATE_INSTANCE, f"{shown(call.uid)} already exists")
        return call.uid

    def add(self, *instances: Instance) -> None:
        """Add new instances."""
        for instance in instances:
            self._instances[instance.SOPInstanceUID] = instance

    def store(
        self,
        instance: Instance,
        attributes: Dataset,
        *,
        pixels: int = 0,
        others: int = 0,
        unused: Dataset | None = None,
        status: int = RESOURCE_LIMITATION,
    ) -> None:
        """Set the attributes of ``instance`` to a copy, so that the message can be freed, and count the memory.

        ``pixels`` and ``others`` are the bytes of its pixels and other data. ``unused`` are attributes that the client
        sent but the printer does not use; they are merged with those sent earlier, or left out if there are too many.
        Raises `ServiceError` with ``status`` if there is no room.
        """
        data = _encode_attributes(attributes)
        rest, kept = _merge_unused(instance, unused)
        attribute_bytes = INSTANCE_BYTES + len(data) + len(rest) + others
        before = self._sizes.get(instance)
        needed = self._count_bytes() - (before or 0) + attribute_bytes + pixels
        if needed > self.config.memory:
            raise failure(status, f"the memory limit of an association is {self.config.memory} bytes")
        if not self._memory.reserve(self, needed, self.host):
            raise failure(status, "the memory of the printer, or the part for one client, is full now")
        self._total = (self._total[0] + (before is None), needed)
        self._sizes[instance] = attribute_bytes + pixels
        instance.attributes, instance.attribute_bytes = decode(data, EXPLICIT_LE, whole=False), attribute_bytes
        if isinstance(instance, _SESSION_CLASSES):
            instance.unused = kept

    def release_deleted(self) -> None:
        """Release the memory of instances that no longer exist."""
        self._memory.reserve(self, self._count_bytes(), self.host)

    def _count_bytes(self) -> int:
        """Return the bytes of all instances. The sum is computed again only if some instances no longer exist."""
        if self._total[0] != len(self._sizes):
            self._total = (len(self._sizes), sum(self._sizes.values()))
        return self._total[1]

    def check_room(self) -> None:
        """Raise `ServiceError` if there are too many Presentation LUTs and retired boxes to create another one."""
        loose = sum(not isinstance(instance, _SESSION_CLASSES) for instance in self._instances.values())
        if loose >= _MAX_LOOSE:
            raise failure(RESOURCE_LIMITATION, f"an association can have at most {_MAX_LOOSE} LUTs and overlay boxes")

    def remove(self, *instances: Instance) -> None:
        """Delete instances; other instances may still refer to them."""
        for instance in instances:
            del self._instances[instance.SOPInstanceUID]

    def remove_film_box(self, box: FilmBox) -> None:
        """Delete a film box with its image boxes and annotation boxes, PS3.4 H.4.2.2.3."""
        assert self.session is not None
        self.session.film_boxes.remove(box)
        self.remove(box, *box.image_boxes, *box.annotation_boxes)

    def delete_session(self) -> None:
        """Delete the film session with its film boxes (PS3.4 H.4.1.2.3), but not the LUTs and retired boxes.

        Release the memory that the session has reserved by Memory Allocation, but not the memory of the instances (see
        `release_deleted`). Without a session, delete nothing.
        """
        if self.session is not None:
            for box in tuple(self.session.film_boxes):
                self.remove_film_box(box)
            self.remove(self.session)
            self.session = None
        self.pool.release(self)

    def find(self, sop_class: str, uid: str) -> Instance:
        """Return the instance that a request names. Raises `ServiceError` (0112 or 0119)."""
        instance = self._instances.get(uid)
        if instance is None:
            raise failure(NO_SUCH_INSTANCE, f"there is no {TITLES[sop_class]} {shown(uid)}")
        if instance.SOPClassUID != sop_class:
            raise failure(CLASS_CONFLICT, f"{shown(uid)} is a {TITLES[instance.SOPClassUID]}")
        if not self._is_current(instance):
            raise failure(NO_SUCH_INSTANCE, "only the last film box may be used (PS3.4 H.4.2.2)")
        return instance

    def complete(self, call: Call) -> Call:
        """Return ``call``; if it names no instance, add the only one of its SOP Class, unless the printer is strict."""
        if call.uid or self.config.strict:
            return call
        uids = [uid for uid, instance in self._instances.items() if instance.SOPClassUID == call.sop_class]
        return replace(call, uid=uids[0]) if len(uids) == 1 else call

    def stored_bytes(self, uid: str) -> int:
        """Return the bytes of the attributes that N-SET of an instance stores again.

        N-SET of a film session also stores the attributes of its film boxes again. An empty ``uid`` may mean any
        instance, so it counts all of them.
        """
        if not uid:
            return self._count_bytes()
        instance = self._instances.get(uid)
        boxes = instance.film_boxes if isinstance(instance, FilmSession) else ()
        return sum(stored.attribute_bytes for stored in (instance, *boxes) if stored is not None)

    def find_referenced(self, kind: type[Instance], uid: str, sequence: str) -> Instance:
        """Return the instance that a sequence refers to. Raises `Refusal` (0106) if it does not exist."""
        instance = self._instances.get(uid)
        if not isinstance(instance, kind):
            raise refuse(INVALID_VALUE, sequence, f"refers to an instance that does not exist: {shown(uid)}")
        return instance

    def _is_current(self, instance: Instance) -> bool:
        """Return whether an instance may be used: an earlier film box and its boxes may not (PS3.4 H.4.2.2)."""
        if not isinstance(instance, FilmBox | ImageBox | AnnotationBox):
            return True
        assert self.session is not None
        last = self.session.film_boxes[-1]
        return instance is last or instance in last.image_boxes or instance in last.annotation_boxes


def _encode_attributes(attributes: Dataset) -> bytes:
    """Return the encoded attributes; use UTF-8 if they need character sets that cannot be combined."""
    try:
        return encode(attributes, EXPLICIT_LE)
    except EncodeError:
        unicode = attributes.copy()
        unicode.SpecificCharacterSet = "ISO_IR 192"
        return encode(unicode, EXPLICIT_LE)


def _merge_unused(instance: Instance, unused: Dataset | None) -> tuple[bytes, Dataset]:
    """Return the unused attributes of an instance, merged with new ones, as bytes and as a Data Set.

    A new attribute that cannot be stored with a film is left out. If the merged attributes are too many, all new ones
    are left out.
    """
    if not isinstance(instance, _SESSION_CLASSES) or not (unused or instance.unused):
        return b"", NOTHING
    for select in (short_attributes, _storable) if unused else ():
        merged = instance.unused.copy()
        merged.update(select(unused or NOTHING))
        with suppress(DecodeError, EncodeError):
            rest = _encode_attributes(merged)
            if len(rest) <= _MAX_UNUSED:
                return rest, decode(rest, EXPLICIT_LE, limits=_UNUSED_LIMITS)
    return encode(instance.unused, EXPLICIT_LE), instance.unused


def short_attributes(attributes: Iterable[Element]) -> Dataset:
    """Return the attributes, except for those whose values are too long for unused attributes."""
    kept = Dataset()
    for element in attributes:
        if len(element.raw) <= _MAX_UNUSED_VALUE:
            kept.add(element)
    return kept


def _storable(attributes: Dataset) -> Dataset:
    """Return the short attributes that can be encoded in explicit VR with UTF-8, and decoded again."""
    kept = Dataset()
    for element in short_attributes(attributes):
        alone = Dataset(SpecificCharacterSet="ISO_IR 192")
        alone.add(element)
        with suppress(DecodeError, EncodeError):
            encoded = encode(alone, EXPLICIT_LE)
            if len(encoded) <= _MAX_UNUSED_VALUE:
                decode(encoded, EXPLICIT_LE, limits=_UNUSED_LIMITS)
                kept.add(element)
    return kept


# The film session, and the instances below it
_SESSION_CLASSES = (FilmSession, FilmBox, ImageBox, AnnotationBox)
