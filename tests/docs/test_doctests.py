"""The examples in docstrings run and print what they say."""

import doctest
import importlib
import pkgutil

import pytest

import opreg
import opreg_numpy

MODULES = sorted(
    info.name
    for package in (opreg, opreg_numpy)
    for info in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    if not info.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0
