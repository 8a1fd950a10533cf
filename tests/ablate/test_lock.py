from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from ablate import lock as lock_module
from ablate.lock import LockLostError, StudyLock, StudyLockedError, owner, process_identity

HOLD = """
    import sys, time
    from pathlib import Path
    from ablate.lock import StudyLock
    StudyLock(Path(sys.argv[1])).acquire()
    print("held", flush=True)
    time.sleep(60)
"""
RACE = """
    import sys, time
    from pathlib import Path
    from ablate.lock import StudyLock, StudyLockedError
    sys.stdin.readline()
    try:
        StudyLock(Path(sys.argv[1])).acquire()
        print("won", flush=True)
    except StudyLockedError:
        print("refused", flush=True)
    sys.stdin.readline()
"""


def started(script: str, directory: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(script), str(directory)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def killed_holder(directory: Path) -> subprocess.Popen[str]:
    holder = started(HOLD, directory)
    assert said(holder) == "held"
    holder.kill()
    return holder


def aged(directory: Path, seconds: float) -> None:
    file = max(directory.glob("lock.*"))
    then = file.stat().st_mtime - seconds
    os.utime(file, (then, then))


def test_a_second_coordinator_is_refused_by_name_of_host_and_process(tmp_path: Path) -> None:
    holder = started(HOLD, tmp_path)
    assert said(holder) == "held"
    with pytest.raises(StudyLockedError, match=f"process {holder.pid} on {os.uname().nodename} is working"):
        StudyLock(tmp_path).acquire()
    present = owner(tmp_path)
    assert present is not None and present.pid == holder.pid
    holder.kill()
    holder.wait()


def test_a_killed_owner_is_taken_over_at_once_even_as_a_zombie(tmp_path: Path) -> None:
    holder = killed_holder(tmp_path)
    psutil.wait_procs([psutil.Process(holder.pid)], timeout=0.5)
    with StudyLock(tmp_path) as lock:
        lock.check()
    holder.wait()


def test_a_process_that_got_the_id_of_a_dead_owner_is_not_it(tmp_path: Path) -> None:
    lock = StudyLock(tmp_path).acquire()
    file = max(tmp_path.glob("lock.*"))
    file.write_text(file.read_text().replace(process_identity(os.getpid()) or "", "another-boot:17"))
    assert owner(tmp_path) is None
    with StudyLock(tmp_path):
        lock.release()


def test_a_released_lock_is_free_and_its_number_is_not_used_again(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        with StudyLock(tmp_path) as lock:
            assert [path.name for path in tmp_path.iterdir()] == [f"lock.{number}"]
            lock.check()
        assert owner(tmp_path) is None


def test_another_host_is_refused_until_the_lease_expires(tmp_path: Path) -> None:
    first = StudyLock(tmp_path, lease=60, host="elsewhere").acquire()
    with pytest.raises(StudyLockedError, match=r"on elsewhere is working on this study; if it is dead, .* 60 s"):
        StudyLock(tmp_path).acquire()
    aged(tmp_path, 61)
    with StudyLock(tmp_path) as second:
        with pytest.raises(LockLostError, match=f"taken over by process {os.getpid()}"):
            first.check()
        first.release()
        second.check()


def test_the_lease_is_renewed_while_it_is_held(tmp_path: Path) -> None:
    with StudyLock(tmp_path, lease=0.3):
        aged(tmp_path, 100)
        old = max(tmp_path.glob("lock.*")).stat().st_mtime
        deadline = threading.Event()
        for _ in range(200):
            if max(tmp_path.glob("lock.*")).stat().st_mtime > old:
                break
            deadline.wait(0.05)
        assert max(tmp_path.glob("lock.*")).stat().st_mtime > old


@pytest.mark.parametrize("content", [b"{", b"\xff\x00"], ids=["torn", "no text"])
def test_an_unreadable_lock_counts_as_that_of_another_host(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lock.7").write_bytes(content)
    with pytest.raises(StudyLockedError, match="unreadable lock"):
        StudyLock(tmp_path).acquire()
    aged(tmp_path, 1000)
    with StudyLock(tmp_path):
        assert (tmp_path / "lock.8").exists()


def test_of_many_racers_for_a_dead_owners_lock_exactly_one_wins(tmp_path: Path) -> None:
    killed_holder(tmp_path).wait()
    racers = [started(RACE, tmp_path) for _ in range(8)]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    assert sorted(said(racer) for racer in racers) == ["refused"] * 7 + ["won"]
    for racer in racers:
        racer.communicate("end\n")


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_rival_that_acts_between_the_look_and_the_grip_keeps_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    """The narrowest race, made certain: after we found the owner dead, a rival takes the lock, `turns - 1` times gives
    it back and takes it again, and holds it."""
    killed_holder(tmp_path).wait()
    rivals: list[StudyLock] = []
    looked = lock_module._alive

    def look(*arguments: Any) -> bool:
        found = looked(*arguments)
        if not rivals:
            for _ in range(turns):
                for rival in rivals:
                    rival.release()
                rivals.append(StudyLock(tmp_path))
                rivals[-1].acquire()
        return found

    monkeypatch.setattr(lock_module, "_alive", look)
    with pytest.raises(StudyLockedError):
        StudyLock(tmp_path).acquire()
    rivals[-1].check()
    rivals[-1].release()


def test_threads_that_take_and_release_never_hold_it_together(tmp_path: Path) -> None:
    """Within one process every lock that is held is alive, so whoever enters while another is in has broken it."""
    holders: list[int] = []
    clashes: list[int] = []
    entered = threading.Lock()

    def compete(me: int) -> None:
        for _ in range(60):
            try:
                lock = StudyLock(tmp_path).acquire()
            except StudyLockedError:
                continue
            with entered:
                holders.append(me)
                clashes.extend(holders if len(holders) > 1 else [])
                holders.remove(me)
            lock.release()

    threads = [threading.Thread(target=compete, args=(me,)) for me in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clashes == []


def test_killing_leaves_no_candidate_that_blocks(tmp_path: Path) -> None:
    (tmp_path / ".lock-0123456789abcdef").write_text("{}")
    holder = started(HOLD, tmp_path)
    assert said(holder) == "held"
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with StudyLock(tmp_path):
        assert owner(tmp_path) is not None


def test_a_full_disk_leaves_no_candidate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, text: str) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        StudyLock(tmp_path).acquire()

    assert list(tmp_path.iterdir()) == []
