"""Where the recordings of a data set lie: in its folder, or in an archive that is unpacked into the cache."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from lightning_modules.data import files
from lightning_modules.data.distribution import RecordingFiles
from lightning_modules.data.events import archives, cache, content
from lightning_modules.data.facts import DatasetEntry

_DEPTH = 3


def published(entry: DatasetEntry) -> RecordingFiles:
    """How the recordings of a data set are published."""
    assert entry.recordings is not None
    return entry.recordings


def require_modules(entry: DatasetEntry) -> None:
    """See that what reads the recordings is installed.

    Raises:
        ValueError: if it is not; the message names the extra.
    """
    missing = [name for name in published(entry).modules if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(
            f"{entry.name}: reading its recordings needs {' and '.join(missing)}; pip install 'ablate-snn[events]'"
        )


def state(entry: DatasetEntry, root: str | None) -> str:
    """Whether the recordings are there, by name alone."""
    base, archive = _places(entry, root)
    present = [name for name in published(entry).needs if (base / name).exists()]
    if len(present) == len(published(entry).needs):
        return "present"
    if archive.is_file():
        return f"present as {archive.name}, unpacked into the cache when it is used"
    return f"only {', '.join(present)} present" if present else "not downloaded"


def at_hand(entry: DatasetEntry, root: str | None) -> bool:
    """Whether the recordings can be listed at once: they lie in their folder, or their archive was unpacked before."""
    base, archive = _places(entry, root)
    if all((base / name).exists() for name in published(entry).needs):
        return True
    key = content.remembered([(archive.name, archive)]) if archive.is_file() else None
    return key is not None and _target(entry, key).is_dir()


def folder(entry: DatasetEntry, root: str | None) -> Path:
    """The folder that holds what the data set needs.

    Raises:
        FileNotFoundError: if something is missing; the message says how to get it.
        ValueError: if it lies here as an archive that cannot be unpacked.
        OSError: if the cache cannot take the archive's content.
    """
    require_modules(entry)
    base, archive = _places(entry, root)
    needs = published(entry).needs
    missing = [name for name in needs if not (base / name).exists()]
    if not missing:
        return base
    if archive.is_file():
        return _unpacked(entry, archive)
    asked = "" if root is None else f" --root {root}"
    raise FileNotFoundError(
        f"{entry.name}: {base / missing[0]} is missing; get the recordings with: ablate data {entry.name} --download"
        f"{asked} (or {by_hand(entry, root)})"
    )


def by_hand(entry: DatasetEntry, root: str | None) -> str:
    """How to get the recordings, in words."""
    base, _ = _places(entry, root)
    return (
        f"by hand: unpack {', '.join(each.name for each in published(entry).archives)} from {published(entry).page} so "
        f"that {base} holds {', '.join(published(entry).needs)}"
    )


def holding(unpacked: Path, needs: tuple[str, ...]) -> Path | None:
    """The folder below `unpacked`, or itself, that holds all of `needs`."""
    level = [unpacked]
    for _ in range(_DEPTH):
        for each in level:
            if all((each / name).exists() for name in needs):
                return each
        level = sorted(path for each in level for path in each.iterdir() if path.is_dir())
    return None


def _places(entry: DatasetEntry, root: str | None) -> tuple[Path, Path]:
    """The data set's folder and its archive beside."""
    base = files.data_root(root) / published(entry).folder
    return base, base.with_name(f"{base.name}.zip")


def _unpacked(entry: DatasetEntry, archive: Path) -> Path:
    what = f"{entry.name}: what {archive.name} holds"
    key = content.digest([(archive.name, archive)], what)
    target = _target(entry, key)

    def make(path: Path) -> None:
        archives.unpack(archive, path, entry.name)
        archives.unpack_nested(path, entry.name)
        (path / _LISTING).write_text(_listing(path))

    cache.build(target, make, ready=_is_whole, what=what)
    found = holding(target, published(entry).needs)
    if found is None:
        raise ValueError(f"{entry.name}: {archive} does not hold {', '.join(published(entry).needs)} in one folder")
    return found


def _target(entry: DatasetEntry, key: str) -> Path:
    return cache.folder("unpacked") / f"{entry.name}-{key[:32]}"


_LISTING = ".files"


def _listing(path: Path) -> str:
    """Number and bytes of the files in a folder."""
    sizes = [each.stat().st_size for each in path.rglob("*") if each.is_file() and each.name != _LISTING]
    return f"{len(sizes)} files, {sum(sizes)} bytes"


def _is_whole(path: Path) -> bool:
    try:
        return (path / _LISTING).read_text() == _listing(path)
    except OSError:
        return False
