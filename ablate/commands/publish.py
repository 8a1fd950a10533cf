"""`ablate publish`: workspace and report of a study in W&B."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ablate import publication, synchronise, workflow
from reports.results import StudyResults


def main(argument: str, directory: str | None, storage: str | None = None) -> int:
    """Upload what is missing, then print the addresses of workspace and report."""
    publication.require_extra()
    console = Console(highlight=False)
    prepared = workflow.prepare_existing(argument, directory=directory, storage=storage)
    synchronise.synchronise(prepared, lambda line: console.print(Text(line), soft_wrap=True))
    remote = synchronise.remote_of(prepared)
    for what, address in publication.publish(prepared, remote, StudyResults.read(prepared.directory.report)).items():
        console.print(Text(f"{what:<10} {address}"), soft_wrap=True)
    return 0
