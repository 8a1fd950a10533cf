"""Learning rate over the epochs e = 0 .. E - 1, as a factor on `training.lr`."""

from __future__ import annotations

from lightning_modules.level import LevelEntry, Option

_MODULE = "lightning_modules.optimization"
_WARMUP = Option("warmup", "int", 0, "epochs of linear growth before the full rate", minimum=0)

ENTRIES = (
    LevelEntry(
        axis="schedule",
        name="steps",
        equation="factor^k, k of 0.7 E, 0.8 E, 0.9 E passed before epoch e (of 70: from epochs 50, 57, 64)",
        source="S-ResNet (Vicente-Sola et al. 2022)",
        factory=f"{_MODULE}:Steps",
        options=(Option("factor", "float", 0.1, "what each step multiplies by", above=0, maximum=1), _WARMUP),
    ),
    LevelEntry(
        axis="schedule",
        name="cosine",
        equation="minimum + (1 - minimum) (1 + cos(pi e / E)) / 2",
        source="Loshchilov and Hutter 2017, SGDR without restarts",
        factory=f"{_MODULE}:Cosine",
        options=(Option("minimum", "float", 0.0, "factor at the end", minimum=0, maximum=1), _WARMUP),
    ),
    LevelEntry(
        axis="schedule",
        name="constant",
        equation="1",
        source="control",
        factory=f"{_MODULE}:Constant",
        options=(_WARMUP,),
    ),
)
