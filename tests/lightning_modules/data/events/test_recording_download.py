"""Downloads of recordings from a server on loopback: whole and checked, or not there."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lightning_modules.data import event_entries
from lightning_modules.data.distribution import Archive
from lightning_modules.data.events.download import download
from lightning_modules.data.facts import DatasetEntry


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the url under which it is served."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01), daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(10)


def packed(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, each in members.items():
            archive.writestr(name, each)
    return content.getvalue()


def publish(entry: DatasetEntry, folder: Path, url: str, contents: dict[str, bytes]) -> DatasetEntry:
    """The entry with these archives, named by addresses that do not tell their names, as figshare's."""
    archives = []
    for number, (name, content) in enumerate(contents.items()):
        (folder / str(number)).write_bytes(content)
        archives.append(Archive(name, f"{url}/{number}", hashlib.md5(content).hexdigest()))
    assert entry.recordings is not None
    return replace(entry, recordings=replace(entry.recordings, archives=tuple(archives)))


def test_archives_are_fetched_checked_and_put_into_one_folder(tmp_path: Path, served: tuple[Path, str]) -> None:
    contents = {f"{part.lower()}.zip": packed({f"{part}/0/00001.bin": b"12345"}) for part in ("Train", "Test")}
    entry = publish(event_entries.NMNIST, *served, contents)
    final = download(entry, str(tmp_path / "root"))
    assert (final / "Train/0/00001.bin").read_bytes() == b"12345" and (final / "Test/0/00001.bin").exists()
    assert list((tmp_path / "root").iterdir()) == [final]
    (served[0] / "0").unlink()
    assert download(entry, str(tmp_path / "root")) == final  # what is there is not fetched again


def test_archives_in_an_archive_are_unpacked_too(tmp_path: Path, served: tuple[Path, str]) -> None:
    inner = packed({"Caltech101/ant/image_0001.bin": b"12345"})
    outer = packed({"N-Caltech101-archive/Caltech101.zip": inner, "N-Caltech101-archive/README": b""})
    final = download(publish(event_entries.NCALTECH101, *served, {"all.zip": outer}), str(tmp_path / "root"))
    assert (final / "Caltech101/ant/image_0001.bin").read_bytes() == b"12345"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("changed", "has not the published md5"), ("gone", r"cannot be downloaded \(HTTPError\); by hand: unpack")],
)
def test_what_is_not_the_published_archive_leaves_nothing(
    tmp_path: Path, served: tuple[Path, str], name: str, reason: str
) -> None:
    folder, url = served
    entry = publish(event_entries.NCALTECH101, folder, url, {"all.zip": packed({"Caltech101/a/b.bin": b""})})
    if name == "gone":
        (folder / "0").unlink()
    else:
        (folder / "0").write_bytes(b"other")
    with pytest.raises(OSError, match=f"^ncaltech101: .*{reason}") as caught:
        download(entry, str(tmp_path / "root"))
    assert "\n" not in str(caught.value) and not (tmp_path / "root").exists()


def test_without_network_one_line_names_the_manual_way(tmp_path: Path) -> None:
    assert event_entries.SHD.recordings is not None
    nowhere = Archive("shd_train.h5.zip", "http://127.0.0.1:9/shd_train.h5.zip", "0" * 32)
    entry = replace(event_entries.SHD, recordings=replace(event_entries.SHD.recordings, archives=(nowhere,)))
    with pytest.raises(
        OSError, match=r"cannot be downloaded \(ConnectionError\); by hand: unpack shd_train.h5.zip"
    ) as caught:
        download(entry, str(tmp_path / "root"))
    assert "\n" not in str(caught.value) and not (tmp_path / "root").exists()


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "NMNIST" / "Train").mkdir(parents=True)
    with pytest.raises(ValueError, match="does not hold all of Train, Test; move it away first"):
        download(event_entries.NMNIST, str(tmp_path))
    assert (tmp_path / "NMNIST" / "Train").is_dir()
