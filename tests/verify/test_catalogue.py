"""The catalogue: a page for each primitive and an index, from the registry."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import opreg
from opreg import Sample, plugins
from opreg.cli import cli
from opreg.verify._sayings import entries, said_of


def catalogue(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["catalogue", *map(str, arguments)])


def test_a_page_tells_what_is_known_of_a_primitive(tmp_path: Path) -> None:
    assert catalogue(tmp_path, "numpy.clip", "floor").exit_code == 0
    clip = (tmp_path / "numpy.clip.md").read_text()
    primitive = plugins.get("numpy.clip")
    assert clip.startswith("# numpy.clip\n")
    assert primitive.doc.strip().splitlines()[0] in clip
    for part in ("VJP of `a`", "JVP of `a_max`", "## Conventions", "## How it is verified", "digest of"):
        assert part in clip
    floor = (tmp_path / "numpy.floor.md").read_text()
    assert "* `x`: it is constant between its jumps" in floor
    assert "## Rules" not in floor


def test_every_link_of_the_index_leads_to_a_page(tmp_path: Path) -> None:
    done = catalogue(tmp_path, "numpy.linalg", "numpy.a*")
    index = (tmp_path / "index.md").read_text()
    linked = re.findall(r"\]\(([^)]+)\)", index)
    assert sorted(linked) == sorted(path.name for path in tmp_path.iterdir() if path.name != "index.md")
    assert f"{len(linked)} pages" in done.stdout
    assert index.index("## numpy\n") < index.index("## numpy.linalg\n")
    columns = {line.count("|") for line in re.sub(r"\\\|", "", index).splitlines() if line.startswith("| [")}
    assert columns == {5}


def test_what_else_lies_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text("mine")
    catalogue(tmp_path, "numpy.sin")
    catalogue(tmp_path, "numpy.cos")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "index.md",
        "mine.md",
        "numpy.cos.md",
        "numpy.sin.md",
    ]
    assert (tmp_path / "mine.md").read_text() == "mine"


def test_a_directory_that_cannot_be_made_and_a_name_that_does_not_exist_are_one_sentence_each(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    for done, word in (
        (catalogue(tmp_path / "file" / "below", "numpy.sin"), "cannot be written"),
        (catalogue(tmp_path, "numpy.sinn"), "Did you mean numpy.sin"),
    ):
        assert done.exit_code == 2, done.output
        assert len(done.stderr.strip().splitlines()) == 1
        assert word in done.stderr


OWN = ("opreg_numpy", "opreg_scipy")


def test_each_own_function_tells_its_domain_and_the_source_of_its_formula() -> None:
    plugins.load_all()
    silent = [
        p.name
        for p in plugins.primitives(())
        if p.__module__.partition(".")[0] in OWN
        and not (p.is_composite or p.is_constant or p._linear >= {n for n in p.data if n not in p.reasons})
        and said_of(p).keys() != {"domain", "source"}
    ]
    assert silent == []


@pytest.mark.parametrize("package", OWN)
def test_what_is_told_is_told_of_functions_that_there_are(package: str) -> None:
    plugins.load_all()
    names = {p.name for p in plugins.primitives(()) if p.__module__.partition(".")[0] == package}
    patterns = [pattern for entry in entries(package) for pattern in entry["of"]]
    newer = {"numpy.unique_values", "numpy.matvec"}  # than the oldest NumPy
    stale = [p for p in patterns if not any(fnmatchcase(name, p) for name in names)]
    assert set(stale) <= newer
    assert len(patterns) == len(set(patterns))


def test_a_page_tells_the_domain_the_source_and_what_is_given_at_a_kink(tmp_path: Path) -> None:
    catalogue(tmp_path, "numpy.log", "numpy.maximum", "numpy.quantile", "numpy.tile", "numpy.floor")
    log, maximum, quantile, tile, floor = (
        (tmp_path / f"numpy.{name}.md").read_text()
        for name in ("log", "maximum", "quantile", "tile", "floor")
    )
    assert "## Domain\n\n* x > 0; complex x but 0, cut along the negative real axis." in log
    assert (
        "* Verified by numbers of the types `complex128`, `complex64`, `float`, `float32`, `float64`." in log
    )
    assert "## Source of the derivative\n\nDLMF 4.7(i).\n" in log
    assert "* At (2.0, 2.0), where there is no derivative: 0.5 by x and 0.5 by y." in maximum
    assert "* `method='linear'`" in quantile
    assert "* `out`: it cannot write into out=" in quantile
    assert "complex" not in quantile
    assert "It is linear: the VJP is its transpose." in tile
    assert "* JVP: the function itself, of the tangent in the argument's place" in tile
    assert "## Source" not in floor


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of a plugin with a function, ``telling.soft``."""
    (tmp_path / "telling").mkdir()
    (tmp_path / "telling" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    entries.cache_clear()
    yield tmp_path / "telling"
    sys.modules.pop("telling", None)
    entries.cache_clear()
    plugins.reset()


def made() -> opreg.Primitive:
    def soft(x, /):  # type: ignore[no-untyped-def]
        return np.log1p(np.exp(x))

    soft.__module__ = "telling.functions"
    primitive = opreg.Primitive(soft, "telling.soft").defvjp(x=lambda g, out: g * -np.expm1(-out))
    primitive.samples(lambda rng: [Sample((rng.standard_normal(3),))])
    plugins.register(primitive)
    return primitive


def test_a_plugin_of_others_tells_of_its_functions_in_a_file(package: Path, tmp_path: Path) -> None:
    (package / "catalogue.toml").write_text(
        '[[function]]\nof = ["telling.so*"]\ndomain = "real x"\n\n[[function]]\nof = ["telling.soft"]\nsource = "no"\n'
    )
    assert said_of(made()) == {"domain": "real x"}
    done = CliRunner().invoke(cli, ["show", "telling.soft"])
    assert "domain\n  real x\n" in done.stdout
    assert "not told; catalogue.toml in the package of telling.functions may tell it" in done.stdout


def test_a_plugin_without_such_a_file_tells_nothing(package: Path) -> None:
    assert said_of(made()) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[function]", "catalogue.toml: "),
        ('[[function]]\ndomain = "x"', "names in a list 'of'"),
        ('[[function]]\nof = "telling.soft"', "names in a list 'of'"),
        ('[[function]]\nof = ["telling.soft"]\ndomian = "x"', "has domian = 'x'; it may have"),
        ('[[function]]\nof = ["telling.soft"]\ndomain = 3', "has domain = 3"),
        ('[[function]]\nof = ["telling.soft"]\nsource = " "', "has source = ' '"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_one_sentence(package: Path, text: str, message: str) -> None:
    (package / "catalogue.toml").write_text(text)
    made()
    done = CliRunner().invoke(cli, ["show", "telling.soft"])
    assert done.exit_code == 2, done.output
    assert len(done.stderr.strip().splitlines()) == 1
    assert message in done.stderr
