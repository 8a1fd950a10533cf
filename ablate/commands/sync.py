"""`ablate sync`: upload what a study logged offline."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ablate import synchronise, workflow


def main(argument: str, directory: str | None, storage: str | None = None) -> int:
    """Print how far it is, then what was uploaded."""
    console = Console(highlight=False)
    prepared = workflow.prepare_existing(argument, directory=directory, storage=storage)
    done = synchronise.synchronise(prepared, lambda line: console.print(Text(line), soft_wrap=True))
    changed = [f"{done.uploaded} uploaded"] if done.uploaded else []
    changed += [f"{done.mended} mended"] if done.mended else []
    changed += ["guide logged"] if done.guide else []
    console.print(Text(f"{done.place}: {', '.join(changed) or 'everything is there already'}"), soft_wrap=True)
    return 0
