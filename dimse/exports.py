"""Lazy exports: names of a package that are imported from its modules when they are first used (PEP 562).

With them, `import dimse` takes a tenth of the time of importing all modules, and a command that shows its help loads
neither asyncio nor numpy.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec

__all__ = ["lazy_exports"]


def lazy_exports(
    package: str, modules: Mapping[str, Iterable[str]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of ``package``.

    ``modules`` maps each module, named relative to the package, to the names that it exports. Each module of the
    package is an attribute, too, as after ``import package.module``.
    """
    homes = {name: module for module, names in modules.items() for name in names}

    def get(name: str) -> object:
        if name in homes:
            value: object = getattr(import_module(homes[name], package), name)
            setattr(sys.modules[package], name, value)  # the next use finds the name in the package
            return value
        if not name.startswith("_") and find_spec(f"{package}.{name}") is not None:
            return import_module(f".{name}", package)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return get, names
