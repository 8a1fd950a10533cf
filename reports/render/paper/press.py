"""Draws the figures of a guide while the rest of it is made."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:  # a process that draws does without the tables
    from reports.analyses.card import Card
    from reports.analyses.figure import Figure

FORMATS = ("svg", "pdf", "png")
FEW = 4
"""Figures that this process draws itself: to start others takes as long."""
_MOST = 4  # each takes 90 MB, and a guide has some ten figures


def has_figure(card: Card) -> bool:
    """Whether a card comes with figure files."""
    return card.status == "ok" and card.figure is not None


class Press:
    """Figures of cards as files; the same cards give the same bytes with the same matplotlib, whoever draws them.

    A context: leaving it ends its processes.

    Args:
        processes: that may draw beside this one, from the fifth figure on; 1 for none. They are spawned, so the main
            module of a program that asks for more must be importable (`if __name__ == "__main__"`).
    """

    def __init__(self, processes: int = 1) -> None:
        self._processes = min(processes, _MOST)
        self._pool: ProcessPoolExecutor | None = None
        self._cards: list[Card] = []
        self._begun: list[Future[list[bytes]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def take(self, card: Card) -> Card:
        """Take the figure of a card, if it has one, in turn; gives the card back."""
        if has_figure(card):
            self._cards.append(card)
        if self._processes > 1 and len(self._cards) > FEW:
            self._begin()
        return card

    def _begin(self) -> None:
        self._pool = self._pool or ProcessPoolExecutor(
            self._processes, multiprocessing.get_context("spawn"), _end_with_the_parent
        )
        with suppress(BrokenProcessPool):
            for each in self._cards[len(self._begun) :]:
                self._begun.append(self._pool.submit(_drawn, each.figure))

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Name and content of every figure file, in the order of the cards."""
        for at, card in enumerate(self._cards):
            for form, content in zip(FORMATS, self._contents(at), strict=True):
                yield f"{card.key}.{form}", content

    def _contents(self, at: int) -> list[bytes]:
        with suppress(BrokenProcessPool):  # a machine short of memory kills processes: this one can still draw
            if at < len(self._begun):
                return self._begun[at].result()
        return _drawn(self._cards[at].figure)


def _drawn(figure: Figure | None) -> list[bytes]:
    """The figure in every format; matplotlib is loaded with the first one."""
    from reports.render.paper.drawing import printed

    assert figure is not None
    return printed(figure, FORMATS)


def _end_with_the_parent() -> None:
    """Leave Ctrl-C to the parent, and outlive no kill of it: a pool's process would wait for figures for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_outlast_no_parent, daemon=True).start()


def _outlast_no_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
