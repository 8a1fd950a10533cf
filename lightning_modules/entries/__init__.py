"""The catalogue's entries, one module an axis: plain data, no torch.

The order here is the order in which axes are listed.
"""

from __future__ import annotations

from lightning_modules.entries import (
    augment,
    encoding,
    initialization,
    loss,
    mix,
    neuron,
    normalization,
    optimizer,
    readout,
    residual,
    schedule,
    shortcut,
    surrogate,
)

ALL = (
    *residual.ENTRIES,
    *shortcut.ENTRIES,
    *encoding.ENTRIES,
    *normalization.ENTRIES,
    *neuron.ENTRIES,
    *surrogate.ENTRIES,
    *readout.ENTRIES,
    *initialization.ENTRIES,
    *loss.ENTRIES,
    *optimizer.ENTRIES,
    *schedule.ENTRIES,
    *augment.ENTRIES,
    *mix.ENTRIES,
)
