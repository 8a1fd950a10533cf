"""Archives of recordings, unpacked safely: no member leaves the folder, is a link, or grows beyond what is declared."""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

_GROWTH = 20
"""Recordings hardly compress: what claims to hold more than so many times its size is a bomb, not a data set."""
_SMALL = 1 << 24
_BLOCK = 1 << 20
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError)


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    size: int
    plain: bool
    """Whether it is a file, not a link or device."""


def unpack(archive: Path, target: Path, dataset: str) -> None:
    """Unpack the files of a `.zip` or `.tar.gz` into the new folder `target`.

    Args:
        archive: the file.
        target: is created.
        dataset: for messages.

    Raises:
        ValueError: if the archive is incomplete, damaged, or refused; the message names the member.
        OSError: if a file cannot be written.
    """
    target.mkdir(parents=True)
    most = max(_SMALL, _GROWTH * archive.stat().st_size)
    try:
        for member, stream in _members(archive):
            if not member.plain or not _stays_inside(member.name):
                raise ValueError(
                    f"{dataset}: {archive} is refused: its member {member.name!r} leaves the folder or is a link"
                )
            most -= member.size
            if most < 0:
                raise ValueError(f"{dataset}: {archive} is refused: it would unpack to more than {_GROWTH} its size")
            path = target / PurePosixPath(member.name)
            if path.exists():
                raise ValueError(f"{dataset}: {archive} is refused: it holds {member.name!r} twice")
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                _copy(stream, file, member.size)
    except _BROKEN as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"{dataset}: {archive} is incomplete or damaged ({reason}); delete it and get it again"
        ) from error


def unpack_nested(folder: Path, dataset: str) -> None:
    """Unpack the archives that lie in a folder, each in its place, and remove them.

    Raises:
        ValueError, OSError: as `unpack`.
    """
    for archive in sorted(folder.rglob("*.zip")):
        inside = archive.with_name(f".{archive.name}.files")
        unpack(archive, inside, dataset)
        archive.unlink()
        for path in sorted(inside.iterdir()):
            path.replace(archive.parent / path.name)
        shutil.rmtree(inside)


def _members(archive: Path) -> Iterator[tuple[_Member, IO[bytes]]]:
    if archive.name.endswith(".zip"):
        with zipfile.ZipFile(archive) as opened:
            for each in opened.infolist():
                if not each.is_dir():
                    linked = stat.S_ISLNK(each.external_attr >> 16)
                    with opened.open(each) as stream:
                        yield _Member(each.filename, each.file_size, not linked), stream
    else:
        with tarfile.open(archive) as packed:
            for member in packed:
                if not member.isdir():
                    content = packed.extractfile(member) if member.isfile() else None
                    yield _Member(member.name, member.size, content is not None), content  # type: ignore[misc]


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\\" not in name


def _copy(source: IO[bytes], target: IO[bytes], size: int) -> None:
    left = size
    while block := source.read(min(_BLOCK, left + 1)):
        left -= len(block)
        if left < 0:
            raise zipfile.BadZipFile("a member is longer than it says")
        target.write(block)
    if left:
        raise EOFError("a member is shorter than it says")
