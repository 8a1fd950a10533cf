"""Workers end with their coordinator, however it ends and whatever engine started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from waiting import begun, gone, until

SCRIPT = """
    import sys, time
    from pathlib import Path
    import dummies
    from ablate.engines import choice
    from ablate.engines.settings import EngineSettings
    folder = Path(sys.argv[2])
    settings = EngineSettings.model_validate({"name": sys.argv[1], "workers": 2, "slurm": {"cluster": "local"}})
    engine = choice.create(choice.place(settings, 2), "dummies:run", folder / "slurm")
    for n in range(2):
        engine.submit(dummies.spec(folder, "sleep", run_id=f"c0-{n}"))
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("engine", "number"),
    [
        ("processes", signal.SIGKILL),
        ("processes", signal.SIGTERM),
        ("ray", signal.SIGKILL),
        ("slurm", signal.SIGKILL),
    ],
)
def test_workers_end_with_their_coordinator_in_the_middle_of_a_run(
    tmp_path: Path, engine: str, number: signal.Signals
) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), engine, str(tmp_path)]
    coordinator = subprocess.Popen(command, env=environment)
    workers = [begun(tmp_path, "c0-0"), begun(tmp_path, "c0-1")]
    coordinator.send_signal(number)
    coordinator.wait()
    until(lambda: all(gone(pid) for pid in workers), seconds=10)
