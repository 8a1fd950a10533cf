"""Figures drawn by several processes: the same files, in the same order, and no process that is not worth it."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from reports.analyses.card import Card
from reports.analyses.figure import Chart, Point, Series
from reports.render.paper import FORMATS, Press
from reports.render.paper.press import FEW


def charts(count: int, kind: type[Chart] = Chart) -> list[Card]:
    """Cards with a figure each, and one without."""
    drawn = [kind("x", "y", (Series("s", (Point(at, 2, text="t"), Point(5, at, text="t"))),), "A.")
             for at in range(count)]  # fmt: skip
    return [Card("none", "t"), *(Card(f"chart{at}", "t", figure=each) for at, each in enumerate(drawn))]


def printed(cards: list[Card], processes: int) -> tuple[list[tuple[str, bytes]], int]:
    """The files, and how many processes were at work."""
    with Press(processes) as press:
        assert [press.take(card) for card in cards] == cards
        working = len(multiprocessing.active_children())
        return list(press.files()), working


def test_several_processes_draw_the_same_files_in_the_same_order_and_end() -> None:
    cards = charts(FEW + 1)
    alone, nobody = printed(cards, 1)
    together, working = printed(cards, 2)
    assert [name for name, _ in alone] == [f"chart{at}.{form}" for at in range(FEW + 1) for form in FORMATS]
    assert together == alone
    assert (nobody, working) == (0, 2)
    assert multiprocessing.active_children() == []


def test_few_figures_start_no_process() -> None:
    assert printed(charts(FEW), 2)[1] == 0


ORPHANS = """
import multiprocessing, os, sys
sys.path.insert(0, 'tests/reports')
from test_press import FEW, Press, charts
press = Press(2)
for card in charts(FEW + 1):
    press.take(card)
list(press.files())
print(*(each.pid for each in multiprocessing.active_children()), flush=True)
os.kill(os.getpid(), 9)
"""


def running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_no_process_outlives_a_kill_of_the_one_it_draws_for() -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", ORPHANS], cwd=root, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        drawing = [int(pid) for pid in parent.stdout.readline().split()]
        parent.wait()
    assert len(drawing) == 2
    until = time.monotonic() + 30
    while left := [pid for pid in drawing if running(pid)]:
        assert time.monotonic() < until, left
        time.sleep(0.05)


@dataclass(frozen=True)
class Deadly(Chart):
    """A chart that ends the process that it is sent to."""

    def __reduce__(self) -> tuple[Callable[[int], Any], tuple[int]]:
        return os._exit, (1,)


def test_what_a_killed_process_would_have_drawn_is_drawn_all_the_same() -> None:
    with Press(2) as press:
        for card in charts(FEW + 1, Deadly):
            press.take(card)
        while multiprocessing.active_children():
            time.sleep(0.01)
        press.take(Card("late", "t", figure=charts(1)[1].figure))
        found = list(press.files())
    assert found[: -len(FORMATS)] == printed(charts(FEW + 1), 1)[0]
    assert [name for name, _ in found[-len(FORMATS) :]] == [f"late.{form}" for form in FORMATS]
