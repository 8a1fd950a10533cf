"""Energy of a network: effective operations on evaluation data, weighted with the cost of one.

Only arithmetic is counted. Memory traffic is left out, and often costs more (arXiv 2409.08290): no figure here means
anything without the control network without spikes (`neuron: relu`) beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from lightning_modules.classifier import SpikingClassifier
from lightning_modules.data.module import TensorData
from lightning_modules.evaluation import run_through
from lightning_modules.operations import Operations, Overhead, counted

Preset = Literal["fp32", "fp16", "int8"]

PICOJOULES: dict[Preset, tuple[float, float]] = {"fp32": (4.6, 0.9), "fp16": (1.5, 0.4), "int8": (0.23, 0.03)}
"""Energy of a multiply-accumulate and of an accumulate at 45 nm. Source: Horowitz 2014."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one sample costs on average.

    Attributes:
        layers: rows `layer, firing_rate, synops, macs, acs`: convolutions and the head with their synaptic operations,
            neuron layers with firing rate and updates, and what else computes; None where a column has no meaning.
        totals: `firing_rate, synops, macs, acs, energy_nj`, and of these the shares outside synapses:
            `neuron_updates, residual_additions, normalized_values`; and the energy in every preset
            (`energy_fp32_nj, energy_fp16_nj, energy_int8_nj`), so that a ranking can be held against another one.
        preset: the cost of one operation.
    """

    layers: list[dict[str, Any]]
    totals: dict[str, float | int | None]
    preset: Preset

    @property
    def assumption(self) -> str:
        """What the energy rests on, in words, for whoever quotes it."""
        e_mac, e_ac = PICOJOULES[self.preset]
        return (
            f"arithmetic alone at 45 nm, {self.preset}: {e_mac:g} pJ a multiply-accumulate, {e_ac:g} pJ an accumulate "
            "(Horowitz 2014); memory traffic is left out"
        )


def measure(
    classifier: SpikingClassifier,
    data: TensorData,
    *,
    preset: Preset = "fp32",
    integer_as_ac: bool = False,
    synaptic_only: bool = False,
) -> Cost:
    """Count on the whole validation part, which objectives of a search may use too.

    Args:
        classifier: with the weights to measure; its mode is kept.
        data: of the encoder's input range.
        preset: energy of one operation.
        integer_as_ac: count an integer input as that many accumulates instead of a multiply-accumulate.
        synaptic_only: leave neuron updates, residual additions and normalisations out of macs, acs and energy.
    """
    with counted(classifier.network) as counts:
        samples = run_through(classifier, data.val_dataloader())
    return cost(counts, samples, preset=preset, integer_as_ac=integer_as_ac, synaptic_only=synaptic_only)


def cost(
    counts: Operations,
    samples: int,
    *,
    preset: Preset = "fp32",
    integer_as_ac: bool = False,
    synaptic_only: bool = False,
) -> Cost:
    """The cost of one sample from the counts over `samples`; the options are those of `measure`."""
    layers = _synaptic_rows(counts, samples, integer_as_ac)
    synops = sum(row["synops"] for row in layers)
    rates = {layer: float(rate) for layer, rate in counts.rates.by_layer().items()}
    for kind in (counts.neurons, counts.normalizations, counts.additions):
        for name, part in kind.items():
            layers.append(_overhead_row(name, part, samples, rates if kind is counts.neurons else {}, synaptic_only))
    macs, acs = (sum(row[column] for row in layers) for column in ("macs", "acs"))
    presets: dict[Preset, float] = {
        name: (macs * e_mac + acs * e_ac) / 1000 for name, (e_mac, e_ac) in PICOJOULES.items()
    }
    totals: dict[str, float | int | None] = {
        "firing_rate": float(counts.rates.overall()),
        "synops": synops,
        "macs": macs,
        "acs": acs,
        "energy_nj": presets[preset],
        "neuron_updates": _elements(counts.neurons, samples),
        "residual_additions": _elements(counts.additions, samples),
        "normalized_values": _elements(counts.normalizations, samples),
    }
    return Cost(layers, totals | {f"energy_{name}_nj": energy for name, energy in presets.items()}, preset)


def _synaptic_rows(counts: Operations, samples: int, integer_as_ac: bool) -> list[dict[str, Any]]:
    rows = []
    for name, synapses in counts.synapses.items():
        macs, acs = (number / samples for number in synapses.operations(integer_as_ac))
        rows.append({"layer": name, "firing_rate": None, "synops": macs + acs, "macs": macs, "acs": acs})
    return rows


def _overhead_row(
    name: str, part: Overhead, samples: int, rates: dict[str, float], synaptic_only: bool
) -> dict[str, Any]:
    each = 0.0 if synaptic_only else part.elements / samples
    return {
        "layer": name,
        "firing_rate": rates.get(name),
        "synops": 0.0,
        "macs": each * part.macs,
        "acs": each * part.acs,
    }


def _elements(kind: dict[str, Overhead], samples: int) -> float:
    return sum(part.elements for part in kind.values()) / samples
