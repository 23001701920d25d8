"""The claims of a printer's configuration, for ``verify scp --claims``, which tests whether the printer keeps them."""

from dimse.uids import ImplicitVRLittleEndian

from ..config import PrinterConfig
from ..sop import ACCEPTED_SYNTAXES

__all__ = ["claims_of"]


def claims_of(config: PrinterConfig) -> dict[str, object]:
    """Return the claims of a printer, as in a claims file: classes and syntaxes as UIDs, densities in hundredths of OD.

    Checks of AE titles and the number of associations are not claimed: they are not part of the configuration.
    """
    installed = [medium for medium in config.media if medium.installed]
    claims: dict[str, object] = {
        "sop_classes": list(config.abstract_syntaxes),
        "transfer_syntaxes": [ImplicitVRLittleEndian] if config.implicit_only else list(ACCEPTED_SYNTAXES),
        "medium_types": list(dict.fromkeys(medium.MediumType for medium in installed)),
        "destinations": [term for term in config.FilmDestination if not term.endswith("_i")],
        "display_formats": list(config.ImageDisplayFormat),
        "bit_depths": list(config.BitsStored),
        "session_action": config.MaximumCollatedFilms > 0,
    }
    if installed:  # a film session without Medium Type, like those of the tester, gets the first medium
        claims["film_sizes"] = list(installed[0].FilmSizeID)
        claims["max_density"] = config.imager_with(installed[0]).MaxDensity
    for name, keyword in (("medium_types", "MediumType"), ("film_sizes", "FilmSizeID"), ("max_density", "MaxDensity")):
        if keyword in config.unsupported:
            claims.pop(name, None)
    return {name: value for name, value in claims.items() if value != []}
