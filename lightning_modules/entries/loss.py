"""Losses on the outputs o_t of the head; y is the target, r the readout.

Fact: `soft_targets` losses take shares of the classes, `[N, classes]`, as well as one class a sample.
"""

from __future__ import annotations

from lightning_modules.level import LevelEntry, Option

_MODULE = "lightning_modules.loss"

ENTRIES = (
    LevelEntry(
        axis="loss",
        name="cross_entropy",
        equation="CE(r(o), y)",
        source="S-ResNet (Vicente-Sola et al. 2022)",
        factory=f"{_MODULE}:CrossEntropy",
        facts={"soft_targets": True},
    ),
    LevelEntry(
        axis="loss",
        name="mse_rate",
        equation="MSE(mean_t o_t, onehot(y))",
        source="SEW-ResNet (Fang et al. 2021)",
        factory=f"{_MODULE}:RateMSE",
        facts={"soft_targets": True},
    ),
    LevelEntry(
        axis="loss",
        name="tet",
        equation="(1 - l) mean_t CE(o_t, y) + l MSE(o_t, aim)",
        source="Deng et al. 2022, TET",
        factory=f"{_MODULE}:TET",
        options=(
            Option("weight", "float", 1e-3, "l, the share of the second term", minimum=0, maximum=1),
            Option("aim", "float", 1.0, "value that the outputs are drawn to"),
        ),
        facts={"soft_targets": True},
    ),
)
