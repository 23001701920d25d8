"""The options of a run that only the cases of print use."""

from dataclasses import asdict, dataclass, fields

from dimse.verify import Flags, Options

from .claims import Claims

__all__ = ["PrintOptions", "print_options"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintOptions(Options):
    """The options of a run with cases of print.

    ``display_format`` and ``annotation_format`` are values that the printer accepts, or "" if none are known. The
    command ``event_command``, to which ``warning`` or ``normal`` is appended, gives the printer this status.
    ``patience`` is the longest time to wait for an event, in seconds.
    """

    claims: Claims | None = None
    display_format: str = ""
    annotation_format: str = ""
    event_command: tuple[str, ...] = ()
    patience: float = 10.0

    def claimed(self) -> dict[str, object]:
        """Return all claims of the peer, by name."""
        claims = {} if self.claims is None else asdict(self.claims)
        return Options.claimed(self) | {name: value for name, value in claims.items() if value is not None}

    def claimed_tls_profile(self) -> str:
        """Return the profile of PS3.15 that the claims or the options name, or ""."""
        claimed = self.claims.tls_profile if self.claims is not None else None
        return claimed or self.tls_profile

    def flags(self) -> Flags:
        """Return the flags that follow from the options alone."""
        found = Options.flags(self)
        found |= Flags.CLAIMS if self.claims is not None else Flags.NONE
        return found | (Flags.EVENT_HOOK if self.event_command else Flags.NONE)


def print_options(options: Options) -> PrintOptions:
    """Return ``options`` as options of print, with defaults for the fields that only `PrintOptions` has."""
    if isinstance(options, PrintOptions):
        return options
    return PrintOptions(**{each.name: getattr(options, each.name) for each in fields(Options)})
