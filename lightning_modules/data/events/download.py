"""Recordings from where they are published, on request only."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from lightning_modules.data import files
from lightning_modules.data.download import create, fetch
from lightning_modules.data.events import archives, sources
from lightning_modules.data.facts import DatasetEntry


def download(entry: DatasetEntry, root: str | None) -> Path:
    """Get the recordings of a data set, checked against the md5 of their archives, and give their folder.

    Everything is fetched, checked and unpacked in a folder beside, then moved.

    Raises:
        OSError: without network or space, or if what came is not what was published; the message says what to do.
        ValueError: if an archive cannot be unpacked.
    """
    published = sources.published(entry)
    final = files.data_root(root) / published.folder
    if all((final / name).exists() for name in published.needs):
        return final
    if final.exists():
        raise ValueError(
            f"{entry.name}: {final} is there and does not hold all of {', '.join(published.needs)}; move it away first"
        )
    created = create(final.parent)
    try:
        _download(entry, root, final)
    except BaseException:
        for folder in created:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return final


def _download(entry: DatasetEntry, root: str | None, final: Path) -> None:
    published = sources.published(entry)
    with tempfile.TemporaryDirectory(dir=final.parent, prefix=".download-") as staging:
        whole = Path(staging) / "files"
        whole.mkdir()
        for number, each in enumerate(published.archives):
            path = fetch(entry.name, each, Path(staging), sources.by_hand(entry, root))
            _place(path, Path(staging) / f"unpacked-{number}", whole, entry)
        found = sources.holding(whole, published.needs)
        if found is None:
            raise ValueError(
                f"{entry.name}: the archives hold no folder with {', '.join(published.needs)}; "
                f"{sources.by_hand(entry, root)}"
            )
        found.replace(final)


def _place(path: Path, unpacked: Path, whole: Path, entry: DatasetEntry) -> None:
    """Unpack one archive beside what came before; a folder that lies there already is one that both hold."""
    archives.unpack(path, unpacked, entry.name)
    path.unlink()
    archives.unpack_nested(unpacked, entry.name)
    for each in sorted(unpacked.iterdir()):
        each.replace(whole / each.name)
