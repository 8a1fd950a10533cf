"""Whether Weights & Biases can be reached from here. Asked once per process, answered in some seconds at most."""

from __future__ import annotations

import logging
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import cache

from ablate.wandb_environment import QUIET, variables

LOG = logging.getLogger(__name__)
PROBE_SECONDS = 5


@dataclass
class Connection:
    """Why this process cannot go online, if so, and whether it said that already."""

    problem: str | None
    told: bool = False

    def tell(self) -> None:
        if not self.told:
            LOG.warning("Weights & Biases: %s; runs are kept offline", self.problem)
        self.told = True


@cache
def connection() -> Connection:
    """What this process knows about the server."""
    import wandb

    with variables(QUIET):
        server = wandb.setup().settings.base_url
        if problem := _unreachable(server):
            return Connection(f"{server} does not answer ({problem})")
        try:
            if wandb.login(prompt=False):
                return Connection(None)
        except Exception as error:  # a key of the wrong form, for one; the text does not hold the key
            return Connection(one_line(error))
    return Connection(f"no API key for {server} (set one with: wandb login)")


def online_problem() -> str | None:
    """Why runs cannot go online from here (no server, no key), or None. Asked once per process; at most some seconds.

    A coordinator asks before it starts, since the warnings of its workers end in their logs.
    """
    return connection().problem


def unreachable() -> str | None:
    """Why the server does not answer now, whatever it did before; None if it does."""
    import wandb

    with variables(QUIET):
        server = wandb.setup().settings.base_url
    problem = _unreachable(server)
    return problem and f"{server} does not answer ({problem})"


def _unreachable(server: str) -> str | None:
    """Why a server does not answer; any answer at all, an error page too, is good enough."""
    try:
        with urllib.request.urlopen(server, timeout=PROBE_SECONDS):
            return None
    except urllib.error.HTTPError:
        return None
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))


def one_line(error: BaseException) -> str:
    """Class and first line of an error, for a person."""
    return f"{type(error).__name__}: {error}".splitlines()[0]
