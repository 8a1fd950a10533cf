"""`ablate import-checkpoint`: one of the paper authors' checkpoints as one of ours."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from ablate.errors import RequestError


def main(path: str, classes: int | None, leak: float, out: str) -> int:
    """Read the paper's format, write ours, say what was found in the tensors."""
    if not 0 <= leak <= 1:
        raise RequestError(f"--leak: {leak:g} is out of range; a number from 0 to 1 is needed")
    if not Path(out).parent.is_dir():
        raise RequestError(f"--out {out}: there is no folder {Path(out).parent}")
    from lightning_modules.checkpoints import save_network
    from lightning_modules.paper import load_paper_checkpoint

    try:
        network = load_paper_checkpoint(path, classes=classes, leak=leak)
        save_network(network, out)
    except (ValueError, OSError) as error:
        raise RequestError(str(error)) from error
    chosen = network.choices
    kind = "event frames" if network.events else "images"
    parameters = sum(parameter.numel() for parameter in network.parameters())
    Console(highlight=False).print(
        Text(
            f"{out}: S-ResNet{6 * chosen.depth + 2}, width {chosen.width}, T {chosen.timesteps}, {kind}, "
            f"{network.readout.classes} classes ({chosen.readout}), leak {chosen.leak:g}, {parameters:,} parameters"
        ),
        soft_wrap=True,
    )
    return 0
