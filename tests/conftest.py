"""How the tests are run beside each other."""

from __future__ import annotations

import os

import pytest

# Ray's workers step back behind other processes: behind the other tests they would hardly run at all.
os.environ.setdefault("RAY_worker_niceness", "0")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with those that run in one process one after the other, as those of Ray do: the others fill the rest."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)
