"""The catalogue's entries, one module an axis: plain data, no torch.

The order here is the order in which axes are listed.
"""

from __future__ import annotations

from lightning_modules.entries import encoding, neuron, normalization, surrogate

ALL = (
    *encoding.ENTRIES,
    *normalization.ENTRIES,
    *neuron.ENTRIES,
    *surrogate.ENTRIES,
)
