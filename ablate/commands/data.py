"""`ablate data`: the data sets that exist, their splits, and where their files are or come from."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ablate import plugins
from ablate.errors import RequestError, StudyError
from lightning_modules import data
from lightning_modules.choices import DataChoices
from lightning_modules.data import files
from lightning_modules.data.distribution import RecordingFiles
from lightning_modules.data.download import download as fetch
from lightning_modules.data.events import sources
from lightning_modules.data.events.download import download as fetch_recordings
from lightning_modules.data.facts import DatasetEntry, SplitFacts
from lightning_modules.data.resolution import factors


def main(name: str | None, root: str | None, *, download: bool = False) -> int:
    """Print all data sets in a line each, or one of them in full; `download` gets its files first."""
    plugins.load_installed()
    console = Console(highlight=False)
    if name is None:
        if download:
            raise RequestError("--download needs the name of a data set, for instance: ablate data cifar10 --download")
        for entry in data.DATASETS.values():
            console.print(Text(f"{entry.name:<14} {_summary(entry)}; {_state(entry, root)}"), soft_wrap=True)
        console.print("\nSplits, source and files of one data set: ablate data cifar10")
        return 0
    try:
        entry = data.entry(name)
    except ValueError as error:
        raise RequestError(str(error).removeprefix("data.name: ")) from error
    if download:
        _download(console, entry, root)
    for line in describe(entry, root):
        console.print(Text(line), soft_wrap=True)
    return 0


def describe(entry: DatasetEntry, root: str | None) -> list[str]:
    """One data set in lines: content, source, splits with sizes and hashes, files."""
    lines = [f"{entry.name}, version {entry.version}: {_summary(entry)}", f"  source: {entry.source}"]
    if entry.kind == "image":
        channels = (f"{mean:g} +- {std:g}" for mean, std in zip(entry.mean, entry.std, strict=True))
        lines.append(f"  normalised by mean and deviation of each channel: {', '.join(channels)}")
    else:
        _, height, width = entry.shape
        possible = ", ".join(map(str, factors(height, width)))
        lines.append(f"  counts of events go in as they are; data.resolution, by whole factors: {possible}")
    for number, (name, split) in enumerate(entry.splits.items()):
        lines += _split(f"{name}{' (default)' if number == 0 else ''}", split)
    if entry.seeded is not None:
        lines += _split("random:<seed>", entry.seeded)
    if entry.training_images:
        lines.append(
            "  split subset<N>-v1, with data.subset: N: the first N images of the official training order, a tenth of "
            f"them for validation; test {entry.test_images:,}"
        )
    return [*lines, *_files(entry, root)]


def _summary(entry: DatasetEntry) -> str:
    channels, height, width = entry.shape
    return f"{entry.kind} {channels} x {height} x {width}, {entry.classes} classes"


def _split(label: str, split: SplitFacts) -> list[str]:
    sizes = ", ".join(
        f"{part} {'unknown' if size is None else format(size, ',')}"
        for part, size in (("train", split.train), ("validation", split.validation), ("test", split.test))
    )
    return [f"  split {label}: {sizes}; sha256 {split.sha256 or 'unknown before loading'}", f"    {split.rule}"]


def _files(entry: DatasetEntry, root: str | None) -> list[str]:
    if entry.recordings is not None:
        return _recordings(entry, entry.recordings, root)
    distribution = entry.distribution
    if distribution is None:
        return ["  files: come with the installation"]
    base = files.data_root(root)
    places = [f"{base / folder}/" for folder in distribution.folders]
    if distribution.archive is not None:
        places.append(str(base / distribution.archive.name))
    lines = [f"  files: looked for in {' or '.join(places)}; {_state(entry, root)}"]
    lines += [f"    {file.name:<24} md5 {file.md5}" for file in distribution.files]
    total = sum(each.size for each in distribution.downloads)
    lines.append(
        f"  download ({total / 1e6:,.0f} MB): ablate data {entry.name} --download, {files.by_hand(entry, root)}"
    )
    return lines


def _recordings(entry: DatasetEntry, published: RecordingFiles, root: str | None) -> list[str]:
    base = files.data_root(root) / published.folder
    holds = ", ".join(published.needs)
    lines = [f"  files: looked for in {base}/ ({holds}) or {base}.zip; {_state(entry, root)}"]
    if _state(entry, root) == "present":
        lines += _found(entry, root)
    lines += [f"    {each.name:<24} md5 {each.md5}" for each in published.archives]
    lines.append(f"  download: ablate data {entry.name} --download, or {sources.by_hand(entry, root)}")
    return lines


def _found(entry: DatasetEntry, root: str | None) -> list[str]:
    """What the recordings that lie here are cut into, or what is wrong with them."""
    lines = []
    for name in entry.splits:
        try:
            split = data.recordings(DataChoices(name=entry.name, split=name, root=root)).split
        except (ValueError, OSError) as error:
            return [f"    {error}"]
        sizes = SplitFacts(len(split.train), len(split.validation), len(split.test), split.digest(), "")
        lines.append(f"    here: {_split(name, sizes)[0].strip()}")
    return lines


def _state(entry: DatasetEntry, root: str | None) -> str:
    """Whether the files are there, by name alone: reading all of them is for `run`."""
    if entry.recordings is not None:
        return sources.state(entry, root)
    if entry.distribution is None:
        return "embedded"
    present = files.present(entry, root)
    if len(present) == len(entry.distribution.files):
        return "present"
    return f"{len(present)} of {len(entry.distribution.files)} files present" if present else "not downloaded"


def _download(console: Console, entry: DatasetEntry, root: str | None) -> None:
    try:
        folder = (fetch if entry.recordings is None else fetch_recordings)(entry, root)
    except ValueError as error:
        raise RequestError(str(error)) from error
    except OSError as error:
        raise StudyError(str(error)) from error
    console.print(Text(f"{entry.name} is in {folder}"), soft_wrap=True)
