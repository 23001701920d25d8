"""A Python function as a destination, for programs that embed the printer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from inspect import isawaitable

from dimse.data import Dataset

from ..scp import Film
from .destination import Condition, Receipt, as_failures

__all__ = ["CallbackDestination"]


@dataclass(frozen=True, slots=True)
class CallbackDestination:
    """A `Destination` that calls ``on_film`` with each film, and the known attributes of its patient and study.

    ``on_film`` is an async function, or a plain function that must return quickly, because it runs on the event loop.
    It raises `DeliveryFailed` to tell what a failure means; `failure_of` gives other exceptions their meaning.
    ``repeatable``: ``on_film`` may be called again with a film that it has received before.
    """

    on_film: Callable[[Film, Dataset], Awaitable[None] | None]
    repeatable: bool = False

    async def deliver(self, film: Film, identified: Dataset) -> Receipt:
        """Call the function, and await its result if necessary. Raises `DeliveryFailed`."""
        with as_failures():
            delivering = self.on_film(film, identified)
            if isawaitable(delivering):
                await delivering
        return Receipt()

    async def check(self) -> Condition:
        """Return the condition NORMAL: a function can always be called."""
        return Condition()
