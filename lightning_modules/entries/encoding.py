"""Encodings: how an image `[N, C, H, W]`, or the recording of an event camera, becomes the input of every step.

Facts: `input` is what is encoded, `images` or `events`; `input_range` is what the data module must deliver
(`normalized` by mean and deviation, `unit` for [0, 1], or `counts`: frames as they were made of the events);
`stochastic` encoders need uniform noise; `binary` ones emit spikes in {0, 1} only, with default options;
`static` ones show every step the same input.
"""

from __future__ import annotations

from lightning_modules.level import LevelEntry, Option, Scalar

_MODULE = "lightning_modules.encoding"
_FRAMES = "lightning_modules.frames"
_EVENTS: dict[str, Scalar] = {
    "input": "events",
    "input_range": "counts",
    "stochastic": False,
    "binary": False,
    "static": False,
}
_REMAINDER = Option(
    "remainder",
    "choice",
    "drop",
    "what T does not divide: left out, as by tonic, or counted in the last frame, as by SpikingJelly",
    choices=("drop", "last"),
)

ENTRIES = (
    LevelEntry(
        axis="encoding",
        name="direct",
        equation="x_t = x; the first convolution and neuron learn the code",
        source="Rueckauer et al. 2017; the default of S-ResNet (Vicente-Sola et al. 2022)",
        factory=f"{_MODULE}:Direct",
        facts={"input": "images", "input_range": "normalized", "stochastic": False, "binary": False, "static": True},
    ),
    LevelEntry(
        axis="encoding",
        name="poisson",
        equation="x_t = 1[U_t <= x], U_t uniform in [0, 1)",
        source="rate coding; Vicente-Sola et al. 2022",
        factory=f"{_MODULE}:Poisson",
        facts={"input": "images", "input_range": "unit", "stochastic": True, "binary": True, "static": False},
    ),
    LevelEntry(
        axis="encoding",
        name="poisson_signed",
        equation="x_t = sign(x) 1[2 U_t <= |x|], U_t uniform in [0, 1)",
        source="S-ResNet, released code (Vicente-Sola et al. 2022)",
        factory=f"{_MODULE}:PoissonSigned",
        facts={"input": "images", "input_range": "normalized", "stochastic": True, "binary": False, "static": False},
    ),
    LevelEntry(
        axis="encoding",
        name="latency",
        equation="one spike, at t = round((T-1)(1-x)), or round((T-1) - ln(a x + 1)) with a = e^(T-1) - 1",
        source="time to first spike; SpikingJelly (Fang et al. 2023)",
        factory=f"{_MODULE}:Latency",
        options=(
            Option("form", "choice", "linear", "how the spike time depends on the value", choices=("linear", "log")),
            Option("drop_zero", "bool", False, "a value of 0 stays silent instead of firing at the last step"),
        ),
        facts={"input": "images", "input_range": "unit", "stochastic": False, "binary": True, "static": False},
    ),
    LevelEntry(
        axis="encoding",
        name="phase",
        equation="x_t = bit (t mod K) + 1 of the binary expansion of min(x, 1 - 2^-K), most significant first",
        source="Kim et al. 2018, weighted spikes; SpikingJelly (Fang et al. 2023)",
        factory=f"{_MODULE}:Phase",
        options=(
            Option("period", "int", None, "bits K of the expansion; T when unset", minimum=1, maximum=24),
            Option("weighted", "bool", False, "multiply each bit by its value 2^-((t mod K) + 1)"),
        ),
        facts={"input": "images", "input_range": "unit", "stochastic": False, "binary": True, "static": False},
    ),
    LevelEntry(
        axis="encoding",
        name="event_count",
        equation="T frames of equal event count, of floor(n/T) events each; a pixel counts its events, by polarity",
        source="S-ResNet (Vicente-Sola et al. 2022); tonic ToFrame(n_event_bins=T)",
        factory=f"{_FRAMES}:EventCount",
        options=(_REMAINDER,),
        facts=_EVENTS,
    ),
    LevelEntry(
        axis="encoding",
        name="time",
        equation="T frames of equal duration, of floor((t_n - t_1)/T) us each; a pixel counts its events, by polarity",
        source="tonic ToFrame(n_time_bins=T)",
        factory=f"{_FRAMES}:EqualTime",
        options=(_REMAINDER,),
        facts=_EVENTS,
    ),
    LevelEntry(
        axis="encoding",
        name="voxel",
        equation="sum of max(0, 1 - |k - (T-1)(t - t_1)/(t_n - t_1)|) over the events of a pixel and polarity, k < T",
        source="voxel grid, bilinear in time: Zhu et al. 2019 (1812.08156), polarities apart",
        factory=f"{_FRAMES}:Voxel",
        facts=_EVENTS,
    ),
)
