from __future__ import annotations

import threading
from pathlib import Path

import pytest
from booked import STUDY, book, booked
from command_line import inside

from ablate import workflow
from ablate.attempts import RunState
from ablate.commands import status
from ablate.throughput import throughput


def reopened(folder: Path) -> workflow.Prepared:
    return workflow.prepare_existing(str(folder / "studies" / "quickstart"))


def test_failed_runs_are_shown_with_reason_and_the_end_of_their_log(tmp_path: Path) -> None:
    runs = booked(tmp_path, complete=4)
    with workflow.open_ledger(reopened(tmp_path)) as ledger:
        (ledger.directory / "runs" / runs[4]).mkdir()
        log = ledger.directory / "runs" / runs[4] / "log.txt"
        log.write_text("".join(f"line {number}\n" for number in range(30)))
        book(ledger, [runs[4]], status="failed", kind="error", reason="ValueError: no", metrics={})

    done = inside("status", "quickstart", "--failed", cwd=tmp_path)

    assert done.returncode == 0
    assert "6 runs: 4 complete, 1 failed, 1 to do" in done.stdout
    assert "(error, 1 attempt): ValueError: no" in done.stdout
    assert "    line 29\n" in done.stdout and "line 19" not in done.stdout
    assert "Nobody works on it; go on with: ablate run studies/quickstart" in done.stdout


def test_what_a_message_says_to_type_is_as_a_shell_reads_it(tmp_path: Path) -> None:
    study = tmp_path / "my work" / "studies" / "quickstart"
    booked(tmp_path / "my work", complete=4)

    shown = inside("status", str(study), cwd=tmp_path)
    unread = inside("explain", "residual=plain", "--dir", str(study), cwd=tmp_path)

    assert f"go on with: ablate run '{study}'" in shown.stdout
    assert unread.stderr == f"ablate: {study}: has no report yet; write it with: ablate report '{study}'\n"


def test_off_a_terminal_a_long_reason_stands_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    runs = booked(tmp_path, complete=4)
    reason = "RuntimeError: " + "a long story " * 8 + "end"
    with workflow.open_ledger(reopened(tmp_path)) as ledger:
        book(ledger, [runs[4]], status="failed", kind="error", reason=reason, metrics={})

    assert reason in inside("status", "quickstart", cwd=tmp_path).stdout


def test_a_running_study_tells_process_rate_and_epochs(tmp_path: Path) -> None:
    runs = booked(tmp_path, complete=2)
    with workflow.open_ledger(reopened(tmp_path)) as ledger:
        book(ledger, runs[2:3])
        folder = ledger.directory / "runs" / ledger.claim(runs[3]).run_id
        folder.mkdir()
        (folder / "progress.json").write_text('{"epoch": 3, "epochs": 8}')

        done = inside("status", "quickstart", cwd=tmp_path)

    assert "6 runs: 3 complete, 0 failed, 1 running, 2 to do" in done.stdout
    assert "works on it, " in done.stdout and " runs an hour, about " in done.stdout
    assert "epoch 3/8" in done.stdout


@pytest.mark.parametrize(("last", "code"), [("complete", 0), ("failed", 1)])
def test_watching_tells_each_change_and_ends_with_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str, code: int
) -> None:
    runs = booked(tmp_path, complete=5)
    monkeypatch.setattr(status, "_EVERY_SECONDS", 0.05)
    looked, refreshed = threading.Event(), workflow.refreshed

    def look_again(prepared: workflow.Prepared) -> workflow.Prepared:
        again = refreshed(prepared)
        looked.set()
        return again

    monkeypatch.setattr(workflow, "refreshed", look_again)

    def work(ledger: workflow.Ledger) -> None:
        assert looked.wait(60)  # a run that ends before the first look is no change
        book(ledger, [runs[5]], status=last, reason="" if last == "complete" else "ValueError: no")

    with workflow.open_ledger(reopened(tmp_path)) as ledger:
        worker = threading.Thread(target=work, args=(ledger,))
        worker.start()
        done = inside("status", "quickstart", "--watch", cwd=tmp_path)
        worker.join()

    assert done.returncode == code
    assert f"[6/6] timesteps=2 seed=1: {last}" in done.stdout
    assert "\x1b" not in done.stdout


def test_watching_ends_when_nobody_works_on_the_study(tmp_path: Path) -> None:
    booked(tmp_path, complete=5)
    done = inside("status", "quickstart", "--watch", cwd=tmp_path)
    assert done.returncode == 1
    assert "Nobody works on it" in done.stdout


def test_before_a_run_has_ended_the_time_left_follows_from_earlier_ones(tmp_path: Path) -> None:
    runs = booked(tmp_path, complete=2)
    with workflow.open_ledger(reopened(tmp_path)) as ledger:
        ledger.claim(runs[2])
        states: list[RunState] = list(ledger.states().values())
    later = max(state.ended.timestamp() for state in states if state.ended) + 1
    assert throughput(states, to_do=4, since=later, now=later + 9).left == 8.0
    assert throughput(states, to_do=4, since=later - 3600, now=later).an_hour == pytest.approx(2.0, rel=0.01)


def test_the_ledger_is_read_once_before_a_study_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For the plan, the data and what has ended: a journal of 10,000 runs takes 0.6 s each time."""
    booked(tmp_path, complete=6)
    reads: list[object] = []
    original = workflow.read_ledger
    monkeypatch.setattr(workflow, "read_ledger", lambda directory: reads.append(directory) or original(directory))

    prepared = workflow.prepare("quickstart", STUDY, directory=str(tmp_path / "studies" / "quickstart"))
    workflow.require_data(prepared)
    workflow.require_code(prepared)
    assert (prepared.progress().complete, len(prepared.values("val_accuracy"))) == (6, 3)
    assert len(reads) == 1
