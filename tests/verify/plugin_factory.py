"""Make third-party plugins as pip would install them: a module and a dist-info with an entry point."""

from __future__ import annotations

from pathlib import Path

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


def install(directory: Path, lib: str, source: str, version: str = "1.2") -> Path:
    """Install a plugin for the library ``lib`` into a directory that is to be put on the path."""
    module = f"opreg_{lib}"
    (directory / f"{module}.py").write_text(source.replace("{lib}", lib))
    info = directory / f"{module}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: opreg-{lib}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[opreg]\n{lib} = {module}\n")
    return directory
