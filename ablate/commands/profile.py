"""The table of `ablate run --profile`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from ablate.profile import STEPS, Profile

FILE = "profile.csv"


def show(console: Console, folder: Path, profile: Profile) -> None:
    """Print what the runs of this call spent their time on, and write it by run beside the study."""
    rows = profile.table()
    if not rows:
        console.print("No profile: no run of this call left one.")
        return
    profile.write(folder / FILE)
    total = sum(seconds for _, _, seconds in rows)
    table = Table("phase", box=None, title="Where the time went", title_justify="left", pad_edge=False)
    for heading in ("s/run (median)", "s in all", "share"):
        table.add_column(heading, justify="right")
    for phase, a_run, seconds in rows:
        table.add_row(phase, f"{a_run:.3f}", f"{seconds:.1f}", f"{seconds / total:.0%}")
    console.print(table)
    console.print(f"A run beyond its {STEPS}: {profile.beyond_steps():.2f} s (median); by run in {folder / FILE}")
    console.print()
