"""Look at a study: W&B's terminal dashboard on its runs, optuna-dashboard on its storage, or the HTML guide."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from ablate.errors import RequestError

View = Literal["wandb", "optuna", "guide"]
VIEWS = ("wandb", "guide", "optuna")
MISSING = {"wandb": "W&B run", "guide": "guide (report/guide.html)", "optuna": "journal.log"}
LOOPBACK, PORT = "127.0.0.1", 8080


@dataclass(frozen=True)
class _Found:
    """Something of a study that can be opened."""

    what: str
    path: Path
    command: str
    open: Callable[[Path], int]


def open_dashboard(study_directory: Path | str, view: View | None = None) -> int:
    """Open a view of a study and wait until it is closed; without a terminal, list what there is.

    Args:
        study_directory: a study directory.
        view: `wandb` (terminal dashboard), `optuna` (browser, on the loopback interface only, cannot change the study)
            or `guide` (browser); None takes the first of wandb, guide and optuna that exists, and off a terminal
            prints a plain list of them with their commands instead.

    Returns:
        the exit code of what was opened; 0 for a list.

    Raises:
        RequestError: if the view is unknown or the study has nothing to show for it, or a package is missing.
    """
    directory = Path(study_directory)
    found = _contents(directory)
    if view is not None:
        if view not in VIEWS:
            raise RequestError(f"view: {view!r} is not a view; choose from {', '.join(VIEWS)}")
        if view not in found:
            raise RequestError(f"{directory}: has no {MISSING[view]}; there is {', '.join(found) or 'nothing to show'}")
        return found[view].open(found[view].path)
    if not found:
        raise RequestError(f"{directory}: nothing to show yet, no W&B run, no guide and no storage; was it ever run?")
    if not sys.stdout.isatty():
        print(listing(directory), end="")
        return 0
    first = next(iter(found.values()))
    return first.open(first.path)


def listing(study_directory: Path | str) -> str:
    """What of a study can be looked at, one line each: view, what it is, and the command that opens it."""
    found = _contents(Path(study_directory))
    return "".join(f"{view:<8}{each.what:<24}{each.command}\n" for view, each in found.items())


def _contents(directory: Path) -> dict[str, _Found]:
    """The views of a study that have something to show, in the order of preference."""
    runs, guide, journal = directory / "wandb", directory / "report" / "guide.html", directory / "journal.log"
    count = len(list(runs.glob("*run-*/*.wandb")))
    here = {
        "wandb": (count, f"{count} W&B run{'s' if count != 1 else ''}", runs, f"wandb leet {_quoted(runs)}", _wandb),
        "guide": (guide.is_file(), "design guide", guide, _quoted(guide), _guide),
        "optuna": (journal.is_file(), "Optuna storage", journal, _optuna_command(journal), _optuna),
    }
    return {view: _Found(*facts) for view, (exists, *facts) in here.items() if exists}  # type: ignore[arg-type]


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


def _optuna_command(journal: Path) -> str:
    return f"optuna-dashboard --host {LOOPBACK} --storage-class JournalFileStorage {_quoted(journal)}"


def _wandb(runs: Path) -> int:
    """W&B's terminal dashboard; in offline mode it reports nothing home."""
    command = [sys.executable, "-m", "wandb", "leet", "run", str(runs.resolve())]
    return subprocess.run(command, env=os.environ | {"WANDB_MODE": "offline"}, check=False).returncode


def _guide(guide: Path) -> int:
    """The guide in a browser where there is a display; its path in any case."""
    print(guide)
    if sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(guide.resolve().as_uri())
    return 0


def _optuna(journal: Path) -> int:
    """optuna-dashboard in this process until Ctrl-C."""
    if find_spec("optuna_dashboard") is None:
        raise RequestError("optuna-dashboard is not installed; it comes with: pip install 'ablate-snn[dashboard]'")
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    class ReadOnly(JournalFileBackend):
        """The ledger has one writer, its coordinator; a click in a browser must not be another."""

        def append_logs(self, logs: object) -> None:
            raise PermissionError("this dashboard shows a study and cannot change it")

    port = _free_port()
    print(f"Optuna dashboard on http://{LOOPBACK}:{port}/ (read only; Ctrl-C ends it)", flush=True)
    try:
        import_module("optuna_dashboard").run_server(JournalStorage(ReadOnly(str(journal))), host=LOOPBACK, port=port)
    except KeyboardInterrupt:
        return 0
    return 0


def _free_port() -> int:
    """The usual port, or any other when that is taken."""
    for port in (PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise RequestError(f"no free port on {LOOPBACK}")
