"""Mixing of training samples: pairs within a batch, with the shares of both labels as the target.

l is drawn once a batch from Beta(alpha, alpha), the partners are a permutation of the batch; both depend on (seed,
epoch, batch) alone. Facts: `images` levels make values between those of two samples, which counts of events cannot be.
"""

from __future__ import annotations

from lightning_modules.level import LevelEntry, Option

_MODULE = "lightning_modules.data.mixing"
_ALPHA = Option("alpha", "float", 1.0, "of Beta(alpha, alpha); small values mix little", above=0)

ENTRIES = (
    LevelEntry(
        axis="mix",
        name="none",
        equation="every sample by itself",
        source="control; the published setting (Vicente-Sola et al. 2022)",
        factory=f"{_MODULE}:Unmixed",
        facts={"images": False, "soft": False},
    ),
    LevelEntry(
        axis="mix",
        name="mixup",
        equation="x = l x_a + (1 - l) x_b, y = l y_a + (1 - l) y_b, l from Beta(alpha, alpha)",
        source="Zhang et al. 2018 (arXiv 1710.09412); alpha 1 for CIFAR",
        factory=f"{_MODULE}:MixUp",
        options=(_ALPHA,),
        facts={"images": True, "soft": True},
    ),
    LevelEntry(
        axis="mix",
        name="cutmix",
        equation="a box of x_b, sides sqrt(1 - l) of x_a's, clipped; y = l' y_a + (1 - l') y_b, 1 - l' the box's share",
        source="Yun et al. 2019 (arXiv 1905.04899); alpha 1, for CIFAR half of the batches",
        factory=f"{_MODULE}:CutMix",
        options=(
            _ALPHA,
            Option("probability", "float", 1.0, "share of the batches that are mixed", above=0, maximum=1),
        ),
        facts={"images": False, "soft": True},
    ),
)
