"""The published files on this machine: found, checked against their md5, read. No torch, nothing is written."""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from lightning_modules.data.distribution import DataFile, Distribution, Download
from lightning_modules.data.facts import DatasetEntry

_BROKEN = (EOFError, gzip.BadGzipFile, zlib.error, tarfile.TarError)


def data_root(root: str | None) -> Path:
    """The folder that holds data sets: the one given, else `ablate` in the user's cache."""
    if root is not None:
        return Path(root).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "ablate"


def needed(distribution: Distribution, subset: int | None) -> list[DataFile]:
    """The files that hold the first `subset` training samples (all for None), and the test samples."""
    return [file for file in distribution.files if file.part == "test" or subset is None or file.first < subset]


def present(entry: DatasetEntry, root: str | None) -> list[DataFile]:
    """The published files that lie here, by name alone."""
    if entry.distribution is None:
        return []
    return [file for file in entry.distribution.files if _place(entry.distribution, file, root) is not None]


def check(entry: DatasetEntry, root: str | None, subset: int | None) -> None:
    """See that all files needed are there and whole.

    Raises:
        FileNotFoundError: if one is missing; the message says how to get it.
        ValueError: if one is not the published file.
    """
    if entry.distribution is None:
        return
    for path, wanted in _located(entry, entry.distribution, root, subset).items():
        archive = _archive_at(entry.distribution, path)
        if archive is not None:
            _check_archive(entry, archive, path)
        else:
            with _opened(path) as file:
                _check_md5(entry, path, _digest(entry, path, file), wanted[0].md5)


def contents(entry: DatasetEntry, root: str | None, subset: int | None) -> Iterator[tuple[DataFile, bytes]]:
    """Every file needed with its checked content, in no particular order.

    Raises:
        FileNotFoundError, ValueError: as `check`.
    """
    assert entry.distribution is not None
    for path, wanted in _located(entry, entry.distribution, root, subset).items():
        archive = _archive_at(entry.distribution, path)
        if archive is not None:
            _check_archive(entry, archive, path)
            yield from members(entry, path, wanted)
        else:
            try:
                with _opened(path) as file:
                    content = file.read()
            except _BROKEN as error:
                raise _broken(entry, path, error) from error
            _check_md5(entry, path, hashlib.md5(content, usedforsecurity=False).hexdigest(), wanted[0].md5)
            yield wanted[0], content


def members(entry: DatasetEntry, path: Path, wanted: Sequence[DataFile]) -> Iterator[tuple[DataFile, bytes]]:
    """The wanted files of an archive with their checked content; nothing is unpacked.

    Raises:
        ValueError: if the archive is broken, lacks a file, or has a member whose path leaves its folder.
    """
    assert entry.distribution is not None
    missing = {f"{entry.distribution.folders[0]}/{file.name}": file for file in wanted}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                _check_member(entry, path, member)
                stream = archive.extractfile(member) if member.name in missing else None
                if stream is not None:
                    file, content = missing.pop(member.name), stream.read()
                    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
                    _check_md5(entry, path / member.name, found, file.md5)
                    yield file, content
    except _BROKEN as error:
        raise _broken(entry, path, error) from error
    if missing:
        raise ValueError(f"{entry.name}: {path} does not hold {', '.join(missing)}")


def by_hand(entry: DatasetEntry, root: str | None) -> str:
    """How to get the files, in words."""
    assert entry.distribution is not None
    target = data_root(root)
    into = target if entry.distribution.archive else target / entry.distribution.folders[0]
    names = ", ".join(each.name for each in entry.distribution.downloads)
    return f"by hand: put {names} from {entry.distribution.downloads[0].url.rpartition('/')[0]} into {into}"


def _located(
    entry: DatasetEntry, distribution: Distribution, root: str | None, subset: int | None
) -> dict[Path, list[DataFile]]:
    """Where each file needed is read from; an archive stands for all that do not lie there themselves."""
    found: dict[Path, list[DataFile]] = {}
    for file in needed(distribution, subset):
        place = _place(distribution, file, root)
        if place is None:
            missing = data_root(root) / distribution.folders[0] / file.name
            asked = "" if root is None else f" --root {root}"
            raise FileNotFoundError(
                f"{entry.name}: {missing} is missing; get the files with: ablate data {entry.name} --download{asked} "
                f"(or {by_hand(entry, root)})"
            )
        found.setdefault(place, []).append(file)
    return found


def _place(distribution: Distribution, file: DataFile, root: str | None) -> Path | None:
    """The file itself, compressed, or the archive that holds it; None if it is not here."""
    base, archive = data_root(root), distribution.archive
    places = [base / folder / name for folder in distribution.folders for name in (file.name, f"{file.name}.gz")]
    if archive is not None:
        places.append(base / archive.name)
    return next((each for each in places if each.is_file()), None)


def _archive_at(distribution: Distribution, path: Path) -> Download | None:
    archive = distribution.archive
    return archive if archive is not None and path.name == archive.name else None


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _digest(entry: DatasetEntry, path: Path, file: IO[bytes]) -> str:
    try:
        return hashlib.file_digest(file, "md5").hexdigest()  # type: ignore[arg-type]
    except _BROKEN as error:
        raise _broken(entry, path, error) from error


def _check_archive(entry: DatasetEntry, archive: Download, path: Path) -> None:
    with path.open("rb") as file:
        _check_md5(entry, path, _digest(entry, path, file), archive.md5)


def _check_md5(entry: DatasetEntry, path: Path, found: str, published: str) -> None:
    if found != published:
        raise ValueError(
            f"{entry.name}: {path} has md5 {found}, the published file {published}: incomplete or changed; "
            "delete it and get it again"
        )


def _check_member(entry: DatasetEntry, path: Path, member: tarfile.TarInfo) -> None:
    """Files and folders below the archive's own folder, and nothing else."""
    parts = PurePosixPath(member.name).parts
    if not (member.isfile() or member.isdir()) or not parts or parts[0] == "/" or ".." in parts:
        raise ValueError(f"{entry.name}: {path} is refused: its member {member.name!r} leaves the folder or is a link")


def _broken(entry: DatasetEntry, path: Path, error: Exception) -> ValueError:
    reason = str(error) or type(error).__name__
    return ValueError(f"{entry.name}: {path} is incomplete or damaged ({reason}); delete it and get it again")
