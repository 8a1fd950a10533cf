"""`ablate doctor`: one line for every difference between ledger, files and W&B; with `--fix`, mended."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ablate import doctor, workflow
from ablate.doctor import Finding
from ablate.errors import StudyError


def main(argument: str, directory: str | None, storage: str | None = None, *, fix: bool) -> int:
    """Exit code 0 if nothing is left to mend, 1 if something is."""
    console = Console(highlight=False)
    prepared = workflow.prepare_existing(argument, directory=directory, storage=storage)
    findings = list(doctor.examine(prepared))
    for each in findings:
        console.print(Text(f"{_done_about(each, fix=fix)}{each.what}"), soft_wrap=True)
    left = list(doctor.examine(prepared)) if fix else findings
    mendable = sum(each.mend is not None for each in findings)
    console.print(Text(_summary(len(findings), mendable, len(left), fix=fix)))
    return 1 if left else 0


def _done_about(finding: Finding, *, fix: bool) -> str:
    if finding.mend is None:
        return "cannot be mended here: "
    if not fix:
        return ""
    try:
        finding.mend()
    except StudyError as error:  # of a run that was deleted there the server takes no other
        return f"not mended ({error}): "
    return "mended: "


def _summary(found: int, mendable: int, left: int, *, fix: bool) -> str:
    if not found:
        return "ledger, files and Weights & Biases agree"
    if not fix:
        advice = f"; {mendable} can be mended with --fix" if mendable else ""
        return f"{found} finding{'s' if found > 1 else ''}{advice}"
    return "everything agrees now" if not left else f"{left} of {found} findings are left"
