"""What kernels leave to the back end `eager`, by name and with the reason; `NormFire.fuses` is what happens.

Beside these: neurons, normalisations of membranes and surrogates of plug-ins, inputs without pixels, empty batches,
and what is on a GPU where `compiled` was asked for, which is for CPUs.
"""

from __future__ import annotations

from types import MappingProxyType

from lightning_modules.surrogate import ATan, FastSigmoid, Rectangle, Sigmoid, Triangle

EAGER_NEURONS = MappingProxyType(
    {
        "psn": "no membrane; it is one matrix product over time, which the library does",
        "masked_psn": "no membrane; it is one matrix product over time, which the library does",
        "relu": "the control without spikes; it has no membrane",
    }
)
"""Neurons that are not computed by kernels."""

EAGER_MEMBRANES = MappingProxyType({"mpbn": "needs statistics of every membrane in the middle of the loop over time"})
"""Normalisations whose neurons are not computed by kernels."""

SEPARATE = MappingProxyType(
    {
        "layer": "statistics are those of one sample and step",
        "group": "statistics are those of one sample and step",
    }
)
"""Normalisations that are computed before the kernel, which then only fires."""

_SURROGATES = (Triangle, Rectangle, ATan, Sigmoid, FastSigmoid)


def known(surrogate: object) -> bool:
    """Whether kernels know the derivative of a surrogate."""
    return type(surrogate) in _SURROGATES
