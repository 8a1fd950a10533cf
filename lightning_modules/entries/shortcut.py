"""Shortcuts where a block changes the shape; elsewhere a shortcut is the identity.

Fact: `spiking` shortcuts end in a neuron, so that what they add is binary.
"""

from __future__ import annotations

from lightning_modules.level import LevelEntry

_MODULE = "lightning_modules.shortcut"

ENTRIES = (
    LevelEntry(
        axis="shortcut",
        name="conv_norm",
        equation="norm(conv1x1(x)), real-valued",
        source="He et al. 2016; S-ResNet (Vicente-Sola et al. 2022), MS-ResNet (Hu et al. 2021)",
        factory=f"{_MODULE}:ConvNorm",
        facts={"spiking": False},
    ),
    LevelEntry(
        axis="shortcut",
        name="conv_norm_sn",
        equation="SN(norm(conv1x1(x)))",
        source="SEW-ResNet, Fang et al. 2021 (arXiv 2102.04159)",
        factory=f"{_MODULE}:ConvNormSN",
        facts={"spiking": True},
    ),
    LevelEntry(
        axis="shortcut",
        name="sn_conv_norm",
        equation="norm(conv1x1(SN(x))), real-valued",
        source="pre-activation order, after He et al. 2016, Identity Mappings",
        factory=f"{_MODULE}:SNConvNorm",
        facts={"spiking": False},
    ),
    LevelEntry(
        axis="shortcut",
        name="avgpool_conv_norm",
        equation="norm(conv1x1(mean of each 2 x 2 square of x)), real-valued",
        source="ResNet-D, He et al. 2019, Bag of Tricks",
        factory=f"{_MODULE}:AvgPoolConvNorm",
        facts={"spiking": False},
    ),
)
