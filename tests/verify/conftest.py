"""Third-party plugins as pip would install them: a module and a dist-info with an entry point."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from opreg import plugins

# Read when Ray is imported: what it starts here listens on loopback only.
os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")

GOOD = '''
import numpy as np
import opreg

@opreg.primitive("{lib}.softsign", aliases=("{lib}_soft",))
def softsign(x, /):
    """x / (1 + |x|)"""
    return x / (1 + np.abs(x))

softsign.defvjp(x=lambda g, x: g / (1 + np.abs(x)) ** 2)

@softsign.samples
def samples(rng):
    yield opreg.Sample((rng.standard_normal((3, 2)),), note="a matrix")
    yield opreg.Sample((rng.standard_normal(4),))

@opreg.hookimpl
def opreg_primitives():
    return [softsign]
'''

WRONG = GOOD.replace("(1 + np.abs(x)) ** 2", "(1 + np.abs(x)) ** 3")
WITHOUT_SAMPLES = GOOD.replace("@softsign.samples\n", "")
BROKEN = "raise RuntimeError('licence file missing')\n"
MISSPELT = GOOD.replace("def opreg_primitives", "def opreg_primitive")
EXITS = (
    GOOD.replace(
        "yield opreg.Sample((rng.standard_normal(4),))",
        'yield opreg.Sample((np.full(3, 7.0),), note="deadly")',
    )
    .replace("return x / (1 + np.abs(x))", "kill(x)\n    return x / (1 + np.abs(x))")
    .replace(
        "import opreg\n",
        "import opreg\nimport os\n\ndef kill(x):\n    if np.shape(x) == (3,):\n        os._exit(7)\n",
        1,
    )
)
HANGS = EXITS.replace(
    "os._exit(7)",
    "import ctypes\n        lock = ctypes.create_string_buffer(64)\n        "
    "[ctypes.PyDLL(None).pthread_mutex_lock(lock) for _ in range(2)]",  # and Python's lock is held
)
SEGFAULTS = EXITS.replace("os._exit(7)", "import ctypes\n        ctypes.string_at(0)")
GREEDY = EXITS.replace("os._exit(7)", "np.ones(10**10)")
FLOODS = EXITS.replace(
    "os._exit(7)", "[print('flood' * 100) for _ in iter(int, 1)] if x[0] == 7 else os.write(2, b'x')"
)
WITHOUT_FLOATS = GOOD.replace("rng.standard_normal((3, 2))", "np.arange(3)").replace(
    "rng.standard_normal(4)", "np.arange(4)"
)
FORWARD_RAISES = GOOD.replace("return x / (1 + np.abs(x))", "raise OSError('no device')")
SAMPLES_RAISE = GOOD.replace(
    "yield opreg.Sample((rng.standard_normal(4),))", "raise ValueError('no such file')"
)
BLOCKS = GOOD.replace(
    "return x / (1 + np.abs(x))", "while np.size(x) == 4: pass\n    return x / (1 + np.abs(x))"
)
_RULE = "softsign.defvjp(x=lambda g, x: g / (1 + np.abs(x)) ** 2)"
NOT_CONSTANT = GOOD.replace(_RULE, "softsign.not_differentiable('it counts')")
STEPS = NOT_CONSTANT.replace("return x / (1 + np.abs(x))", "return np.floor(x)")
LOOPS = GOOD.replace("x=lambda g, x: g / (1 + np.abs(x)) ** 2", "x=lambda g, x: [0 for _ in iter(int, 1)]")
HOLED = GOOD.replace("g / (1 + np.abs(x)) ** 2", "g / (1 + np.abs(x)) ** 2 if np.size(x) < 99 else g")
WRONG_SHAPE = GOOD.replace("g / (1 + np.abs(x)) ** 2", "np.sum(g)")


SOURCES = {
    name.lower(): value
    for name, value in dict(globals()).items()
    if name.isupper() and isinstance(value, str)
}


def install(directory: Path, lib: str, source: str, version: str = "1.2") -> Path:
    """Install a plugin for the library ``lib`` into a directory that is to be put on the path."""
    module = f"opreg_{lib}"
    (directory / f"{module}.py").write_text(source.replace("{lib}", lib))
    info = directory / f"{module}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: opreg-{lib}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[opreg]\n{lib} = {module}\n")
    return directory


@pytest.fixture(scope="session")
def sources() -> SimpleNamespace:
    """The source of one plugin of each kind, good and bad."""
    return SimpleNamespace(**SOURCES)


@pytest.fixture(scope="session", name="install")
def install_() -> Callable[..., Path]:
    """Install a plugin into a directory."""
    return install


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what a run remembers out of the user's cache."""
    directory = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("OPREG_CACHE", str(directory))
    return directory


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A directory into which plugins are installed."""
    directory = tmp_path / "site"
    directory.mkdir()
    return directory


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Install plugins, by library and source, for this process and those that it starts."""
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))
    names: list[str] = []

    def make(**libraries: str) -> None:
        for lib, source in libraries.items():
            install(site, lib, source)
            names.append(f"opreg_{lib}")
        plugins.reset()

    yield make
    for name in names:
        sys.modules.pop(name, None)
    monkeypatch.undo()
    plugins.reset()


@pytest.fixture
def opreg_command(site: Path, cache: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line in a process of its own, with the plugins of this test on its path."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "opreg", *arguments],
            env={**os.environ, "PYTHONPATH": str(site), "OPREG_CACHE": str(cache), **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run
