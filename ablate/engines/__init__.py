"""Where runs execute. Each engine is one file behind the same interface (`base.Engine`)."""

from ablate.engines.base import Engine, WorkerDied
from ablate.engines.inline import InlineEngine
from ablate.engines.processes import ProcessEngine

__all__ = ["Engine", "InlineEngine", "ProcessEngine", "WorkerDied"]
