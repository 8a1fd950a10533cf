"""Surrogate gradients g(u), u centred on the threshold (v - theta, or v/theta - 1).

Fact: `support` is the half-width outside of which g is zero: a number, the option that holds it, or None.
"""

from __future__ import annotations

from lightning_modules.level import LevelEntry, Option

_MODULE = "lightning_modules.surrogate"

ENTRIES = (
    LevelEntry(
        axis="surrogate",
        name="triangle",
        equation="gamma max(0, 1 - |u| / width)",
        source="Bellec et al. 2018; S-ResNet with gamma 0.3, width 1",
        factory=f"{_MODULE}:Triangle",
        options=(
            Option("gamma", "float", 0.3, "height", above=0),
            Option("width", "float", 1.0, "half-width of the base", above=0),
        ),
        facts={"support": "option:width"},
    ),
    LevelEntry(
        axis="surrogate",
        name="rectangle",
        equation="1[|u| < a] / (2a)",
        source="Wu et al. 2018, STBP; MS-ResNet",
        factory=f"{_MODULE}:Rectangle",
        options=(Option("a", "float", 0.5, "half-width", above=0),),
        facts={"support": "option:a"},
    ),
    LevelEntry(
        axis="surrogate",
        name="atan",
        equation="alpha / (2 (1 + (pi alpha u / 2)^2))",
        source="Fang et al. 2021, PLIF",
        factory=f"{_MODULE}:ATan",
        options=(Option("alpha", "float", 2.0, "steepness", above=0),),
        facts={"support": None},
    ),
    LevelEntry(
        axis="surrogate",
        name="sigmoid",
        equation="alpha s (1 - s), s = sigmoid(alpha u)",
        source="Zenke & Ganguli 2018; SpikingJelly (Fang et al. 2023)",
        factory=f"{_MODULE}:Sigmoid",
        options=(Option("alpha", "float", 4.0, "steepness", above=0),),
        facts={"support": None},
    ),
    LevelEntry(
        axis="surrogate",
        name="fast_sigmoid",
        equation="1 / (1 + k |u|)^2",
        source="Zenke & Ganguli 2018, SuperSpike",
        factory=f"{_MODULE}:FastSigmoid",
        options=(Option("k", "float", 25.0, "steepness", above=0),),
        facts={"support": None},
    ),
)
