"""The shared state of the cases of one run: the number of films left to print, and facts that are learned only once."""

from dataclasses import dataclass, field

__all__ = ["Shared"]


@dataclass(slots=True)
class Shared:
    """The shared state of a run. ``films_left`` is the number of films that may still be printed.

    ``found`` holds facts that cases learn only once in a run, under keys that the cases choose.
    """

    films_left: int = 0
    films: int = 0  # films that may have been printed
    found: dict[str, object] = field(default_factory=dict)

    def take_film(self) -> bool:
        """Count a film that an N-ACTION may print. Return False, and count nothing, if no film is left."""
        if self.films_left < 1:
            return False
        self.films_left -= 1
        self.films += 1
        return True
