"""Readouts: how the head's outputs o_t over time become the logits of a sample.

Fact: `spiking` readouts put a neuron after the head, whose spikes are then the outputs.
"""

from __future__ import annotations

from lightning_modules.level import LevelEntry, Option

_MODULE = "lightning_modules.readout"
_LEAK = Option(
    "leak", "float", 0.8744, "fraction of the output membrane kept from one step to the next", minimum=0, maximum=1
)

ENTRIES = (
    LevelEntry(
        axis="readout",
        name="mean_membrane",
        equation="(1/T) sum_t o_t: a membrane without leak, divided by T",
        source="S-ResNet, Vicente-Sola et al. 2022",
        factory=f"{_MODULE}:MeanMembrane",
        facts={"spiking": False},
    ),
    LevelEntry(
        axis="readout",
        name="last_membrane",
        equation="v_T, where v_t = leak v_{t-1} + o_t (leak 1: T times mean_membrane)",
        source="non-firing leaky integrator, e.g. Neftci et al. 2019",
        factory=f"{_MODULE}:LastMembrane",
        options=(_LEAK,),
        facts={"spiking": False},
    ),
    LevelEntry(
        axis="readout",
        name="max_membrane",
        equation="max_t v_t, where v_t = leak v_{t-1} + o_t",
        source="maximum over time of a non-firing leaky integrator, Zenke & Vogels 2021",
        factory=f"{_MODULE}:MaxMembrane",
        options=(_LEAK,),
        facts={"spiking": False},
    ),
    LevelEntry(
        axis="readout",
        name="spike_count",
        equation="sum_t s_t, spikes of a neuron after the head",
        source="rate decoding",
        factory=f"{_MODULE}:SpikeCount",
        facts={"spiking": True},
    ),
    LevelEntry(
        axis="readout",
        name="boosting",
        equation="mean of `factor` outputs a class, head of factor x C outputs; then mean over time",
        source="S-ResNet, Vicente-Sola et al. 2022; voting layer of Fang et al. 2021, PLIF",
        factory=f"{_MODULE}:Boosting",
        options=(
            Option("factor", "int", 10, "outputs a class", minimum=1),
            Option("spiking", "bool", False, "a neuron after the head: outputs vote with their firing rates"),
        ),
        facts={"spiking": "option:spiking"},
    ),
)
