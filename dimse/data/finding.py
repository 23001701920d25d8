"""What was tolerated: the record that every lenient reader leaves for whoever asks."""

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as the standard has it, and was read nevertheless.

    ``path`` is the way in, such as ``(2020,0110)[0].(0028,0010)``; ``offset`` counts bytes from the start of what was
    decoded, None where there is no such place; ``rule`` is the section that says otherwise, such as ``PS3.5 §7.1``.
    """

    path: str
    offset: int | None
    rule: str
    what: str

    def __str__(self) -> str:
        where = "" if self.offset is None else f" (at byte {self.offset})"
        return f"{self.path}: {self.what}{where} [{self.rule}]".removeprefix(": ")
