"""The typed choices that define a network and its training: the sections `data`, `model`, `training` of a study file.

Defaults are the published settings of S-ResNet38 (Vicente-Sola et al. 2022). A field at its default is left out of
a cell's identity, so a default is part of the contract: changing one changes what old runs mean. Torch is not imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from lightning_modules import catalogue
from lightning_modules.level import Level


class Choices(BaseModel):
    """A frozen section: unknown keys are errors, values are never coerced from one type to another silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class LevelOf:
    """Marks a field as a level of `axis`: accepts a name or a mapping, holds a `Level`, prints the plain spelling.

    An `optional` field also accepts null, which leaves the choice to another level.
    """

    axis: str
    optional: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: None if value is None and self.optional else catalogue.resolve(self.axis, value),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda level: None if level is None else level.plain()
            ),
        )


Count = Annotated[int, Field(strict=True, ge=1)]
Switch = Annotated[bool, Field(strict=True)]


class ModelChoices(Choices):
    """One network of the S-ResNet family."""

    depth: Count = 6
    """Blocks a stage: the network has 6 depth + 2 layers."""
    width: Count = 32
    """Channels of the first stage; the others have twice and four times as many."""
    match_parameters: Count | None = None
    """Choose the width so that the network has as nearly as possible this many parameters; `width` is then unused."""
    timesteps: Count = 50
    residual: Annotated[Level, LevelOf("residual")] = Level("sresnet")
    shortcut: Annotated[Level | None, LevelOf("shortcut", optional=True)] = None
    """What stands in the shortcut where a block changes the shape; null is the residual's own."""
    zero_init_residual: Switch | None = None
    """Whether the last norm of each branch starts at 0; null is the residual's own."""
    encoding: Annotated[Level, LevelOf("encoding")] = Level("direct")
    normalization: Annotated[Level, LevelOf("normalization")] = Level("bntt")
    neuron: Annotated[Level, LevelOf("neuron")] = Level("lif")
    leak: Annotated[float, Field(ge=0, le=1)] = 0.8744
    """Fraction of the membrane kept from one step to the next."""
    threshold: Annotated[float, Field(gt=0)] = 1.0
    reset: Literal["subtract", "zero", "none"] = "subtract"
    detach_reset: Switch = True
    fire: Literal["gt", "ge"] = "gt"
    """Whether a membrane exactly on the threshold stays silent (`gt`) or fires (`ge`)."""
    scale: Literal["theta", "none"] = "theta"
    """Argument of the surrogate: v/theta - 1 (`theta`) or v - theta (`none`)."""
    surrogate: Annotated[Level, LevelOf("surrogate")] = Level("triangle")
    readout: Annotated[Level, LevelOf("readout")] = Level("mean_membrane")
    initialization: Annotated[Level, LevelOf("initialization")] = Level("xavier")
    frame_size: Count = 64
    """Height and width that event frames are resized to; images keep theirs."""


class TrainingChoices(Choices):
    """How a network is trained."""

    epochs: Count = 70
    optimizer: Annotated[Level, LevelOf("optimizer")] = Level("sgd")
    lr: Annotated[float, Field(gt=0)] = 0.026844
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    schedule: Annotated[Level, LevelOf("schedule")] = Level("steps")
    loss: Annotated[Level, LevelOf("loss")] = Level("cross_entropy")
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    rate_weight: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the firing-rate penalty added to the loss: of the mean spikes per neuron per timestep."""
    precision: Literal["32-true", "tf32", "bf16-mixed"] = "32-true"
    """Of convolutions and the head; membranes, statistics and loss stay float32. `tf32` needs a CUDA GPU."""
    recalibrate: Switch = False
    """Whether normalisation statistics come from a pass through the training data before each evaluation."""
    checkpoint_activations: Switch = False
    """Whether the backward pass computes the inside of each block once more instead of keeping it: less memory, more
    time, the same values, so no part of a cell's identity."""
    stack_seeds: Count = 1
    """How many seeds of a cell are trained at once as one network: how fast, not what, so no part of its identity."""


class DataChoices(Choices):
    """Which data, cut how, fed how."""

    name: str
    split: str | None = None
    """Named split; None is the data set's default."""
    subset: Count | None = None
    """The first N images of the official training order instead of all; the test images stay all."""
    resolution: Count | None = None
    """Pixels along the longer side of event frames, a whole part of the sensor's; null is the sensor's own."""
    frame_order: Literal["recorded", "shuffled"] = "recorded"
    """`shuffled` permutes the frames of every recording, each in a way of its own, in training and evaluation: the
    control that tells whether a network uses order in time."""
    augment: Annotated[Level, LevelOf("augment")] = Level("none")
    """What is done to training images; `standard` is the published setting for CIFAR."""
    mix: Annotated[Level, LevelOf("mix")] = Level("none")
    """Whether training samples are mixed in pairs, with their labels."""
    batch_size: Count = 21
    root: str | None = None
    """Folder with the data set's files; not part of a cell's identity."""
