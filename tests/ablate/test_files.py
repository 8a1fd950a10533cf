from __future__ import annotations

from pathlib import Path

import pytest

from ablate.files import write_atomically


def test_replaces_the_whole_content(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    write_atomically(file, "long old content")
    write_atomically(file, "new\r\n")
    assert file.read_bytes() == b"new\r\n"


def test_leaves_nothing_behind_when_the_target_cannot_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "kept").touch()
    with pytest.raises(OSError):
        write_atomically(tmp_path / "folder", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert (tmp_path / "folder" / "kept").exists()
