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
    """A `Destination` that calls ``on_film`` with each film and its identified attributes.

    ``on_film`` is an async function, or a plain one that must be quick, because it runs on the event loop. It raises
    `DeliveryFailed` to say what a failure means; after any other error the film is tried again. ``repeatable``: it may
    get a film twice.
    """

    on_film: Callable[[Film, Dataset], Awaitable[None] | None]
    repeatable: bool = False

    async def deliver(self, film: Film, identified: Dataset) -> Receipt:
        """Call the function, and wait for its end. Raises `DeliveryFailed`."""
        with as_failures():
            delivering = self.on_film(film, identified)
            if isawaitable(delivering):
                await delivering
        return Receipt()

    async def check(self) -> Condition:
        """Return that a function can always be called."""
        return Condition()
