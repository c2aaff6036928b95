"""opreg's pytest plugin: the seed and the number of samples of conformance tests. Light to import."""

from __future__ import annotations

import secrets
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--opreg-seed`` and ``--opreg-samples``."""
    group = parser.getgroup("opreg", "opreg: derivative rules")
    group.addoption(
        "--opreg-seed",
        type=int,
        default=None,
        metavar="S",
        help="seed of conformance tests (default: a fresh one)",
    )
    group.addoption(
        "--opreg-samples",
        type=int,
        default=None,
        metavar="N",
        help="samples for each primitive and check, at least",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed once, so that every process of a run has the same."""
    handed_down = getattr(config, "workerinput", {}).get("opreg_seed")
    if handed_down is not None:
        config.option.opreg_seed = handed_down
    elif config.option.opreg_seed is None:
        config.option.opreg_seed = secrets.randbits(31)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the seed down to a worker of pytest-xdist."""
    node.workerinput["opreg_seed"] = node.config.option.opreg_seed


def pytest_report_header(config: pytest.Config) -> str:
    """Say which seed it is."""
    return f"opreg: --opreg-seed={config.option.opreg_seed}"
