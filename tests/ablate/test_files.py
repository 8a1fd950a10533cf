from __future__ import annotations

import errno
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from ablate.files import write_atomically
from reports.frames import write_text


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


@pytest.mark.parametrize("write", [write_atomically, write_text])
def test_a_file_that_finds_no_room_is_named(tmp_path: Path, write: Callable[[Path, str], object]) -> None:
    """As on a full disk, whose error says nothing of the file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(OSError) as raised:
            write(tmp_path / "a.txt", "x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (raised.value.errno, raised.value.filename) == (errno.EFBIG, str(tmp_path / "a.txt"))
    assert list(tmp_path.iterdir()) == []
