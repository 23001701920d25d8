"""What the cases of one run share: the films that may still be printed, and what one case finds for others."""

from dataclasses import dataclass, field

__all__ = ["Shared"]


@dataclass(slots=True)
class Shared:
    """Shared by the cases of a run. ``films_left`` is the number of N-ACTIONs that may still print.

    ``found`` has whatever cases want to know once in a run, by a name of their own.
    """

    films_left: int = 0
    films: int = 0  # N-ACTIONs that may have printed
    found: dict[str, object] = field(default_factory=dict)

    def take_film(self) -> bool:
        """Count an N-ACTION that could print. Return False if it must not be sent."""
        if self.films_left < 1:
            return False
        self.films_left -= 1
        self.films += 1
        return True
