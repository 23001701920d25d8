"""File names of films, from a template with tokens, such as ``{date}/{calling}-{number}``.

The values of many tokens come from peers. Only their ASCII letters, digits, dots, dashes and underscores get into a
name, and no value creates a folder. The last part of each name includes an identifier of the film. So two films never
get the same name, even if they have the same number: numbers begin anew with the index of a spool. A film gets the same
name again as long as it has the same number, so a delivery that is repeated after a crash finds its own files. At a
site, the number of a film is the number of its delivery.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from dimse.data import Dataset

from ..config import ConfigError
from ..scp import Film
from ..typed import text

__all__ = ["TOKENS", "NameTemplate", "film_id", "to_safe_text"]

_MAX_VALUE = 32  # characters of the value of a token
_MAX_PART = 127  # characters of a folder or file name; `output.write_page` has this limit
_ID_LENGTH = 12  # hexadecimal digits of a film id: 281 trillion values
# The maximum lengths of the values that do not come from a peer
_KNOWN_LENGTHS = {"date": 8, "time": 6, "number": 10, "position": 4, "id": _ID_LENGTH}
_OTHER = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
_TOKEN = re.compile(r"\{([a-z_]+)\}", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z0-9._/-]*", re.ASCII)
# Names of devices on Windows. A name such as NUL.png, with an extension, also means the device
_RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|COM\d|LPT\d)", re.ASCII | re.IGNORECASE)


def film_id(film: Film) -> str:
    """Return an identifier of one copy of a film: twelve hexadecimal digits, always the same for the same copy."""
    key = f"{film.job.SOPInstanceUID}/{film.position}/{film.copy}"
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:_ID_LENGTH]


def to_safe_text(value: str) -> str:
    """Return ``value`` for use in a file name: at most 32 ASCII letters (without accents), digits, ``.``, ``-``, ``_``.

    Return "none" if nothing remains.
    """
    plain = unicodedata.normalize("NFKD", value[: 4 * _MAX_VALUE]).encode("ascii", "ignore").decode()
    return _OTHER.sub("_", plain).strip("._-")[:_MAX_VALUE] or "none"


TOKENS: Mapping[str, Callable[[Film, Dataset], str]] = {
    "date": lambda film, _: f"{film.time:%Y%m%d}",
    "time": lambda film, _: f"{film.time:%H%M%S}",
    "printer": lambda film, _: to_safe_text(film.job.PrinterName),
    "calling": lambda film, _: to_safe_text(film.calling_ae_title),
    "host": lambda film, _: to_safe_text(film.host),
    "number": lambda film, _: f"{film.number:04d}",
    "position": lambda film, _: f"{film.position}",
    "size": lambda film, _: to_safe_text(film.sheet.FilmSizeID),
    "label": lambda film, _: to_safe_text(film.job.FilmSessionLabel),
    "patient_id": lambda _, identified: to_safe_text(text(identified, "PatientID")),
    "patient_name": lambda _, identified: to_safe_text(text(identified, "PatientName")),
    "accession": lambda _, identified: to_safe_text(text(identified, "AccessionNumber")),
    "study_date": lambda _, identified: to_safe_text(text(identified, "StudyDate")),
    "id": lambda film, _: film_id(film),
}


@dataclass(frozen=True, slots=True)
class NameTemplate:
    """A template of file names without suffixes; ``/`` separates folders, and `TOKENS` defines the tokens.

    Raises `ConfigError`.
    """

    template: str = "film-{date}-{time}-{number}"

    def __post_init__(self) -> None:
        for name in _TOKEN.findall(self.template):
            if name not in TOKENS:
                raise ConfigError("name", f"unknown token {{{name}}}. The tokens are {', '.join(TOKENS)}")
        if not _PLAIN.fullmatch(_TOKEN.sub("", self.template)):
            why = "may only have ASCII letters, digits, dot, dash, underscore, slash, and {tokens}"
            raise ConfigError("name", f"{self.template!a} {why}")
        for number, part in enumerate(self.parts, 1):
            if part.startswith((".", "-", "_")) or not part:
                raise ConfigError("name", f"{self.template!a} has a part that does not begin with a letter or a digit")
            # To a name that is a device, `path_of` adds an underscore
            may_be_device = part.startswith("{") or _RESERVED.match(part) is not None
            values = sum(_KNOWN_LENGTHS.get(name, _MAX_VALUE) for name in _TOKEN.findall(part))
            longest = len(_TOKEN.sub("", part)) + values + may_be_device
            if number == len(self.parts) and "{id}" not in part:  # `path_of` then adds it
                longest += 1 + _ID_LENGTH
            if longest > _MAX_PART:
                why = f"can become a name of {longest} characters; {_MAX_PART} are allowed"
                raise ConfigError("name", f"{part!a} {why}")

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the template: one for each folder, and the last one for the name of the file."""
        return tuple(self.template.split("/"))

    def path_of(self, film: Film, identified: Dataset) -> tuple[str, ...]:
        """Return the folders and the name of the files of a film, without a suffix.

        ``identified`` has the attributes of the patient and the study.
        """
        parts = [_TOKEN.sub(lambda found: TOKENS[found[1]](film, identified), part) for part in self.parts]
        if "{id}" not in self.parts[-1]:
            parts[-1] += f"-{film_id(film)}"
        return tuple(map(_not_device, parts))


def _not_device(part: str) -> str:
    """Return a folder or file name, with an underscore after the name of a device."""
    name, dot, extension = part.partition(".")
    return f"{name}_{dot}{extension}" if _RESERVED.fullmatch(name) else part
