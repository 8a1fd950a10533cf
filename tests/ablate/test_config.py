"""Validation of study files: what is accepted, and the one line for what is not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ablate import axes, baseline, config, design, identity, study_file
from ablate.errors import RequestError
from lightning_modules import data


@pytest.mark.parametrize("name", sorted(study_file.packaged()))
def test_every_packaged_study_is_valid_and_survives_being_written(name: str) -> None:
    study = config.load(name)

    assert config.parse(study.plain()) == study


def test_every_field_is_declared_identity_or_execution_and_not_both() -> None:
    declared = identity.IDENTITY | identity.EXECUTION
    fields = {f"{section}.{name}" for section, model in baseline.SECTIONS.items() for name in model.model_fields}

    assert declared == fields
    assert not identity.IDENTITY & identity.EXECUTION


def test_axes_of_plain_values_are_described_in_words() -> None:
    plain = axes.plain_axes()

    assert plain["timesteps"] == "an integer, >= 1; default 50"
    assert plain["match_parameters"] == "an integer, >= 1, or null; default null"
    assert plain["zero_init_residual"] == "true or false, or null; default null"
    assert plain["reset"] == "subtract, zero, none; default subtract"


def test_the_baselines_own_level_always_belongs_to_the_axis() -> None:
    study = config.load("quickstart", ["axes.residual=[plain]"])

    axis = study.axis("residual")
    assert axis is not None
    assert [level.label for level in axis.levels] == ["plain", "sresnet"]
    assert axis.reference == "sresnet"


def test_an_axis_may_be_named_by_its_path() -> None:
    study = config.load("quickstart", ["axes={model.timesteps: [2, 8]}"])

    assert [(axis.name, axis.path) for axis in study.axes] == [("timesteps", "model.timesteps")]


def test_two_spellings_of_one_level_are_one_level() -> None:
    study = config.load("quickstart", ["axes={encoding: [latency, {name: latency, form: linear}, direct]}"])

    assert [level.label for level in study.axes[0].levels] == ["latency", "direct"]


def test_options_are_printed_with_the_level() -> None:
    study = config.load("quickstart", ["axes={encoding: [{name: latency, form: log}]}"])

    assert [level.label for level in study.axes[0].levels] == ["latency(form=log)", "direct"]


def test_a_composite_axis_bundles_settings_and_the_baseline_is_one_of_its_levels() -> None:
    study = config.load("quickstart", ["axes={recipe: {modern: {model.normalization: tebn, training.lr: 0.1}}}"])

    axis = study.axes[0]
    assert [level.label for level in axis.levels] == ["modern", "baseline"]
    assert axis.reference == "baseline"


def test_paper_compat_means_the_released_codes_normalisation() -> None:
    released = config.load("quickstart", ["baseline.protocol=paper_compat"]).baseline.model.normalization
    sound = config.load("quickstart").baseline.model.normalization

    assert (str(released), str(sound)) == ("bntt(bias=true)", "bntt")


@pytest.mark.parametrize(
    ("name", "split", "train"),
    [
        ("cifar10", "cifar10-all-v1", 50_000),
        ("cifar100", "cifar100-all-v1", 50_000),
        ("cifar10dvs", "front90-all", 9_000),
    ],
)
def test_paper_compat_trains_on_all_that_released_code_trains_on(name: str, split: str, train: int) -> None:
    released = config.load(name, ["baseline.protocol=paper_compat"])
    facts = data.describe(released.baseline.data)
    assert (facts.split, facts.train, facts.validation) == (split, train, 0)
    assert config.parse(released.plain()) == released
    chosen = next(iter(data.entry(name).splits))
    kept = config.load(name, ["baseline.protocol=paper_compat", f"data.split={chosen}"])
    assert data.describe(kept.baseline.data).split == chosen
    assert data.describe(config.load(name).baseline.data).split == chosen


def test_paper_compat_takes_the_split_of_a_subset_and_of_data_without_another() -> None:
    for name in ("cifar10_small", "quickstart"):
        released, sound = config.load(name, ["baseline.protocol=paper_compat"]), config.load(name)
        assert data.describe(released.baseline.data) == data.describe(sound.baseline.data)


def test_a_split_without_validation_is_refused_where_epochs_are_chosen_on_it() -> None:
    with pytest.raises(RequestError) as refusal:
        config.load("cifar10", ["data.split=cifar10-all-v1"])
    assert str(refusal.value) == (
        "data.split: 'cifar10-all-v1' has no validation part, on which protocol sound chooses; take cifar10-v1, or "
        "protocol: paper_compat, which chooses on test"
    )


def test_paper_compat_leaves_a_normalisation_alone_that_the_file_spells_out() -> None:
    axes = "axes={normalization: [bn, bntt, {name: bntt, bias: false}], recipe: {slow: {training.lr: 0.001}}}"
    study = config.load("quickstart", ["baseline.protocol=paper_compat", axes])
    chosen = config.load(
        "quickstart",
        ["baseline.protocol=paper_compat", "model.normalization={name: bntt, bias: false}", "axes={timesteps: [2]}"],
    )

    assert [level.label for level in study.axes[0].levels] == ["bn", "bntt(bias=true)", "bntt"]
    cells = {cell.label: cell.config["model"]["normalization"] for cell in design.plan(study).cells}
    assert cells["normalization=bntt"] == "bntt"
    assert cells["recipe=slow"] == {"name": "bntt", "bias": True}
    assert {str(cell.config["model"]["normalization"]) for cell in design.plan(chosen).cells} == {"bntt"}
    assert config.parse(chosen.plain()).baseline == chosen.baseline


@pytest.mark.parametrize(
    ("override", "line"),
    [
        (
            "axes.residual=[sew_ad]",
            "axes.residual: 'sew_ad' is not a level of residual; did you mean 'sew_add'? Levels: plain, vanilla, "
            "sew_add, sew_and, sew_iand, or, ms, sresnet (see: ablate axes residual)",
        ),
        (
            "baseline.model.timesteps=0",
            "baseline.model.timesteps: 0 is too small; an integer of at least 1 is needed",
        ),
        ("training.lr=-1", "baseline.training.lr: -1 is too small; a number above 0 is needed"),
        ("training.lr=true", "baseline.training.lr: True is not a number"),
        ("training.epochs=2.5", "baseline.training.epochs: 2.5 is not an integer"),
        ("data.name=digit", "baseline.data.name: 'digit' is not a data set; did you mean 'digits'? one of"),
        ("model.timestep=3", "baseline.model.timestep: there is no such key; did you mean 'timesteps'? keys here:"),
        ("branch=x", "branch: there is no such key; keys here: name, design, seeds"),
        ("objective.margin=1", "objective.margin: 1 is too large; accuracies are fractions, one point is 0.01"),
        ("sed=3", "sed: there is no such key; did you mean 'seeds'? keys here: name, design, seeds"),
        ("axes={residul: [plain]}", "axes.residul: not an axis; did you mean 'residual'?"),
        ("axes.residual=[on]", "axes.residual: true is a YAML boolean where a level of residual belongs; quote"),
        ("tracking.project=a/b", "tracking.project: 'a/b' is no name in Weights & Biases; 1 to 128"),
        ("tracking.entity=''", "tracking.entity: '' is no name in Weights & Biases"),
        ("tracking.mode=off", "tracking.mode: False is not accepted; one of 'online', 'offline', 'disabled'; quote"),
        ("axes.encoding=[{name: latency, forms: log}]", "axes.encoding: 'forms' is not an option of latency; did you"),
        ("axes={data.root: [a]}", "axes.data.root: says where a run happens, not what it is"),
        ("axes={data.name: [digits]}", "axes.data.name: results on different data never meet in one table"),
        ("seeds=0", "seeds: 0 is too small"),
        ("seeds=1000000000", "seeds: 1000000000 is too large; an integer of at most 10000 is needed"),
        ("axes={recipe: {on: {training.lr: 0.1}}}", "axes.recipe: true is a YAML boolean where the name of a level"),
        ('axes={recipe: {"": {training.lr: 0.1}}}', "axes.recipe: '' is not the name of a level"),
        ('axes={recipe: {"\\e[31mred": {training.lr: 0.1}}}', "axes.recipe: '\\x1b[31mred' is not the name of a level"),
        ("seeds=[3,-1]", "seeds: -1 is too small; a seed is 0 or more"),
        ("seeds=[1,1]", "seeds: [1, 1] is not a list of distinct seeds"),
        ("name=off", "name: false is a YAML boolean where a text belongs; quote it"),
        ("axes={on: [1]}", "axes: true is a YAML boolean where a text belongs; quote it"),
        ("name=../x", "name: '../x' is not a study name"),
        ("plugins=[nowhere_to_be_found]", "plugins: 'nowhere_to_be_found' cannot be imported: ModuleNotFoundError"),
        ("exclude=[{when: {residul: plain}, because: x}]", "exclude[0].when.residul: not an axis; did you mean"),
        (
            "exclude=[{when: {residual: plan}, because: x}]",
            "exclude[0].when.residual: 'plan' is not a level of residual",
        ),
    ],
)
def test_a_mistake_gets_one_line_with_field_value_and_what_is_accepted(override: str, line: str) -> None:
    with pytest.raises(RequestError) as refusal:
        config.load("quickstart", [override])

    assert str(refusal.value).startswith(line)
    assert "\n" not in str(refusal.value)


def test_an_exclusion_may_speak_of_what_an_override_left_out() -> None:
    rule = "exclude=[{when: {encoding: poisson, timesteps: 2}, because: too short}]"

    assert config.load("quickstart", [rule, "axes={timesteps: [2]}"]).fields.exclude


def test_two_axes_may_not_set_one_field() -> None:
    with pytest.raises(RequestError, match=r"axes.recipe: model.timesteps is set by another axis already"):
        config.load("quickstart", ["axes={timesteps: [2], recipe: {fast: {model.timesteps: 1}}}"])


def test_reading_a_study_never_loads_torch() -> None:
    script = (
        "import sys; from ablate import config, design; design.plan(config.load('digits'));"
        "print([name for name in ('torch', 'pytorch_lightning', 'wandb', 'optuna') if name in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == "[]"
