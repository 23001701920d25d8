"""Names that are imported when they are first used."""

import pickle
import subprocess
import sys
from types import ModuleType

import pytest

import dimse
import print_mgmt

PACKAGES = pytest.mark.parametrize("package", [dimse, print_mgmt], ids=lambda package: package.__name__)


@PACKAGES
def test_package_lists_its_exports(package: ModuleType) -> None:
    assert set(package.__all__) <= set(dir(package))
    assert dir(package) == sorted(set(dir(package)))


@PACKAGES
def test_star_import_takes_all_exports(package: ModuleType) -> None:
    names: dict[str, object] = {}
    exec(f"from {package.__name__} import *", names)
    assert {name: names[name] for name in package.__all__} == {name: getattr(package, name) for name in package.__all__}


@PACKAGES
def test_unknown_name_is_an_attribute_error(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"^module '{package.__name__}' has no attribute 'prnt'$"):
        _ = package.prnt


def test_export_is_the_object_of_its_module() -> None:
    from dimse.net.client import connect

    assert dimse.connect is connect
    assert vars(dimse)["connect"] is connect


def test_exported_class_survives_pickling() -> None:
    assert pickle.loads(pickle.dumps(dimse.Timeouts(dimse=7))) == dimse.Timeouts(dimse=7)
    assert pickle.loads(pickle.dumps(print_mgmt.PrintClient)) is print_mgmt.PrintClient


@pytest.mark.parametrize("name", ["dimse.net", "dimse.uids", "print_mgmt.film"])
def test_module_is_an_attribute_of_its_package(name: str) -> None:
    package = name.partition(".")[0]
    code = f"import {package}; print({name}.__name__)"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert shown == f"{name}\n"
