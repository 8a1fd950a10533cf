"""Downloads from a server on loopback: whole and checked, or not there."""

from __future__ import annotations

import gzip
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from synthetic import archive, cifar_contents, cifar_entry, idx_contents, idx_entry

from lightning_modules.data import files, image_entries
from lightning_modules.data.download import download


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


def test_an_archive_is_fetched_checked_and_unpacked(tmp_path: Path, served: tuple[Path, str]) -> None:
    folder, url = served
    contents = cifar_contents()
    packed = archive(contents)
    (folder / "cifar-10-python.tar.gz").write_bytes(packed)
    entry = cifar_entry(contents, packed, url=f"{url}/cifar-10-python.tar.gz")
    root = tmp_path / "new" / "root"
    final = download(entry, str(root))
    assert {path.name: path.read_bytes() for path in final.iterdir()} == contents
    assert [path.name for path in root.iterdir()] == ["cifar-10-batches-py"]


def test_single_files_are_fetched_as_they_are(tmp_path: Path, served: tuple[Path, str]) -> None:
    folder, url = served
    contents = idx_contents()
    for name, content in contents.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))
    root = tmp_path / "root"
    entry = idx_entry(contents, url=url)
    download(entry, str(root))
    files.check(entry, str(root), None)
    assert sorted(path.name for path in (root / "mnist").iterdir()) == sorted(f"{name}.gz" for name in contents)


def test_what_is_complete_is_not_fetched_again(tmp_path: Path, served: tuple[Path, str]) -> None:
    folder, url = served
    contents = cifar_contents()
    packed = archive(contents)
    (folder / "cifar-10-python.tar.gz").write_bytes(packed)
    entry = cifar_entry(contents, packed, url=f"{url}/cifar-10-python.tar.gz")
    download(entry, str(tmp_path / "root"))
    (folder / "cifar-10-python.tar.gz").unlink()
    assert download(entry, str(tmp_path / "root")).name == "cifar-10-batches-py"


def refused(entry: object, root: Path) -> str:
    with pytest.raises(OSError) as error:
        download(entry, str(root))  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    assert "by hand: put cifar-10-python.tar.gz from" in str(error.value)
    return str(error.value)


def test_without_network_one_line_says_so_and_nothing_is_left(tmp_path: Path) -> None:
    root = tmp_path / "not" / "there"
    assert "cannot be downloaded (ConnectionError)" in refused(cifar_entry(cifar_contents()), root)
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_no_longer_holds_the_file_is_told(tmp_path: Path, served: tuple[Path, str]) -> None:
    entry = cifar_entry(cifar_contents(), url=f"{served[1]}/cifar-10-python.tar.gz")
    assert "cannot be downloaded (HTTPError)" in refused(entry, tmp_path / "root")


def test_a_file_with_another_checksum_is_not_kept(tmp_path: Path, served: tuple[Path, str]) -> None:
    folder, url = served
    contents = cifar_contents()
    packed = archive(contents)
    (folder / "cifar-10-python.tar.gz").write_bytes(packed[:-100])
    entry = cifar_entry(contents, packed, url=f"{url}/cifar-10-python.tar.gz")
    root = tmp_path / "root"
    root.mkdir()
    assert "has not the published md5" in refused(entry, root)
    assert list(root.iterdir()) == []


def test_too_little_space_is_found_before_fetching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=5))
    assert "0 MB left" in refused(cifar_entry(cifar_contents(), b"x" * 100), tmp_path / "root")


def test_an_embedded_data_set_has_nothing_to_download() -> None:
    with pytest.raises(ValueError, match="nothing to download"):
        download(image_entries.DIGITS)
