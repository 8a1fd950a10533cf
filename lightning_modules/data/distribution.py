"""The files that a data set is published as: names, checksums, where they come from. Plain data, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class DataFile:
    """One published file.

    Attributes:
        name: its name inside the data set's folder.
        md5: of its content, uncompressed.
        part: the official part it belongs to.
        first: place of its first sample in the official order of that part.
        count: samples that it holds.
    """

    name: str
    md5: str
    part: Literal["train", "test"]
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Download:
    """One thing to download: an archive (`.tar.gz`) of all files, or one file, compressed (`.gz`).

    Attributes:
        url: where it is published; its last segment is the name it is looked for under.
        md5: of what the url delivers.
        size: its bytes.
    """

    url: str
    md5: str
    size: int

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]

    @property
    def is_archive(self) -> bool:
        return self.name.endswith(".tar.gz")


@dataclass(frozen=True, slots=True)
class Distribution:
    """How a data set is published.

    Attributes:
        folders: under the data root, where the files are looked for; a download goes into the first.
        files: the files with samples. A `.gz` beside or instead of one is as good.
        downloads: an archive is also read as it is, where it lies in the data root.
    """

    folders: tuple[str, ...]
    files: tuple[DataFile, ...]
    downloads: tuple[Download, ...]

    @property
    def archive(self) -> Download | None:
        return next((each for each in self.downloads if each.is_archive), None)


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive of recordings (`.zip`, `.tar.gz`); archives inside it are unpacked too.

    Attributes:
        name: its file's name.
        url: where it is published.
        md5: of what the url delivers.
    """

    name: str
    url: str
    md5: str


@dataclass(frozen=True, slots=True)
class RecordingFiles:
    """How recordings of an event camera are published.

    Attributes:
        folder: under the data root, where they are looked for; `<folder>.zip` beside it is as good.
        needs: what this folder must hold.
        page: where a person finds them.
        archives: what `ablate data NAME --download` gets.
        modules: what reading them needs, of the extra `events`.
    """

    folder: str
    needs: tuple[str, ...]
    page: str
    archives: tuple[Archive, ...]
    modules: tuple[str, ...]
