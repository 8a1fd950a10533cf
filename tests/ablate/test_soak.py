"""Whatever is killed whenever: after the next coordinator every run is complete exactly once, nothing was repeated."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import soak
from servers import fresh_database

DOZENS = 24
THOUSANDS = 2000


def played(schedules: int, first: int, *url: str) -> subprocess.Popen[str]:
    """Schedules in a process of their own, which has no threads when it forks."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    command = [sys.executable, soak.__file__, str(schedules), str(first), *url]
    environment = os.environ | {"PYTHONPATH": path}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def whole(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        output, _ = process.communicate()
        print(output)
        assert process.returncode == 0, output


def test_dozens_of_studies_killed_at_random_moments_are_whole_afterwards() -> None:
    half = DOZENS // 2
    whole(played(half, 0), played(half, half))


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_thousands_of_studies_killed_at_random_moments_are_whole_afterwards() -> None:
    cores = os.cpu_count() or 1
    share = THOUSANDS // cores + 1
    whole(*(played(share, 10_000 + place * share) for place in range(cores)))


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_studies_in_sqlite_are_whole_afterwards(tmp_path: Path) -> None:
    whole(played(200, 20_000, "sqlite:///{folder}/study.db"))


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_studies_in_postgresql_are_whole_afterwards(postgres: str) -> None:
    """All of them in one database, as the studies of a group would be."""
    whole(played(200, 30_000, fresh_database(postgres).replace("{", "{{").replace("}", "}}")))
