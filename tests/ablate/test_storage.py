from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from dummies import plan

from ablate.ledger import Ledger
from ablate.storage import StorageError, cut_torn_tail, open_storage


def test_a_journal_torn_at_any_byte_of_its_last_record_opens_and_takes_new_records(
    study: Path, opened: Callable[..., Ledger], looked: Callable[..., Ledger]
) -> None:
    """All that was acknowledged before the torn record is there, and what is appended later is read by the next one."""
    runs = plan(2, 1)
    with opened() as ledger:
        ledger.sync(runs)
    journal = study / "journal.log"
    whole = journal.read_bytes()
    start = whole.rfind(b"\n", 0, -1) + 1
    for end in range(start, len(whole)):
        journal.write_bytes(whole[:end])
        with opened() as ledger:
            assert list(ledger.states()) == ["c0-0"], f"cut at byte {end}"
            ledger.sync(runs[1:])
        assert list(looked().states()) == ["c0-0", "c1-0"], f"cut at byte {end}"


def test_a_torn_tail_is_no_obstacle_to_looking_and_is_left_alone(
    study: Path, opened: Callable[..., Ledger], looked: Callable[..., Ledger]
) -> None:
    with opened() as ledger:
        ledger.sync(plan(2, 1))
    journal = study / "journal.log"
    torn = journal.read_bytes()[:-10]
    journal.write_bytes(torn)
    assert list(looked().states()) == ["c0-0"]
    assert journal.read_bytes() == torn


@pytest.mark.parametrize("tail", [b"\0" * 40, b'{"op_code":4,"worker', b"\0\0\0\n", b'{"op_code":4,"wo\n'])
def test_cuts_what_is_no_record(tmp_path: Path, tail: bytes) -> None:
    journal = tmp_path / "journal.log"
    journal.write_bytes(b'{"op_code":0}\n{"op_code":1}\n' + tail)
    assert cut_torn_tail(journal) == len(tail)
    assert journal.read_bytes() == b'{"op_code":0}\n{"op_code":1}\n'


def test_a_journal_that_is_no_text_is_one_line(study: Path, looked: Callable[..., Ledger]) -> None:
    study.mkdir()
    (study / "journal.log").write_bytes(b"\xc3\x28\xff" * 20 + b"\n")
    with pytest.raises(StorageError, match=r"journal.log: damaged before its last record"):
        looked()


@pytest.mark.parametrize(
    ("record", "line"),
    [(b"garbage\n", "damaged before its last record"), (b"[1]\n", "holds a record"), (b"{}\n", "holds a record")],
)
def test_damage_before_the_last_record_is_one_line_and_nothing_is_cut(
    study: Path, opened: Callable[..., Ledger], record: bytes, line: str
) -> None:
    with opened() as ledger:
        ledger.sync(plan(2, 1))
    journal = study / "journal.log"
    lines = journal.read_bytes().splitlines(keepends=True)
    damaged = b"".join([lines[0], record, *lines[1:]])
    journal.write_bytes(damaged)
    with pytest.raises(StorageError, match=rf"journal\.log: {line}.*move it away"):
        opened()
    assert journal.read_bytes() == damaged


def test_a_process_killed_with_the_journal_locked_does_not_stall_the_next(study: Path) -> None:
    script = """
        import fcntl, os, signal, sys
        file = open(sys.argv[1], "ab")
        fcntl.flock(file, fcntl.LOCK_EX)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    open_storage(study)
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(study / "journal.log")], check=False)
    assert killed.returncode == -signal.SIGKILL
    open_storage(study).create_new_study([], "s")


def test_a_full_disk_is_one_line_and_leaves_whole_records(study: Path, opened: Callable[..., Ledger]) -> None:
    """A file size limit stands in for the full disk: the write is cut short in the middle of a record."""
    with opened() as ledger:
        ledger.sync(plan(2, 1))
        size = (study / "journal.log").stat().st_size
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 30, limits[1]))
        try:
            with pytest.raises(StorageError, match="File too large; what was booked is kept"):
                ledger.sync(plan(3, 1))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, previous)
        assert (study / "journal.log").stat().st_size == size
        assert ledger.sync(plan(3, 1)) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_directory_is_one_line(study: Path, opened: Callable[..., Ledger]) -> None:
    study.mkdir(mode=0o500)
    with pytest.raises(StorageError, match="Permission denied"):
        opened()


def test_a_file_in_place_of_the_directory_is_one_line(study: Path, opened: Callable[..., Ledger]) -> None:
    study.write_text("")
    with pytest.raises(StorageError, match="File exists"):
        opened()


def test_an_unreachable_database_is_one_line(tmp_path: Path, opened: Callable[..., Ledger]) -> None:
    with pytest.raises(StorageError, match="unable to open database file"):
        opened(url=f"sqlite:///{tmp_path}/nowhere/study.db")
