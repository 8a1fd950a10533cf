"""A worker process: imports the trial function once, then serves runs until its coordinator goes.

    python -m ablate.engines.worker <package.module:function> <result fd> <pid of the coordinator>

Specs come as lines of JSON on stdin, records go as lines of JSON to the result descriptor. While a run lasts, all that
is written to stdout and stderr, also by C code and child processes, goes to its `log.txt`.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import faulthandler
import os
import signal
import sys
import threading
from queue import SimpleQueue
from typing import IO

from ablate.engines.base import resolve
from ablate.engines.inside import end_now, serve
from ablate.records import RunSpec

_PR_SET_PDEATHSIG = 1


def main() -> None:
    function, results, coordinator = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    _end_with(coordinator)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the coordinator's; it stops its workers itself
    os.set_inheritable(results, False)
    faulthandler.enable()
    specs: SimpleQueue[RunSpec | None] = SimpleQueue()
    busy = threading.Event()
    threading.Thread(target=_listen, args=(_private_stdin(), specs, busy), daemon=True).start()
    with contextlib.suppress(Exception):
        resolve(function)  # before the first spec arrives; if it fails, every run fails with the reason
    while (spec := specs.get()) is not None:
        record = serve(function, spec)
        busy.clear()
        _send(results, record.to_json())
        if record.kind == "crash":
            break  # what is left of this process may be what crashed it
    _end()


def _end() -> None:
    """Do what is registered for the end, and leave: to take torch and Lightning apart costs more than a second."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _listen(stdin: IO[bytes], specs: SimpleQueue[RunSpec | None], busy: threading.Event) -> None:
    for line in stdin:
        busy.set()
        if not line.endswith(b"\n"):
            break  # it died while it wrote
        specs.put(RunSpec.from_json(line.decode()))
    if busy.is_set():
        end_now()  # the coordinator is gone in the middle of a run: nobody wants its result
    specs.put(None)


def _end_with(coordinator: int) -> None:
    """Have the kernel end this process with its coordinator, even while C code keeps every thread waiting."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != coordinator:
        sys.exit("the coordinator is gone")


def _private_stdin() -> IO[bytes]:
    """The stream of specs, out of reach of trial functions that read stdin."""
    private = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return os.fdopen(private, "rb")


def _send(descriptor: int, text: str) -> None:
    with os.fdopen(os.dup(descriptor), "w") as stream:
        stream.write(text + "\n")


if __name__ == "__main__":
    main()
