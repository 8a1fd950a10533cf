from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import optuna
import pytest
import wandb
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from ablate import dashboard
from ablate.dashboard import listing, open_dashboard
from ablate.errors import RequestError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study directory with a W&B run, a storage and a guide, in a folder whose name needs quoting."""
    directory = tmp_path / "my study"
    (directory / "report").mkdir(parents=True)
    (directory / "report" / "guide.html").write_text("<p>guide</p>")
    settings = wandb.Settings(silent=True, console="off", x_disable_stats=True, x_disable_meta=True, symlink=False)
    wandb.init(mode="offline", dir=str(directory), id="abc", reinit="create_new", settings=settings).finish()
    optuna.create_study(storage=JournalStorage(JournalFileBackend(str(directory / "journal.log"))), study_name="s")
    return directory


def test_without_a_terminal_it_lists_what_is_there_with_the_commands(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert open_dashboard(study) == 0
    wandb_line, guide_line, optuna_line = capsys.readouterr().out.splitlines()
    assert wandb_line.split(maxsplit=4) == ["wandb", "1", "W&B", "run", f"wandb leet '{study}/wandb'"]
    assert guide_line.startswith("guide ") and guide_line.endswith(f"'{study}/report/guide.html'")
    assert "--host 127.0.0.1" in optuna_line and optuna_line.endswith(f"'{study}/journal.log'")


def test_only_what_exists_is_listed(study: Path) -> None:
    (study / "journal.log").unlink()
    (study / "report" / "guide.html").unlink()
    assert listing(study).splitlines()[0].startswith("wandb") and len(listing(study).splitlines()) == 1


def test_a_view_without_anything_to_show_says_what_there_is(study: Path) -> None:
    (study / "journal.log").unlink()
    with pytest.raises(RequestError, match=r"has no journal\.log; there is wandb, guide"):
        open_dashboard(study, "optuna")


def test_an_unknown_view_is_refused(study: Path) -> None:
    with pytest.raises(RequestError, match="'tensorboard' is not a view; choose from wandb, guide, optuna"):
        open_dashboard(study, "tensorboard")  # type: ignore[arg-type]


def test_a_study_that_never_ran_has_nothing_to_show(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="nothing to show yet"):
        open_dashboard(tmp_path / "absent")


def test_the_guide_prints_its_path_without_a_display(
    study: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert open_dashboard(study, "guide") == 0
    assert capsys.readouterr().out.strip() == str(study / "report" / "guide.html")


def test_a_missing_dashboard_package_names_the_extra(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "find_spec", lambda name: None)
    with pytest.raises(RequestError, match=r"ablate-snn\[dashboard\]"):
        open_dashboard(study, "optuna")


def test_the_optuna_dashboard_serves_the_study_on_loopback_and_cannot_change_it(study: Path) -> None:
    pytest.importorskip("optuna_dashboard")
    before = (study / "journal.log").read_bytes()
    code = "import sys; from ablate.dashboard import open_dashboard; sys.exit(open_dashboard(sys.argv[1], 'optuna'))"
    command = [sys.executable, "-c", code, str(study)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            address = server.stdout.readline().split(" on ")[1].split()[0]
            assert address.startswith("http://127.0.0.1:")
            assert b'"study_name":"s"' in _answer(address + "api/studies").replace(b" ", b"")
            delete = urllib.request.Request(address + "api/studies/0", method="DELETE")
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(delete, timeout=20)
            server.send_signal(signal.SIGINT)
            assert server.wait(20) == 0
        finally:
            server.kill()
    assert (study / "journal.log").read_bytes() == before


def _answer(address: str) -> bytes:
    """The server prints its address just before it listens."""
    for _ in range(200):
        try:
            with urllib.request.urlopen(address, timeout=20) as answer:
                return bytes(answer.read())
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise
            time.sleep(0.05)
    raise AssertionError(f"{address} never listened")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo terminal")
def test_in_a_terminal_the_runs_open_first(study: Path, tmp_path: Path) -> None:
    """The real terminal dashboard starts on the runs and ends on the key q."""
    controller, terminal = os.openpty()
    code = "import sys; from ablate.dashboard import open_dashboard; sys.exit(open_dashboard(sys.argv[1]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(study)], cwd=ROOT, stdin=terminal, stdout=terminal, stderr=terminal,
        env=os.environ | {"TERM": "xterm-256color", "HOME": str(tmp_path)}, start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    try:
        assert b"abc" in _shown(controller, until=b"abc")
        os.write(controller, b"q")
        _shown(controller, until=b"never")
        assert process.wait(20) == 0
    finally:
        process.kill()
        os.close(controller)


def _shown(controller: int, until: bytes) -> bytes:
    """What a terminal shows until a word appears, the program ends or 20 seconds are over."""
    shown, end = b"", time.monotonic() + 20
    while until not in shown and time.monotonic() < end and select.select([controller], [], [], 20)[0]:
        try:
            chunk = os.read(controller, 65536)
        except OSError:  # Linux reports the end of the other side so
            break
        if not chunk:
            break
        shown += chunk
    return shown
