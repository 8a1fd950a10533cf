"""Combinations of choices that make no sense, each with the reason. Nothing is built and torch is not imported.

One rule is one small function that returns a sentence or None; `check` gives the first that applies. A level that does
not state a fact (a plug-in's) is not refused for it.
"""

from __future__ import annotations

from collections.abc import Callable

from lightning_modules import catalogue
from lightning_modules.catalogue import fact
from lightning_modules.choices import DataChoices, ModelChoices, TrainingChoices
from lightning_modules.data import describe, entry

_MEMBRANE = ("neuron", "leak", "threshold", "reset", "detach_reset", "fire", "scale", "surrogate")
_RESET = ("reset", "detach_reset")
_FLOAT_BITS = 24


def check(model: ModelChoices, training: TrainingChoices, data: DataChoices) -> str | None:
    """Why this combination makes no sense, None if it does.

    Raises:
        ValueError: for an unknown data set or split.
    """
    for rule in MODEL_RULES:
        reason = rule(model)
        if reason is not None:
            return reason
    return (
        rate_penalty_needs_spikes(model, training)
        or recalibration_needs_statistics(model, training)
        or warm_up_ends(training)
        or encoding_suits_data(model, data)
        or augmentation_suits_data(data)
        or mixing_suits_data(data)
        or mixing_suits_loss(training, data)
        or shuffling_needs_frames(model, data)
    )


def warm_up_ends(training: TrainingChoices) -> str | None:
    warmup = catalogue.options("schedule", training.schedule).get("warmup")
    if not isinstance(warmup, int) or warmup < training.epochs:
        return None
    return f"a warm-up of {warmup} epochs leaves none of {training.epochs}"


def recalibration_needs_statistics(model: ModelChoices, training: TrainingChoices) -> str | None:
    if not training.recalibrate or fact("normalization", model.normalization, "batch") is not False:
        return None
    return f"normalization {model.normalization.name} keeps no statistics that could be recalibrated"


def psn_has_no_reset(model: ModelChoices) -> str | None:
    if fact("neuron", model.neuron, "reset") is not False:
        return None
    changed = _changed(model, _RESET)
    if changed is None or (changed == "reset" and model.reset == "none" and model.detach_reset):
        return None
    return f"{model.neuron.name} has no reset, so {changed} has no effect on it"


def neuron_allows_timesteps(model: ModelChoices) -> str | None:
    allowed = fact("neuron", model.neuron, "max_timesteps")
    if allowed is None or model.timesteps == allowed:
        return None
    return f"{model.neuron.name} is a control with timesteps {allowed}, not {model.timesteps}"


def control_uses_batch_norm(model: ModelChoices) -> str | None:
    if _spiking(model) or model.normalization.name == "bn":
        return None
    return f"{model.neuron.name} is the control of an ordinary network with bn, not {model.normalization.name}"


def membrane_norm_needs_membrane(model: ModelChoices) -> str | None:
    if not fact("normalization", model.normalization, "membrane") or fact("neuron", model.neuron, "reset") is not False:
        return None
    return f"{model.normalization.name} normalises a membrane, and {model.neuron.name} has none"


def groups_divide_channels(model: ModelChoices) -> str | None:
    groups = catalogue.options("normalization", model.normalization).get("groups")
    if not isinstance(groups, int) or model.width % groups == 0:
        return None
    return f"{groups} groups do not divide width {model.width}"


def input_reaches_membrane(model: ModelChoices) -> str | None:
    if _input_gain(model) > 0:
        return None
    return f"{model.neuron.name} with decay_input and leak 1 scales its input by 0"


def own_membrane_is_not_set(model: ModelChoices) -> str | None:
    changed = _changed(model, _MEMBRANE)
    if fact("residual", model.residual, "own_membrane") != "own" or changed is None:
        return None
    name = model.residual.name
    return (
        f"{name} brings its own membrane, so {changed} has no effect on it; {{name: {name}, membrane: model}} takes it"
    )


def shortcut_exists(model: ModelChoices) -> str | None:
    facts = catalogue.entry("residual", model.residual.name).facts
    if facts.get("shortcut", "unstated") is not None:
        return None
    if model.shortcut is not None:
        return f"{model.residual.name} has no shortcut, so {model.shortcut} has no effect on it"
    if model.zero_init_residual:
        return f"{model.residual.name} has no shortcut, so zero_init_residual would only silence it"
    return None


def logic_needs_spikes(model: ModelChoices) -> str | None:
    if not fact("residual", model.residual, "binary"):
        return None
    if not _spiking(model):
        return f"{model.residual.name} is logic on spikes, and {model.neuron.name} has none"
    if model.shortcut is not None and fact("shortcut", model.shortcut, "spiking") is False:
        return f"{model.residual.name} is logic on spikes, and a {model.shortcut.name} shortcut is real-valued"
    return None


