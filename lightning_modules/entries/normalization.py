"""Normalisations of a convolution's output over time.

Facts: `fixed_timesteps` levels hold one set of weights a step, so T cannot change at test time; `foldable` ones
become part of one weight tensor (or of the threshold) after training; `membrane` ones also normalise the membrane;
`batch` ones use statistics of the batch in training; `weight` and `bias` say what the affine map after the
normalisation has, and `bias` follows the option where there is one.
"""

from __future__ import annotations

from lightning_modules.level import LevelEntry, Option, Scalar

_MODULE = "lightning_modules.normalization"
_EPS = Option("eps", "float", 1e-5, "added to the variance", above=0)
_MOMENTUM = Option("momentum", "float", 0.1, "weight of the newest batch in the running statistics", above=0, maximum=1)


def _facts(**others: Scalar) -> dict[str, Scalar]:
    batch_norm: dict[str, Scalar] = {
        "fixed_timesteps": False,
        "foldable": True,
        "membrane": False,
        "batch": True,
        "weight": True,
        "bias": True,
    }
    return batch_norm | others


ENTRIES = (
    LevelEntry(
        axis="normalization",
        name="none",
        equation="x",
        source="control",
        factory=f"{_MODULE}:NoNorm",
        facts=_facts(batch=False, weight=False, bias=False),
    ),
    LevelEntry(
        axis="normalization",
        name="bn",
        equation="gamma (x - mu) / sigma + beta, statistics over T, N, H, W",
        source="Ioffe & Szegedy 2015, layer by layer over all steps",
        factory=f"{_MODULE}:BatchNorm",
        options=(_EPS, _MOMENTUM),
        facts=_facts(),
    ),
    LevelEntry(
        axis="normalization",
        name="bn_step",
        equation="gamma (x_t - mu_t) / sigma_t + beta, statistics over N, H, W; one running mean and variance",
        source="Ioffe & Szegedy 2015, step by step",
        factory=f"{_MODULE}:StepBatchNorm",
        options=(_EPS, _MOMENTUM),
        facts=_facts(),
    ),
    LevelEntry(
        axis="normalization",
        name="bntt",
        equation="gamma_t (x_t - mu_t) / sigma_t + beta_t, everything per step",
        source="Kim & Panda 2020 (no bias); S-ResNet (bias on all, eps 1e-4)",
        factory=f"{_MODULE}:BatchNormThroughTime",
        options=(
            Option("bias", "choice", False, "learn beta_t; main_only: not on shortcuts", (False, True, "main_only")),
            Option("eps", "float", 1e-4, "added to the variance", above=0),
            _MOMENTUM,
        ),
        facts=_facts(fixed_timesteps=True, foldable=False, bias="option:bias"),
    ),
    LevelEntry(
        axis="normalization",
        name="tdbn",
        equation="gamma alpha theta (x - mu) / sigma + beta over T, N, H, W; alpha 1, or 1/sqrt(2) on added branches",
        source="Zheng et al. 2021 (arXiv 2011.05280)",
        factory=f"{_MODULE}:ThresholdBatchNorm",
        options=(
            Option(
                "factor",
                "choice",
                "constant",
                "alpha theta as a constant, or as the initial gamma, where weight decay acts on it",
                ("constant", "initial_gamma"),
            ),
            _EPS,
            _MOMENTUM,
        ),
        facts=_facts(),
    ),
    LevelEntry(
        axis="normalization",
        name="tebn",
        equation="k_t (gamma (x - mu) / sigma + beta), statistics over T, N, H, W, k_t learned from 1",
        source="Duan et al. 2022",
        factory=f"{_MODULE}:TemporalEffectiveBatchNorm",
        options=(_EPS, _MOMENTUM),
        facts=_facts(fixed_timesteps=True, foldable=False),
    ),
    LevelEntry(
        axis="normalization",
        name="mpbn",
        equation="bn, and every hidden neuron fires on BN(v_t); the membrane v_t is carried without it",
        source="Guo et al. 2023 (arXiv 2308.08359)",
        factory=f"{_MODULE}:MembraneBatchNorm",
        options=(Option("carry", "bool", False, "carry the normalised membrane instead"), _EPS, _MOMENTUM),
        facts=_facts(membrane=True),
    ),
    LevelEntry(
        axis="normalization",
        name="psp",
        equation="gamma x / sqrt(E[x^2] + eps) + beta, no mean subtracted",
        source="Ikegawa et al. 2022 (arXiv 2203.01544)",
        factory=f"{_MODULE}:SecondMomentNorm",
        options=(_EPS, _MOMENTUM),
        facts=_facts(),
    ),
    LevelEntry(
        axis="normalization",
        name="layer",
        equation="gamma (x - mu) / sigma + beta, statistics of one sample and step over C, H, W",
        source="Ba et al. 2016; batch-free control",
        factory=f"{_MODULE}:LayerNorm",
        options=(_EPS,),
        facts=_facts(foldable=False, batch=False),
    ),
    LevelEntry(
        axis="normalization",
        name="group",
        equation="gamma (x - mu) / sigma + beta, statistics of one sample and step over a group of channels, H, W",
        source="Wu & He 2018; batch-free control",
        factory=f"{_MODULE}:GroupNorm",
        options=(Option("groups", "int", 4, "groups of channels; must divide them", minimum=1), _EPS),
        facts=_facts(foldable=False, batch=False),
    ),
)
