"""Two recorded associations side by side: the steps that correspond to each other, and their differences.

A comparison shows why a program works with one peer and not with another. Its headline has the first difference in the
outcome of a request, and the differences in the request itself. Times are shown, but they never count as a difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from .conversation import ACCEPTOR, REQUESTOR
from .facts import Fact, Weight, facts_of
from .record import Step

__all__ = ["Comparison", "Difference", "Pair", "compare"]

_MAX_STEPS = 2000  # steps of each association that are compared; the time grows with the product of the two numbers
# How an association ended, by the last of these PDUs in it
_ENDINGS = {"A-RELEASE-RP": "released", "A-RELEASE-RQ": "released without an answer", "A-ABORT": "aborted"}
_REFUSALS = ("A-ASSOCIATE-RJ", "A-ABORT")  # if only one side has such a step, the outcome differs
_MAX_CAUSES = 3  # differences in a headline


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact with different values on both sides; "" means that a side does not have the fact."""

    name: str
    left: str
    right: str
    weight: Weight

    def __str__(self) -> str:
        return f"{self.name} is {self.left or 'absent'} in a, {self.right or 'absent'} in b"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two steps that correspond to each other and their differences, or one step that the other side lacks."""

    left: Step | None
    right: Step | None
    differences: tuple[Difference, ...] = ()

    @property
    def step(self) -> Step:
        """The step of the left side, or of the right side if the left has none."""
        found = self.left or self.right
        assert found is not None
        return found

    @property
    def weight(self) -> int:
        """The weight of the heaviest difference, or of the missing step; 0 if the steps are the same."""
        if self.left is None or self.right is None:
            return Weight.OUTCOME if self.step.name in _REFUSALS else Weight.CONTENT
        return max((one.weight for one in self.differences), default=0)

    def covers_sides_of(self, other: "Pair") -> bool:
        """Return whether this pair has a step on each side on which ``other`` has one."""
        return not ((other.left and not self.left) or (other.right and not self.right))


@dataclass(frozen=True, slots=True)
class Comparison:
    """The steps of both sides in pairs, and how each association ended.

    ``is_cut`` says that only the first steps were compared.
    """

    pairs: tuple[Pair, ...]
    ends: tuple[str, str]
    is_cut: bool = False

    @property
    def headline(self) -> str:
        """The most important difference, in one line."""
        for number, pair in enumerate(self.pairs):
            if pair.weight == Weight.OUTCOME:
                return _about(pair) + self._cause(number)
        if self.ends[0] != self.ends[1]:
            return f"a is {self.ends[0]}, b is {self.ends[1]}; all requests found in both had the same outcome"
        for is_response in (
            False,
            True,
        ):  # requests first, because a difference in a response may come from its request
            for pair in self.pairs:
                if pair.weight == Weight.CONTENT and (pair.step.status is not None) == is_response:
                    return _about(pair)
        weak = sum(len(pair.differences) for pair in self.pairs)
        return f"only names, lengths, dates or pixels differ ({weak} differences)" if weak else "nothing differs"

    def _cause(self, number: int) -> str:
        """Return, in words, what differs in the request that a pair answers, or else in earlier steps."""
        here = self.pairs[number]
        earlier_pairs = [pair for pair in self.pairs[:number] if pair.covers_sides_of(here)]
        before = [pair for pair in reversed(earlier_pairs) if pair.step.side != here.step.side]
        if not before:
            return f"; the other end sent nothing before it{' in both' if here.left and here.right else ''}"
        found = [*before[0].differences]
        if not found or (max(one.weight for one in found) < Weight.CONTENT and before[0].step.messages):
            later = (pair for pair in before[1:] if pair.weight >= Weight.CONTENT and pair.differences)
            earlier = next(later, None)
            if earlier is None:
                is_same = not any(pair.weight for pair in self.pairs[:number])
                return f"; {'everything before it' if is_same else 'all that matters in both before it'} is the same"
            found, where = [*earlier.differences], f"; before it, in {earlier.step.name}: "
        else:
            is_answer = here.step.name != "A-ABORT"
            where = "; in its request " if is_answer else f"; before it, in {before[0].step.name}: "
        found.sort(key=lambda one: -one.weight)
        more = f", and {len(found) - _MAX_CAUSES} more" if len(found) > _MAX_CAUSES else ""
        return where + ", ".join(map(str, found[:_MAX_CAUSES])) + more


def _about(pair: Pair) -> str:
    """Return the heaviest difference of a pair in words."""
    step = pair.step
    if pair.left is None or pair.right is None:
        side = "a" if pair.left is not None else "b"
        return f"{step.name} {step.words}".rstrip() + f" is only in {side}"
    first = next(one for one in pair.differences if one.weight == pair.weight)
    return f"{step.name}: {first}"


def compare(left: Sequence[Step], right: Sequence[Step]) -> Comparison:
    """Return the comparison of two associations, given as their steps. Only the first 2000 of each are compared."""
    whole = [[step for step in steps if step.turns] for steps in (left, right)]
    one, other = (steps[:_MAX_STEPS] for steps in whole)
    pairs: list[Pair] = []
    matcher = SequenceMatcher(None, [*map(_key, one)], [*map(_key, other)], autojunk=False)
    for kind, start, end, begin, stop in matcher.get_opcodes():
        if kind == "equal":
            pairs += map(_pair, one[start:end], other[begin:stop])
        else:
            pairs += (Pair(step, None) for step in one[start:end])
            pairs += (Pair(None, step) for step in other[begin:stop])
    is_cut = max(map(len, whole)) > _MAX_STEPS
    return Comparison(tuple(pairs), (_end(whole[0]), _end(whole[1])), is_cut)


def _key(step: Step) -> tuple[str, str, str]:
    """Return the properties in which both steps of a pair must agree: side, name, and the SOP Class of a request."""
    words = "" if step.status is not None or not step.messages else step.words
    return step.side, step.name, words


def _pair(left: Step, right: Step) -> Pair:
    facts = _shared_facts(facts_of(left), facts_of(right))
    names = dict.fromkeys(name for side in facts for name in side)
    return Pair(left, right, tuple(_difference(name, *facts) for name in names if _differs(name, *facts)))


def _shared_facts(left: dict[str, Fact], right: dict[str, Fact]) -> tuple[dict[str, Fact], dict[str, Fact]]:
    """Return the facts of both sides. If only one side has a Data Set, a single fact stands for all its elements."""
    counts = [sum(fact.is_element for fact in facts.values()) for facts in (left, right)]
    if all(counts) or not any(counts):
        return left, right
    shown = []
    for facts, count in zip((left, right), counts, strict=True):
        whole = {"Data Set": Fact(f"{count} elements")} if count else {}
        shown.append({name: fact for name, fact in facts.items() if not fact.is_element} | whole)
    return shown[0], shown[1]


def _differs(name: str, left: dict[str, Fact], right: dict[str, Fact]) -> bool:
    return name not in left or name not in right or left[name].value != right[name].value


def _difference(name: str, left: dict[str, Fact], right: dict[str, Fact]) -> Difference:
    facts = left.get(name), right.get(name)
    weight = max(fact.weight for fact in facts if fact is not None)
    if len({fact.outcome for fact in facts if fact is not None}) > 1:
        weight = Weight.OUTCOME
    values = ["" if fact is None else fact.value or "empty" for fact in facts]
    return Difference(name, values[0], values[1], weight)


def _end(steps: Sequence[Step]) -> str:
    """Return how an association ended, in words."""
    if any(step.name == "A-ASSOCIATE-RJ" and step.side == ACCEPTOR for step in steps):
        return "rejected"
    if not any(step.name == "A-ASSOCIATE-AC" for step in steps) and any(step.side == REQUESTOR for step in steps):
        return "never accepted" if any(step.side == ACCEPTOR for step in steps) else "recorded on one side"
    return next((_ENDINGS[step.name] for step in reversed(steps) if step.name in _ENDINGS), "not released")