def zero_init_needs_weight(model: ModelChoices) -> str | None:
    if not model.zero_init_residual or fact("normalization", model.normalization, "weight") is not False:
        return None
    return f"normalization {model.normalization.name} has no weight that zero_init_residual could set to 0"


def zeroed_branch_can_learn(model: ModelChoices) -> str | None:
    follows_alone = fact("residual", model.residual, "branch_neuron")
    if not _zero_init(model) or not follows_alone or fact("residual", model.residual, "starts_firing"):
        return None
    if model.neuron.name in ("klif", "relu"):
        return (
            f"zero_init_residual leaves {model.neuron.name} at 0, where its gradient is 0: the branch would never learn"
        )
    if not _out_of_reach_at_rest(model):
        return None
    return (
        f"zero_init_residual leaves {model.residual.name}'s neuron at rest, out of reach of the {model.surrogate.name} "
        "surrogate: the branch would never learn"
    )


def spikes_pass_a_zeroed_branch(model: ModelChoices) -> str | None:
    """With the branch at 0 the neuron after the sum sees only the shortcut's spikes; if it stays silent, all does."""
    follows_sum = fact("residual", model.residual, "sum_neuron") and _spiking(model)
    if not _zero_init(model) or not follows_sum or fact("normalization", model.normalization, "weight") is False:
        return None
    # What a normalised membrane does depends on the data; a wide surrogate reaches neurons that never fire.
    if fact("normalization", model.normalization, "membrane") or not _out_of_reach_at_rest(model):
        return None
    what = f"zero_init_residual leaves {model.residual.name}'s neurons with the shortcut's spikes alone"
    if fact("neuron", model.neuron, "fixed_timesteps"):
        return f"{what}, on which {model.neuron.name} starts silent: the network would never learn"
    peak = _input_gain(model) * sum(_leak(model) ** step for step in range(model.timesteps))
    if _fires(model, peak):
        return None
    return (
        f"{what}, which raise {model.neuron.name} to {peak:.3g} in timesteps {model.timesteps}, with threshold "
        f"{model.threshold:g} and fire {model.fire} not enough to fire: the network would never learn"
    )


def always_firing_branch_fires(model: ModelChoices) -> str | None:
    if not _zero_init(model) or not fact("residual", model.residual, "starts_firing"):
        return None
    name = model.residual.name
    if fact("normalization", model.normalization, "membrane"):
        return f"zero_init_residual of {name} sets a bias to 1, which {model.normalization.name} takes off the membrane"
    if fact("normalization", model.normalization, "bias") is False:
        return f"zero_init_residual of {name} sets a bias to 1, and this {model.normalization.name} has no bias"
    if fact("neuron", model.neuron, "fixed_timesteps"):
        return f"zero_init_residual of {name} needs a neuron that fires on a bias of 1; {model.neuron.name} mixes steps"
    gain = _input_gain(model)
    if _fires(model, gain):
        return None
    return (
        f"zero_init_residual of {name} sets a bias to 1, on which a neuron with threshold {model.threshold:g}, fire "
        f"{model.fire} and input gain {gain:g} stays silent"
    )


def latency_needs_steps(model: ModelChoices) -> str | None:
    if model.encoding.name != "latency" or model.timesteps > 1:
        return None
    return "latency with timesteps 1 fires every pixel at once and shows no image"


def phase_fits_timesteps(model: ModelChoices) -> str | None:
    if model.encoding.name != "phase":
        return None
    period = catalogue.options("encoding", model.encoding)["period"]
    if period is None and model.timesteps > _FLOAT_BITS:
        return f"phase with {model.timesteps} bits is finer than a float; give it a period up to {_FLOAT_BITS}"
    if isinstance(period, int) and period > model.timesteps:
        return f"phase with period {period} never shows its last bits in timesteps {model.timesteps}"
    return None


def spiking_readout_needs_spikes(model: ModelChoices) -> str | None:
    if not fact("readout", model.readout, "spiking") or _spiking(model):
        return None
    return f"{model.readout} reads spikes, and {model.neuron.name} has none"


def rate_penalty_needs_spikes(model: ModelChoices, training: TrainingChoices) -> str | None:
    if training.rate_weight == 0 or _spiking(model):
        return None
    return f"rate_weight penalises spikes, and {model.neuron.name} has none"


def encoding_suits_data(model: ModelChoices, data: DataChoices) -> str | None:
    holds = "events" if describe(data).kind == "events" else "images"
    takes = fact("encoding", model.encoding, "input")
    if takes is not None and takes != holds:
        fitting = [name for name, entry in catalogue.levels("encoding").items() if entry.facts.get("input") == holds]
        return f"encoding {model.encoding.name} is for {takes}, and {data.name} holds {holds}; {_one_of(fitting)} fits"
    if holds == "images" and _changed(model, ("frame_size",)):
        return f"frame_size is the size of event frames, and {data.name} holds images"
    return None


