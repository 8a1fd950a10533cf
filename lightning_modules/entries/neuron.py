"""Neurons: what turns an input current over time into spikes.

Facts: `spiking` (relu is the control without spikes); `reset` (whether the setting `reset` means anything);
`leak` (whether `leak` does); `fixed_timesteps` (T is baked into the weights); `sees_future` (step t depends on steps
behind it, so that no output can be read before the last); `max_timesteps` (the only T it allows).
"""

from __future__ import annotations

from lightning_modules.level import LevelEntry, Option

_MODULE = "lightning_modules.neuron"
_TAU = Option("tau", "float", None, "time constant; replaces the leak by 1 - 1/tau", minimum=1)
_DECAY_INPUT = Option("decay_input", "bool", False, "scale the input by 1/tau")

ENTRIES = (
    LevelEntry(
        axis="neuron",
        name="if",
        equation="v_t = v_{t-1} + x_t; s_t = 1[v_t > theta]",
        source="integrate and fire",
        factory=f"{_MODULE}:IF",
        facts={"spiking": True, "reset": True, "leak": False, "fixed_timesteps": False},
    ),
    LevelEntry(
        axis="neuron",
        name="lif",
        equation="v_t = lambda v_{t-1} + x_t (decay_input: (1 - lambda) x_t); s_t = 1[v_t > theta]; lambda = 1 - 1/tau",
        source="leaky integrate and fire; S-ResNet (Vicente-Sola et al. 2022), which does not scale the input",
        factory=f"{_MODULE}:LIF",
        options=(_TAU, _DECAY_INPUT),
        facts={"spiking": True, "reset": True, "leak": True, "fixed_timesteps": False},
    ),
    LevelEntry(
        axis="neuron",
        name="plif",
        equation="lif with 1/tau = sigmoid(w), one learned w a layer from -ln(tau0 - 1)",
        source="Fang et al. 2021, PLIF",
        factory=f"{_MODULE}:PLIF",
        options=(
            Option("tau0", "float", 2.0, "initial time constant", above=1),
            Option("decay_input", "bool", True, "scale the input by 1/tau"),
        ),
        facts={"spiking": True, "reset": True, "leak": False, "fixed_timesteps": False},
    ),
    LevelEntry(
        axis="neuron",
        name="klif",
        equation="lif whose membrane is replaced by ReLU(k v_t) before firing and reset, one learned k a layer from 1",
        source="Jiang & Zhang 2023, KLIF",
        factory=f"{_MODULE}:KLIF",
        options=(_TAU, _DECAY_INPUT),
        facts={"spiking": True, "reset": True, "leak": True, "fixed_timesteps": False},
    ),
    LevelEntry(
        axis="neuron",
        name="alif",
        equation="lif with threshold theta + beta a_{t-1}; a_t = rho a_{t-1} + (1 - rho) s_t",
        source="Bellec et al. 2018, adaptive threshold",
        factory=f"{_MODULE}:ALIF",
        options=(
            Option("beta", "float", 1.8, "how far a full adaptation raises the threshold", minimum=0),
            Option("rho", "float", 0.9, "adaptation kept from one step to the next", minimum=0, below=1),
            _TAU,
            _DECAY_INPUT,
        ),
        facts={"spiking": True, "reset": True, "leak": True, "fixed_timesteps": False},
    ),
    LevelEntry(
        axis="neuron",
        name="psn",
        equation="s = 1[W x + b > 0], W a learned T x T (sees future steps), b of length T from -1; no reset",
        source="Fang et al. 2023, PSN",
        factory=f"{_MODULE}:PSN",
        facts={"spiking": True, "reset": False, "leak": False, "fixed_timesteps": True, "sees_future": True},
    ),
    LevelEntry(
        axis="neuron",
        name="masked_psn",
        equation="psn with W lower triangular: step t sees the last `order` steps up to t",
        source="Fang et al. 2023, masked PSN (mask fixed from the start)",
        factory=f"{_MODULE}:MaskedPSN",
        options=(Option("order", "int", None, "steps seen, the present one included; all when unset", minimum=1),),
        facts={"spiking": True, "reset": False, "leak": False, "fixed_timesteps": True},
    ),
    LevelEntry(
        axis="neuron",
        name="relu",
        equation="max(0, x); one step, no spikes",
        source="control without spikes",
        factory=f"{_MODULE}:ReLU",
        facts={"spiking": False, "reset": False, "leak": False, "fixed_timesteps": False, "max_timesteps": 1},
    ),
)
