"""The guides in docs/examples are what the committed tables give, byte for byte.

Figures are compared where the installed matplotlib is the one that drew them: another version may place a line a
hundredth of a point elsewhere.
"""

from __future__ import annotations

import re
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from reports.guide import write_guide
from reports.results import StudyResults

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
TABLES = {"runs.csv", "curves.csv", "layers.csv", "results.json"}


@pytest.mark.parametrize("name", ["cifar10_small", "nmnist"])
def test_the_committed_guide_is_what_its_tables_give(name: str, tmp_path: Path) -> None:
    """When a guide is meant to change: python docs/examples/regenerate.py, read what changed, commit it."""
    written = write_guide(StudyResults.read(EXAMPLES / name), tmp_path)
    expected = {path.relative_to(tmp_path): path.read_bytes() for path in written}
    committed = {
        path.relative_to(EXAMPLES / name): path.read_bytes()
        for path in (EXAMPLES / name).rglob("*")
        if path.is_file() and path.name not in TABLES
    }
    assert committed.keys() == expected.keys()
    drawn_alike = _drawn_by(EXAMPLES / name) == _drawn_by(tmp_path)
    compared = [path for path in expected if drawn_alike or path.parent.name != "figures"]
    assert [str(path) for path in compared if _content(path, committed) != _content(path, expected)] == []


def _drawn_by(guide: Path) -> set[str]:
    """The versions of matplotlib that a guide's figures name."""
    texts = [path.read_text() for path in (guide / "figures").glob("*.svg")]
    return {version for text in texts for version in re.findall(r"<dc:title>(matplotlib [^<]+)</dc:title>", text)}


def _content(path: Path, files: dict[Path, bytes]) -> object:
    """What a file says, however its parts were compressed: that depends on the machine's zlib."""
    content = files[path]
    if path.suffix == ".png":
        picture = Image.open(BytesIO(content))
        return picture.size, picture.tobytes()
    if path.suffix == ".pdf":
        parts = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL)
        return [zlib.decompressobj().decompress(part) if part[:1] == b"x" else part for part in parts]
    return content


@pytest.mark.parametrize("name", ["cifar10_small", "nmnist"])
def test_the_figures_of_an_example_stay_small(name: str) -> None:
    assert sum(path.stat().st_size for path in (EXAMPLES / name / "figures").iterdir()) < 1_500_000


@pytest.mark.parametrize("name", ["cifar10_small", "nmnist"])
def test_the_tables_read_and_written_again_are_the_same(name: str, tmp_path: Path) -> None:
    for path in StudyResults.read(EXAMPLES / name).write(tmp_path):
        assert path.read_bytes() == (EXAMPLES / name / path.name).read_bytes()