def augmentation_suits_data(data: DataChoices) -> str | None:
    facts = describe(data)
    here, other = ("events", "images") if facts.kind == "events" else ("images", "events")
    if fact("augment", data.augment, other):
        fitting = [name for name, entry in catalogue.levels("augment").items() if not entry.facts.get(other)]
        return f"{data.augment.name} augments {other}, and {data.name} holds {here}; {_one_of(fitting)} fits"
    if here == "events":
        return None
    white, stored = fact("augment", data.augment, "white"), entry(data.name).white
    if white is not None and white != stored:
        return f"{data.augment.name} changes pixels of {white} grey values, and {data.name} has {stored}"
    cutout, side = catalogue.options("augment", data.augment).get("cutout"), min(facts.shape[1:])
    if isinstance(cutout, int) and cutout >= side:
        return f"a cutout of {cutout} pixels can blank the images of {data.name}, which have {side}"
    return None


def shuffling_needs_frames(model: ModelChoices, data: DataChoices) -> str | None:
    if data.frame_order == "recorded":
        return None
    if describe(data).kind != "events":
        return f"frame_order {data.frame_order} permutes the frames of recordings, and {data.name} holds images"
    return "frame_order shuffled with timesteps 1 has one frame to permute" if model.timesteps == 1 else None


def mixing_suits_data(data: DataChoices) -> str | None:
    if describe(data).kind != "events" or not fact("mix", data.mix, "images"):
        return None
    return f"{data.mix.name} averages images, and {data.name} holds events, whose counts it would turn into fractions"


def mixing_suits_loss(training: TrainingChoices, data: DataChoices) -> str | None:
    """Unlike elsewhere, a loss that says nothing is refused: shares of classes would fail in the middle of a run."""
    if not fact("mix", data.mix, "soft") or fact("loss", training.loss, "soft_targets"):
        return None
    able = [name for name, entry in catalogue.levels("loss").items() if entry.facts.get("soft_targets")]
    return f"{data.mix.name} mixes labels, and loss {training.loss.name} takes one class a sample; {_one_of(able)} fits"


MODEL_RULES: tuple[Callable[[ModelChoices], str | None], ...] = (
    own_membrane_is_not_set,
    neuron_allows_timesteps,
    control_uses_batch_norm,
    psn_has_no_reset,
    membrane_norm_needs_membrane,
    groups_divide_channels,
    input_reaches_membrane,
    shortcut_exists,
    logic_needs_spikes,
    zero_init_needs_weight,
    zeroed_branch_can_learn,
    spikes_pass_a_zeroed_branch,
    always_firing_branch_fires,
    latency_needs_steps,
    phase_fits_timesteps,
    spiking_readout_needs_spikes,
)


def _changed(model: ModelChoices, fields: tuple[str, ...]) -> str | None:
    """The first of these fields that is not at its default."""
    return next((name for name in fields if getattr(model, name) != ModelChoices.model_fields[name].default), None)


def _one_of(names: list[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _spiking(model: ModelChoices) -> bool:
    return fact("neuron", model.neuron, "spiking") is not False


def _zero_init(model: ModelChoices) -> bool:
    default = fact("residual", model.residual, "zero_init_residual")
    return bool(default if model.zero_init_residual is None else model.zero_init_residual)


def _leak(model: ModelChoices) -> float:
    """The fraction of the membrane that a neuron keeps, in the beginning where it is learnt."""
    options = catalogue.options("neuron", model.neuron)
    tau = options.get("tau0") or options.get("tau")
    if isinstance(tau, int | float):
        return 1 - 1 / tau
    return 1.0 if fact("neuron", model.neuron, "leak") is False else model.leak


def _input_gain(model: ModelChoices) -> float:
    """What a neuron multiplies its input by."""
    return 1 - _leak(model) if catalogue.options("neuron", model.neuron).get("decay_input") else 1.0


def _fires(model: ModelChoices, membrane: float) -> bool:
    return membrane > model.threshold or (membrane == model.threshold and model.fire == "ge")


def _out_of_reach_at_rest(model: ModelChoices) -> bool:
    """Whether the surrogate gives a neuron without input no gradient: its |u| is not within the support."""
    support = fact("surrogate", model.surrogate, "support")
    centred_at_one = model.scale == "theta" or fact("neuron", model.neuron, "fixed_timesteps")
    return isinstance(support, int | float) and support <= (1.0 if centred_at_one else model.threshold)
