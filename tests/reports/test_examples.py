"""The guides in docs/examples are what the committed tables give, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

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
    assert [str(path) for path, content in expected.items() if committed[path] != content] == []


@pytest.mark.parametrize("name", ["cifar10_small", "nmnist"])
def test_the_tables_read_and_written_again_are_the_same(name: str, tmp_path: Path) -> None:
    for path in StudyResults.read(EXAMPLES / name).write(tmp_path):
        assert path.read_bytes() == (EXAMPLES / name / path.name).read_bytes()
