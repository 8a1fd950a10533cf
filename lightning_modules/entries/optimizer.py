"""Optimisers; learning rate and weight decay are choices of their own (`training.lr`, `training.weight_decay`)."""

from __future__ import annotations

from lightning_modules.level import LevelEntry, Option

_MODULE = "lightning_modules.optimization"
_BETAS = (
    Option("beta1", "float", 0.9, "decay of the mean gradient", minimum=0, below=1),
    Option("beta2", "float", 0.999, "decay of the mean squared gradient", minimum=0, below=1),
)

ENTRIES = (
    LevelEntry(
        axis="optimizer",
        name="sgd",
        equation="m <- momentum m + g + wd w; w <- w - lr m",
        source="S-ResNet (Vicente-Sola et al. 2022)",
        factory=f"{_MODULE}:sgd",
        options=(Option("momentum", "float", 0.9, minimum=0, below=1),),
    ),
    LevelEntry(
        axis="optimizer",
        name="adam",
        equation="w <- w - lr m / (sqrt(v) + 1e-8), weight decay in the gradient",
        source="Kingma and Ba 2015",
        factory=f"{_MODULE}:adam",
        options=_BETAS,
    ),
    LevelEntry(
        axis="optimizer",
        name="adamw",
        equation="w <- (1 - lr wd) w - lr m / (sqrt(v) + 1e-8)",
        source="Loshchilov and Hutter 2019",
        factory=f"{_MODULE}:adamw",
        options=_BETAS,
    ),
)
