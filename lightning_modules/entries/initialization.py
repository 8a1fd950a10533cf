"""Initial weights of every convolution and linear layer; norms and neurons start at constants of their own."""

from __future__ import annotations

from lightning_modules.level import LevelEntry, Option

_MODULE = "lightning_modules.initialization"

ENTRIES = (
    LevelEntry(
        axis="initialization",
        name="xavier",
        equation="uniform in +-gain sqrt(6 / (fan_in + fan_out))",
        source="Glorot & Bengio 2010; S-ResNet with gain 2 (Vicente-Sola et al. 2022)",
        factory=f"{_MODULE}:Xavier",
        options=(Option("gain", "float", 2.0, "factor on the deviation", above=0),),
    ),
    LevelEntry(
        axis="initialization",
        name="kaiming",
        equation="normal with deviation sqrt(2 / fan)",
        source="He et al. 2015",
        factory=f"{_MODULE}:Kaiming",
        options=(
            Option("fan", "choice", "in", "connections that count: into or out of a unit", choices=("in", "out")),
        ),
    ),
)
