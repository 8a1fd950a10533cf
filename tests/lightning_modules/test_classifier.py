"""SpikingClassifier: real, tiny trainings on the digits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Trainer

from lightning_modules import data
from lightning_modules.choices import DataChoices, ModelChoices, TrainingChoices
from lightning_modules.classifier import Diverged, SpikingClassifier
from lightning_modules.data.module import TensorData


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def classifier(seed: int = 0, training: dict[str, Any] | None = None, **model: Any) -> SpikingClassifier:
    return SpikingClassifier(
        ModelChoices.model_validate({"depth": 1, "width": 4, "timesteps": 2, **model}),
        TrainingChoices.model_validate({"epochs": 2, "lr": 0.05, **(training or {})}),
        in_channels=1,
        classes=10,
        seed=seed,
    )


def digits(model: SpikingClassifier, batch_size: int = 128, seed: int = 0) -> TensorData:
    choices = DataChoices(name="digits", batch_size=batch_size)
    return data.open(choices, encoder=model.network.encoder, seed=seed)


def trainer(epochs: int = 2, **options: Any) -> Trainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "num_sanity_val_steps": 0}
    return Trainer(max_epochs=epochs, accelerator="cpu", **quiet, **{"enable_checkpointing": False, **options})


def weights(model: SpikingClassifier) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


@pytest.fixture(scope="module")
def trained() -> tuple[SpikingClassifier, Trainer, TensorData]:
    model = classifier(training={"epochs": 4}, width=8)
    module, fit = digits(model, 64), trainer(4)
    fit.fit(model, datamodule=module)
    return model, fit, module


def test_training_learns_the_digits(trained: tuple[SpikingClassifier, Trainer, TensorData]) -> None:
    assert trained[1].callback_metrics["val_accuracy"] > 0.6


def test_every_metric_is_logged_each_epoch(trained: tuple[SpikingClassifier, Trainer, TensorData]) -> None:
    model, fit, _ = trained
    layers = {f"firing_rate/{name}" for name, _ in model.network.spiking_layers()}
    assert set(fit.callback_metrics) == layers | {
        "train_loss",
        "train_accuracy",
        "val_loss",
        "val_accuracy",
        "lr",
        "firing_rate",
    }
    assert all(0 < fit.callback_metrics[layer] < 1 for layer in layers)


def test_the_rate_of_the_last_epoch_is_the_one_that_was_used(
    trained: tuple[SpikingClassifier, Trainer, TensorData],
) -> None:
    assert trained[1].callback_metrics["lr"] == pytest.approx(0.05 * 0.1)


def test_testing_gives_the_right_answers_in_the_order_of_the_data_set(
    trained: tuple[SpikingClassifier, Trainer, TensorData],
) -> None:
    model, _, module = trained
    tested = trainer().test(model, datamodule=module, verbose=False)[0]
    images, labels = module.arrays.images, module.arrays.labels
    model.eval()
    with torch.no_grad():
        for place, sample in list(enumerate(module.arrays.split.test))[:20]:
            x = (images[sample : sample + 1] / 16 - module.facts.mean[0]) / module.facts.std[0]
            assert model.correct[place] == (model(x).argmax() == labels[sample])
    assert len(model.correct) == module.facts.test
    assert tested["test_accuracy"] == sum(model.correct) / len(model.correct)


@pytest.mark.parametrize("encoding", ["direct", "poisson"])
def test_the_same_seed_gives_the_same_run_to_the_last_bit(encoding: str) -> None:
    runs = []
    for _ in range(2):
        model = classifier(encoding=encoding)
        torch.rand(3)  # the global generator has no say
        trainer(1).fit(model, datamodule=digits(model))
        runs.append(weights(model))
    assert same(*runs)


def test_a_resumed_run_equals_the_uninterrupted_one(tmp_path: Path) -> None:
    whole = classifier(encoding="poisson", training={"epochs": 3})
    trainer(3).fit(whole, datamodule=digits(whole))
    half = classifier(encoding="poisson", training={"epochs": 3})
    first = trainer(1)
    first.fit(half, datamodule=digits(half))
    first.save_checkpoint(tmp_path / "half.ckpt")
    rest = classifier(encoding="poisson", training={"epochs": 3})
    trainer(3).fit(rest, datamodule=digits(rest), ckpt_path=tmp_path / "half.ckpt", weights_only=True)
    assert same(weights(whole), weights(rest))


def test_cells_of_a_seed_block_share_the_parameters_they_have_in_common() -> None:
    one, two = (dict(classifier(**change).named_parameters()) for change in ({}, {"residual": "plain", "timesteps": 3}))
    shared = [name for name in one.keys() & two.keys() if one[name].ndim > 1 and one[name].shape == two[name].shape]
    assert len(shared) > 5
    assert all(torch.equal(one[name], two[name]) for name in shared)


def test_seeds_differ_in_every_drawn_parameter() -> None:
    one, two = (dict(classifier(seed).named_parameters()) for seed in (0, 1))
    drawn = [name for name in one if name.endswith(("conv.weight", "conv1.weight", "conv2.weight", "linear.weight"))]
    assert len(drawn) == 10
    assert not any(torch.equal(one[name], two[name]) for name in drawn)


def test_encoder_noise_changes_with_the_epoch_in_training_and_never_in_evaluation() -> None:
    model = classifier(encoding="poisson")
    x, index = torch.zeros(2, 1, 8, 8), torch.tensor([3, 9])
    fit = trainer(2)
    fit.fit_loop.epoch_progress.current.processed = 0
    model.trainer = fit
    first = [model.noise(x, index, training=training) for training in (True, False)]
    fit.fit_loop.epoch_progress.current.processed = 1
    fit.fit_loop.epoch_progress.current.completed = 1
    second = [model.noise(x, index, training=training) for training in (True, False)]
    assert not torch.equal(first[0], second[0])  # type: ignore[arg-type]
    assert torch.equal(first[1], second[1])  # type: ignore[arg-type]


def test_a_checkpoint_rebuilds_the_classifier_without_pickled_objects(tmp_path: Path) -> None:
    model = classifier(residual="sew_add", training={"optimizer": {"name": "adam", "beta1": 0.8}})
    fit = trainer(1)
    fit.fit(model, datamodule=digits(model))
    fit.save_checkpoint(tmp_path / "model.ckpt")
    again = SpikingClassifier.load_from_checkpoint(tmp_path / "model.ckpt", weights_only=True, map_location="cpu")
    assert same(weights(model), weights(again))
    assert (again.choices, again.training_choices) == (model.choices, model.training_choices)


def test_a_loss_that_is_not_finite_is_a_divergence_with_its_place() -> None:
    model = classifier(training={"lr": 1e38}, normalization="none")
    with pytest.raises(Diverged, match=r"in epoch 0, step \d+: loss (nan|inf)") as raised:
        trainer(1).fit(model, datamodule=digits(model))
    assert raised.value.epoch == 0
    assert raised.value.step > 0


def test_a_weight_that_is_not_finite_is_a_divergence_although_silence_hides_it() -> None:
    """A NaN membrane never fires, so that the loss stays finite."""
    model = classifier(residual="plain", training={"lr": 1e-9})
    with torch.no_grad():
        model.network.stem.conv.weight[0, 0, 0, 0] = float("nan")
    with pytest.raises(Diverged):
        trainer(1).fit(model, datamodule=digits(model))


def test_the_rate_penalty_lowers_the_firing_rate() -> None:
    rates = []
    for weight in (0.0, 20.0):
        model = classifier(training={"rate_weight": weight})
        fit = trainer(2)
        fit.fit(model, datamodule=digits(model))
        rates.append(float(fit.callback_metrics["firing_rate"]))
    assert rates[1] < 0.8 * rates[0]


@pytest.mark.parametrize("loss", ["mse_rate", "tet"])
def test_other_losses_and_optimisers_train(loss: str) -> None:
    training = {"loss": loss, "optimizer": "adamw", "lr": 0.01, "schedule": {"name": "cosine", "warmup": 1}}
    model = classifier(training=training, readout={"name": "boosting", "factor": 2})
    fit = trainer(2)
    fit.fit(model, datamodule=digits(model))
    assert torch.isfinite(fit.callback_metrics["val_loss"])


def test_recalibration_replaces_running_statistics_and_nothing_else() -> None:
    model = classifier(normalization="bn")
    before = weights(model)
    module = digits(model)
    model.recalibrate(module.train_dataloader())
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed
    assert all("running" in name for name in changed)


def test_recalibrated_statistics_are_the_plain_mean_over_the_batches() -> None:
    model = classifier(normalization="bn")
    module = digits(model, batch_size=256)
    model.recalibrate(module.train_dataloader())
    norm = model.network.stem.fire.norm
    with torch.no_grad():
        means = [model.network.stem.conv(batch[0][None]).mean((0, 1, 3, 4)) for batch in module.train_dataloader()]
    assert torch.allclose(norm.running_mean, torch.stack(means).mean(0), atol=1e-5)


def test_training_with_recalibration_runs() -> None:
    model = classifier(training={"recalibrate": True})
    fit = trainer(1)
    fit.fit(model, datamodule=digits(model))
    assert torch.isfinite(fit.callback_metrics["val_loss"])


def test_a_network_may_be_sized_by_its_parameter_count() -> None:
    """Levels that add parameters (bntt) or have none of their own then compare at equal counts."""
    training = TrainingChoices()
    counts = []
    for normalization in ("none", "bntt"):
        model = ModelChoices.model_validate(
            {"depth": 1, "timesteps": 4, "normalization": normalization, "match_parameters": 20_000}
        )
        network = SpikingClassifier(model, training, in_channels=1, classes=10).network
        counts.append(sum(parameter.numel() for parameter in network.parameters()))

    assert all(abs(count - 20_000) < 2_500 for count in counts)
