"""The catalogue: a page for each primitive and an index, from the registry."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner, Result

from opreg import plugins
from opreg.cli import cli


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
