"""`ablate doctor`: one line for every difference between ledger, files and W&B; with `--fix`, mended."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ablate import doctor, workflow


def main(argument: str, directory: str | None, storage: str | None = None, *, fix: bool) -> int:
    """Exit code 0 if nothing is left to mend, 1 if something is."""
    console = Console(highlight=False)
    prepared = workflow.prepare_existing(argument, directory=directory, storage=storage)
    findings = list(doctor.examine(prepared))
    for each in findings:
        mended = fix and each.mend is not None
        if mended and each.mend is not None:
            each.mend()
        note = "mended: " if mended else "" if each.mend else "cannot be mended here: "
        console.print(Text(f"{note}{each.what}"), soft_wrap=True)
    left = list(doctor.examine(prepared)) if fix else findings
    mendable = sum(each.mend is not None for each in findings)
    console.print(Text(_summary(len(findings), mendable, len(left), fix=fix)))
    return 1 if left else 0


def _summary(found: int, mendable: int, left: int, *, fix: bool) -> str:
    if not found:
        return "ledger, files and Weights & Biases agree"
    if not fix:
        advice = f"; {mendable} can be mended with --fix" if mendable else ""
        return f"{found} finding{'s' if found > 1 else ''}{advice}"
    return "everything agrees now" if not left else f"{left} of {found} findings are left"
