"""Residual blocks: how the branch a = SN(F(x)), F = conv-norm-SN-conv-norm, and the shortcut s become the output.

Facts: `shortcut` is what the level puts where the shape changes (None: it has no shortcut); `zero_init_residual`
whether the branch's last norm starts at 0; `branch_neuron` whether a neuron follows that norm alone; `sum_neuron`
whether one follows the sum with the shortcut; `binary` whether the equation is logic, defined on spikes only;
`starts_firing` whether zero-init also needs that norm's bias at 1 and a neuron that fires on it; `own_membrane` is
`own` where the level's neurons are its own, not the model's.
"""

from __future__ import annotations

from lightning_modules.level import LevelEntry, Option, Scalar

_MODULE = "lightning_modules.residual"
_SEW = "SEW-ResNet, Fang et al. 2021 (arXiv 2102.04159)"


def _facts(shortcut: str | None, **others: Scalar) -> dict[str, Scalar]:
    usual: dict[str, Scalar] = {"zero_init_residual": False, "branch_neuron": True, "binary": False}
    return {"shortcut": shortcut, **usual, **others}


ENTRIES = (
    LevelEntry(
        axis="residual",
        name="plain",
        equation="SN(F(x)), no shortcut",
        source="control of Fang et al. 2021 (arXiv 2102.04159)",
        factory=f"{_MODULE}:Plain",
        facts=_facts(None),
    ),
    LevelEntry(
        axis="residual",
        name="vanilla",
        equation="SN(F(x) + D(x)), added before the neuron",
        source="Spiking ResNet, in Fang et al. 2021 (arXiv 2102.04159)",
        factory=f"{_MODULE}:Vanilla",
        facts=_facts("conv_norm", zero_init_residual=True, branch_neuron=False, sum_neuron=True),
    ),
    LevelEntry(
        axis="residual",
        name="sew_add",
        equation="a + s; s is x, or SN(norm(conv(x))) where the shape changes",
        source=_SEW,
        factory=f"{_MODULE}:SewAdd",
        facts=_facts("conv_norm_sn"),
    ),
    LevelEntry(
        axis="residual",
        name="sew_and",
        equation="a s",
        source=_SEW,
        factory=f"{_MODULE}:SewAnd",
        facts=_facts("conv_norm_sn", binary=True, starts_firing=True),
    ),
    LevelEntry(
        axis="residual",
        name="sew_iand",
        equation="s (1 - a)",
        source=_SEW,
        factory=f"{_MODULE}:SewIand",
        facts=_facts("conv_norm_sn", binary=True),
    ),
    LevelEntry(
        axis="residual",
        name="or",
        equation="a + s - a s",
        source="OR residual, Shan et al. 2023 (arXiv 2311.06570)",
        factory=f"{_MODULE}:Or",
        facts=_facts("conv_norm_sn", binary=True),
    ),
    LevelEntry(
        axis="residual",
        name="ms",
        equation="norm conv SN(norm conv SN(x)) + D(x), no neuron after the sum; norm weights start at theta",
        source="MS-ResNet, Hu et al. 2021 (arXiv 2112.08954)",
        factory=f"{_MODULE}:MembraneShortcut",
        options=(
            Option(
                "membrane",
                "choice",
                "own",
                "own: lif, decay 0.25, theta 0.5, zero reset detached, rectangle; model: the model's neuron settings",
                choices=("own", "model"),
            ),
        ),
        facts=_facts("conv_norm", zero_init_residual=True, branch_neuron=False, own_membrane="option:membrane"),
    ),
    LevelEntry(
        axis="residual",
        name="sresnet",
        equation="a + s; s is x, or norm(conv(x)) without a neuron where the shape changes",
        source="S-ResNet, Vicente-Sola et al. 2022",
        factory=f"{_MODULE}:SResNet",
        facts=_facts("conv_norm"),
    ),
)
