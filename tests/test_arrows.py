"""The arrows of the house that import-linter cannot see."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import opreg
import opreg_numpy

PLUGINS = [opreg_numpy]

LAZY = {
    "click",
    "hypothesis",
    "numpy",
    "opreg",
    "opreg_numpy",
    "pluggy",
    "pytest",
    "ray",
    "rich",
    "scipy",
}
"""What may be imported inside a function: what is optional or heavy, and our own modules that lead to it."""


def sources(package) -> list[Path]:
    return sorted(Path(package.__file__).parent.rglob("*.py"))


def imports(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Every name that a tree imports, in full: `from a import b` is `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, f"{node.module or ''}.{alias.name}") for alias in node.names)


def private(name: str) -> bool:
    root, *rest = name.split(".")
    return root == "opreg" and any(part.startswith("_") for part in rest)


@pytest.mark.parametrize("package", PLUGINS, ids=lambda package: package.__name__)
def test_plugins_import_only_public_names_of_opreg(package) -> None:
    assert sources(package)
    for path in sources(package):
        found = [name for _, name in imports(ast.parse(path.read_text(encoding="utf-8"))) if private(name)]
        assert found == [], f"{path.name} imports {found}: plugins use what opreg offers to everybody"


@pytest.mark.parametrize("package", [opreg, *PLUGINS], ids=lambda package: package.__name__)
def test_nothing_is_imported_inside_a_function_but_what_must_stay_lazy(package) -> None:
    for path in sources(package):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [
            n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        ]
        inner = {
            (node.lineno, name)
            for function in functions
            for node, name in imports(function)
            if name.split(".")[0] not in LAZY | sys.stdlib_module_names
        }
        assert inner == set(), f"{path.name}: move these to the head of the file"


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after running some code."""
    program = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_importing_opreg_loads_no_library() -> None:
    assert not {"numpy", "ray", "pluggy", "scipy", "rich", "click", "pytest"} & loaded_by("import opreg")


def test_differentiating_numpy_code_loads_numpy_and_no_tool() -> None:
    code = "import numpy as np, opreg\nopreg.grad(lambda x: np.sum(np.sin(x)))(np.ones(3))"
    loaded = loaded_by(code)
    assert "opreg_numpy" in loaded
    assert not {"scipy", "ray", "rich", "click", "pytest"} & loaded


def test_a_private_import_would_be_seen() -> None:
    seen = [name for _, name in imports(ast.parse("from opreg._trace import Tracer\nfrom opreg import grad"))]
    assert [private(name) for name in seen] == [True, False]
