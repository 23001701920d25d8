"""Profiles with the limits of printers that do not support Printer Configuration Retrieval.

A profile has a `PrinterConfig` (`print_mgmt.config`) for the printer, and the rules that an SCU must follow to print on
it. Attributes that the printer does not support, or whose value it would replace, are left out, with a warning. Values
that the printer would refuse, or that would spoil the film, raise an error before anything is sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dimse.data import Dataset
from dimse.errors import EncodeError
from dimse.uids import BasicAnnotationBox

from ..attributes import Chosen, Refusal, Table, check, shown
from ..config import PRESETS, ConfigError, PrinterConfig, load_config, preset, tables_of
from ..film import PresentationLUT
from .options import Bits

__all__ = ["PROFILES", "Supported", "Profile", "profile"]

_SET_BY_PRINT_CLIENT = (
    *("ReferencedFilmSessionSequence", "ImageBoxPosition"),
    *("BasicGrayscaleImageSequence", "BasicColorImageSequence"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The facts about a printer model that an SCU needs.

    ``config`` has the limits of the printer. ``lut_in`` is the instance that refers to a Presentation LUT (CP 173).
    ``label_is_annotation``: the printer writes the Film Session Label on the film.
    """

    name: str
    config: PrinterConfig
    lut_in: Literal["film", "session"] = "film"
    label_is_annotation: bool = False

    @property
    def bits(self) -> Bits:
        """The greatest depth of gray pixels that the printer supports."""
        return 12 if 12 in self.config.BitsStored else 8

    def supported(
        self, chosen: Chosen, annotations: Sequence[str] = (), lut: PresentationLUT | None = None, bits: int = 8
    ) -> "Supported":
        """Return the options that this printer supports. Raises `EncodeError` for an option that it would refuse.

        ``bits`` is the depth of the pixels that are sent.
        """
        self._check_bits(bits, lut)
        film_session, film_box = chosen.film_session.copy(), chosen.film_box.copy()
        annotations = tuple(annotations)
        if annotations:
            self._place_annotations(annotations, film_session, film_box)
            annotations = () if self.label_is_annotation else annotations
        if "ImageDisplayFormat" not in film_box:
            film_box.ImageDisplayFormat = "STANDARD\\1,1"
        self._check_format(film_box)
        tables, warnings = tables_of(self.config), list[str]()
        kept = Chosen(
            film_session=self._keep_supported(tables.film_session, film_session, warnings),
            film_box=self._keep_supported(tables.film_box, film_box, warnings),
            image_box=self._keep_supported(tables.gray_image_box, chosen.image_box, warnings),
        )
        return Supported(kept, annotations, tuple(warnings))

    def _keep_supported(self, table: Table, dataset: Dataset, warnings: list[str]) -> Dataset:
        """Return the attributes of ``dataset`` that the printer supports, with unchanged values."""
        rows = tuple(row for row in table if row.keyword not in _SET_BY_PRINT_CLIENT)
        try:
            checked = check(rows, dataset)
        except Refusal as exc:
            raise EncodeError(f"{exc.comment} (profile {self.name})") from exc
        warnings += [f"left out: {comment} (profile {self.name})" for _, _, comment in checked.warnings]
        kept = dataset.copy()
        for tag in checked.offending:
            if tag in kept:
                del kept[tag]
        for element in checked.attributes:
            if element.VR == "SQ":
                kept.add(element)  # its items no longer have the attributes that were left out
        return kept

    def _check_bits(self, bits: int, lut: PresentationLUT | None) -> None:
        if bits not in self.config.BitsStored:
            taken = " and ".join(map(str, self.config.BitsStored))
            raise EncodeError(f"{bits}: {self.name} supports {taken}", path="BitsStored")
        if lut is not None and lut.table is not None and self.config.lut_match_required and len(lut.table) != 1 << bits:
            what = f"has {len(lut.table)} entries: {self.name} needs {1 << bits} for {bits} bits"
            raise EncodeError(what, path="LUTData")

    def _check_format(self, film_box: Dataset) -> None:
        formats, wanted = self.config.ImageDisplayFormat, film_box.get("ImageDisplayFormat")
        if formats and wanted not in formats:
            what = f"{shown(wanted)}: {self.name} has {', '.join(formats)}"
            raise EncodeError(what, path="ImageDisplayFormat")

    def _place_annotations(self, annotations: tuple[str, ...], film_session: Dataset, film_box: Dataset) -> None:
        """Add the attribute that makes the printer write annotations. Raises `EncodeError` if it cannot write them."""
        formats, max_length = self.config.imager.annotation_formats, self.config.annotation_characters
        for text in annotations:
            if len(text) > max_length:
                what = f"{shown(text)}: {self.name} writes at most {max_length} characters"
                raise EncodeError(what, path="TextString")
        if self.label_is_annotation:
            if len(annotations) > 1:
                raise EncodeError(f"{len(annotations)}: {self.name} writes only one", path="annotations")
            film_session.FilmSessionLabel = annotations[0]
        elif BasicAnnotationBox not in self.config.abstract_syntaxes or not formats:
            raise EncodeError(f"{self.name} writes none", path="annotations")
        elif "AnnotationDisplayFormatID" not in film_box:
            film_box.AnnotationDisplayFormatID = next(iter(formats))


@dataclass(frozen=True, slots=True)
class Supported:
    """The options that a printer supports, and warnings about the options that were left out."""

    chosen: Chosen
    annotations: tuple[str, ...]
    warnings: tuple[str, ...]


# The descriptions of profiles by name. "generic" and "strict" are no profiles: their only limits are the standard's
PROFILES = {name: words for name, words in PRESETS.items() if name not in ("generic", "strict")}
_LUT_IN_SESSION = ("agfa-ds3000",)
_LABEL_IS_ANNOTATION = ("aycan",)


def profile(name: str) -> Profile:
    """Return the profile ``name``. If ``name`` ends in ``.toml``, make a profile from that configuration of a printer.

    Raises `ConfigError` for an unknown name or an invalid file, and OSError for a file that cannot be read.
    """
    if name.endswith(".toml"):
        return Profile(name=name, config=load_config(name))
    if name not in PROFILES:
        raise ConfigError("profile", f"{name!a} is not one of {', '.join(PROFILES)}, nor a file NAME.toml")
    return Profile(
        name=name,
        config=preset(name),
        lut_in="session" if name in _LUT_IN_SESSION else "film",
        label_is_annotation=name in _LABEL_IS_ANNOTATION,
    )
