"""How fast a study goes and how long it will still take, from what its ledger says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import mean

from ablate.attempts import RunState

_ENDED = ("complete", "failed", "pruned")


@dataclass(frozen=True, slots=True)
class Throughput:
    """A rate and what follows from it.

    Attributes:
        an_hour: runs that end in an hour; None before the first one has ended.
        left: seconds until all have ended; None where nothing says.
    """

    an_hour: float | None
    left: float | None


def throughput(states: Iterable[RunState], *, to_do: int, since: float, now: float) -> Throughput:
    """The rate of the coordinator at work; before its first run has ended, that of the runs before it.

    Args:
        states: of all runs begun so far.
        to_do: runs that have not ended, those that run among them.
        since, now: when the coordinator began, and the present, in seconds of the wall clock.
    """
    known = list(states)
    ended = sum(each.status in _ENDED and each.ended is not None and each.ended.timestamp() >= since for each in known)
    if ended and now > since:
        rate = ended / (now - since)
        return Throughput(rate * 3600, to_do / rate)
    summaries = [each.summary for each in known if each.status == "complete" and each.summary is not None]
    seconds = [float(value) for each in summaries if (value := each.metrics.get("train_seconds")) is not None]
    running = sum(each.status == "running" for each in known)
    return Throughput(None, mean(seconds) * to_do / running if seconds and running else None)
