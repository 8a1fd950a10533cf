"""Data sets from where they are published, on request only: never by a run, whose workers would all fetch at once."""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path

from lightning_modules.data import files
from lightning_modules.data.distribution import Archive, Distribution, Download
from lightning_modules.data.facts import DatasetEntry

_SECONDS = 60
_UNPACKED = 1.2
"""Photographs hardly compress: an unpacked archive needs little more than the archive itself."""


def download(entry: DatasetEntry, root: str | None = None) -> Path:
    """Get what is missing of a data set, checked against its md5, and give the folder with its files.

    Everything is fetched, checked and unpacked in a folder beside, then moved: a file is either whole or not there.

    Args:
        entry: of the catalogue.
        root: folder for data sets; the user's cache by default.

    Raises:
        ValueError: if the data set is not one to download.
        OSError: without network or space, or if what came is not what was published; the message says what to do.
    """
    distribution = entry.distribution
    if distribution is None:
        raise ValueError(f"{entry.name}: comes with the installation; there is nothing to download")
    target = files.data_root(root)
    final = target / distribution.folders[0]
    if _is_complete(entry, root):
        return final
    created = create(target)
    try:
        with tempfile.TemporaryDirectory(dir=target, prefix=".download-") as staging:
            for each in distribution.downloads:
                _check_space(entry, each, target, root)
                fetched = fetch(entry.name, each, Path(staging), files.by_hand(entry, root))
                _unpack(entry, distribution, fetched, Path(staging) / "files")
            _move(Path(staging) / "files", final)
    except BaseException:
        for folder in created:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return final


def _is_complete(entry: DatasetEntry, root: str | None) -> bool:
    try:
        files.check(entry, root, None)
    except (FileNotFoundError, ValueError):
        return False
    return True


def create(folder: Path) -> list[Path]:
    """Create a folder; gives what did not exist, from the outside in."""
    absent = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return absent[-1:]


def _check_space(entry: DatasetEntry, download: Download, target: Path, root: str | None) -> None:
    wanted = download.size * (1 + _UNPACKED)
    free = shutil.disk_usage(target).free
    if free < wanted:
        raise OSError(
            f"{entry.name}: {target} has {free / 1e6:,.0f} MB left, {wanted / 1e6:,.0f} MB are needed; "
            f"choose another folder with --root, or {files.by_hand(entry, root)}"
        )


def fetch(name: str, download: Download | Archive, staging: Path, by_hand: str) -> Path:
    """Fetch one published file into `staging`, checked against its md5.

    Args:
        name: of the data set.
        download: what to fetch.
        staging: a folder.
        by_hand: how else to get it, in words.

    Raises:
        OSError: without network or space, or if what came is not what was published.
    """
    import pooch

    pooch.get_logger().setLevel(logging.ERROR)
    try:
        path = pooch.retrieve(
            download.url,
            known_hash=f"md5:{download.md5}",
            fname=download.name,
            path=staging,
            downloader=pooch.HTTPDownloader(timeout=_SECONDS),
        )
    except ValueError as error:
        raise OSError(
            f"{name}: what {download.url} delivers has not the published md5 {download.md5}; try again later, "
            f"or {by_hand}"
        ) from error
    except OSError as error:
        raise OSError(f"{name}: {download.url} cannot be downloaded ({_reason(error)}); {by_hand}") from error
    return Path(path)


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _unpack(entry: DatasetEntry, distribution: Distribution, path: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    if not path.name.endswith(".tar.gz"):
        path.rename(folder / path.name)
        return
    for file, content in files.members(entry, path, distribution.files):
        (folder / file.name).write_bytes(content)
    path.unlink()


def _move(staged: Path, final: Path) -> None:
    final.mkdir(parents=True, exist_ok=True)
    for path in sorted(staged.iterdir()):
        path.replace(final / path.name)
