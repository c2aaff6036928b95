"""What is tested is what is shipped."""

import os
import sys
from importlib import metadata
from pathlib import Path

import pytest

import opreg
import opreg_numpy


@pytest.mark.skipif("TOX_ENV_DIR" not in os.environ, reason="outside tox the source tree may be tested")
@pytest.mark.parametrize("package", [opreg, opreg_numpy], ids=lambda package: package.__name__)
def test_tox_tests_the_installed_wheel(package) -> None:
    assert package.__file__ is not None
    assert Path(package.__file__).is_relative_to(os.environ["TOX_ENV_DIR"])
    assert "site-packages" in Path(package.__file__).parts
    root = Path(__file__).parents[1]
    assert not {str(root), str(root / "plugins"), ""} & set(sys.path)


@pytest.mark.parametrize("package", [opreg, opreg_numpy], ids=lambda package: package.__name__)
def test_the_package_says_that_it_is_typed(package) -> None:
    assert package.__file__ is not None
    assert Path(package.__file__).with_name("py.typed").is_file()


def test_the_core_needs_numpy_and_pluggy_only() -> None:
    required = [line for line in metadata.requires("opreg") or [] if "extra ==" not in line]
    assert sorted(line.split(">")[0] for line in required) == ["numpy", "pluggy"]


def test_every_built_in_plugin_enters_by_an_entry_point() -> None:
    names = {point.name for point in metadata.entry_points(group="opreg") if point.dist.name == "opreg"}
    assert {"builtins", "numpy", "numpy.linalg"} <= names


def test_the_version_is_the_distributions() -> None:
    assert opreg.__version__ == metadata.version("opreg")
