"""Person names: the VR PN of PS3.5 §6.2.1.

A name has up to three component groups with ``=`` between them: alphabetic, ideographic and phonetic. A group has up to
five components with ``^`` between them: family name, given name, middle name, prefix and suffix. A missing component is
empty.
"""

from typing import Self

from ..errors import EncodeError, shown

__all__ = ["MAX_COMPONENTS", "MAX_GROUPS", "ComponentGroup", "PersonName"]

MAX_GROUPS = 3  # component groups of a name, PS3.5 §6.2.1
MAX_COMPONENTS = 5  # components of a group


class _WithComponents(str):
    """Text that consists of components."""

    __slots__ = ()

    @property
    def family_name(self) -> str:
        return self._component(0)

    @property
    def given_name(self) -> str:
        return self._component(1)

    @property
    def middle_name(self) -> str:
        return self._component(2)

    @property
    def name_prefix(self) -> str:
        return self._component(3)

    @property
    def name_suffix(self) -> str:
        return self._component(4)

    def _component(self, number: int) -> str:
        components = self.split("^", MAX_COMPONENTS - 1)
        return components[number].strip(" ") if number < len(components) else ""


class ComponentGroup(_WithComponents):
    """A component group, which is one way to write a name: a ``str`` with access to its components."""

    __slots__ = ()

    @classmethod
    def of(
        cls,
        family_name: str = "",
        given_name: str = "",
        middle_name: str = "",
        name_prefix: str = "",
        name_suffix: str = "",
    ) -> Self:
        """Return a group of these components. Raises EncodeError if a component contains a delimiter."""
        components = (family_name, given_name, middle_name, name_prefix, name_suffix)
        for component in components:
            _refuse_delimiters("^=\\", component)
        return cls("^".join(components).rstrip("^"))


class PersonName(_WithComponents):
    """A person's name: a ``str`` with access to its groups, and to the components of the alphabetic group."""

    __slots__ = ()

    @classmethod
    def of(
        cls,
        family_name: str = "",
        given_name: str = "",
        middle_name: str = "",
        name_prefix: str = "",
        name_suffix: str = "",
        *,
        ideographic: str = "",
        phonetic: str = "",
    ) -> Self:
        """Return a name of these components and two more groups. Raises EncodeError if a part contains a delimiter."""
        alphabetic = ComponentGroup.of(family_name, given_name, middle_name, name_prefix, name_suffix)
        for group in (ideographic, phonetic):
            _refuse_delimiters("=\\", group)
        return cls("=".join((alphabetic, ideographic, phonetic)).rstrip("="))

    @property
    def alphabetic(self) -> ComponentGroup:
        """The first, alphabetic component group."""
        return self._group(0)

    @property
    def ideographic(self) -> ComponentGroup:
        """The second, ideographic component group."""
        return self._group(1)

    @property
    def phonetic(self) -> ComponentGroup:
        """The third, phonetic component group."""
        return self._group(2)

    def _group(self, number: int) -> ComponentGroup:
        groups = self.split("=", MAX_GROUPS - 1)
        return ComponentGroup(groups[number] if number < len(groups) else "")

    def _component(self, number: int) -> str:
        return self.alphabetic._component(number)


def _refuse_delimiters(delimiters: str, text: str) -> None:
    for delimiter in delimiters:
        if delimiter in text:
            raise EncodeError(f"PN cannot hold {shown(text)}: {delimiter} is a delimiter (PS3.5 §6.2.1)")
