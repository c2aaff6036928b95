import exact
import pytest

import opreg


@pytest.fixture(autouse=True)
def only_exact_numbers(monkeypatch):
    """Every engine test runs on exact numbers alone: the installed plugins are blocked."""
    monkeypatch.setenv("OPREG_DISABLE", "numpy*,builtins,scipy*,operator*")
    opreg.plugins.reset()
    exact.install()
    yield
    monkeypatch.undo()
    opreg.plugins.reset()
