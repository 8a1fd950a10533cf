"""A study keeps to one back end, whatever is asked of it later."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablate import backend
from ablate.errors import RequestError, StudyError
from lightning_modules import data
from lightning_modules.choices import DataChoices, ModelChoices
from lightning_modules.kernels import compiler


@pytest.fixture(autouse=True)
def a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "unavailable", lambda: None)


def _settle(folder: Path, wanted: str, *, updates: float, began: bool, gpu: bool = False) -> backend.Choice:
    choice = backend.choose(folder, wanted, updates=updates, began=began, gpu=gpu)
    backend.keep(folder, choice)
    return choice


def test_a_long_study_is_compiled_and_a_short_one_is_not(tmp_path: Path) -> None:
    for name, updates, expected in (("short", 1e7, "eager"), ("long", 1e12, "compiled")):
        (tmp_path / name).mkdir()
        assert _settle(tmp_path / name, "auto", updates=updates, began=False).backend == expected
        assert backend.settled(tmp_path / name).backend == expected  # type: ignore[union-attr]


def test_the_choice_outlives_a_study_that_grows(tmp_path: Path) -> None:
    _settle(tmp_path, "auto", updates=1e7, began=False)
    assert _settle(tmp_path, "auto", updates=1e12, began=True).backend == "eager"


def test_runs_from_before_back_ends_were_settled_were_eager(tmp_path: Path) -> None:
    assert _settle(tmp_path, "auto", updates=1e12, began=True).backend == "eager"


def test_another_back_end_than_the_settled_one_is_refused(tmp_path: Path) -> None:
    _settle(tmp_path, "eager", updates=1e12, began=False)
    with pytest.raises(RequestError, match=r"engine\.backend: compiled is not the eager of this study's runs"):
        _settle(tmp_path, "compiled", updates=1e12, began=True)


def test_without_a_compiler_auto_is_eager_and_compiled_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiler, "unavailable", lambda: "no C compiler (cc)")
    with pytest.raises(RequestError, match=r"compiled cannot run here, no C compiler"):
        _settle(tmp_path, "compiled", updates=1e12, began=False)
    assert backend.settled(tmp_path) is None
    assert _settle(tmp_path, "auto", updates=1e12, began=False).backend == "eager"


def test_auto_leaves_gpus_to_the_eager_kernels_until_their_own_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiler, "without_triton", lambda: None)
    choice = backend.choose(tmp_path, "auto", updates=1e12, began=False, gpu=True)
    assert choice.backend == "eager" and "engine.backend=triton" in choice.because


@pytest.mark.parametrize(("gpu", "missing"), [(True, "the package triton is missing"), (False, "needs a CUDA GPU")])
def test_triton_asked_for_where_it_cannot_run_names_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpu: bool, missing: str
) -> None:
    monkeypatch.setattr(compiler, "without_triton", lambda: "the package triton is missing (extra triton)")
    with pytest.raises(RequestError, match=rf"engine\.backend: triton cannot run here, .*{missing}"):
        _settle(tmp_path, "triton", updates=1e12, began=False, gpu=gpu)


@pytest.mark.parametrize(
    ("settled", "device", "computes"),
    [
        ("compiled", "cpu", "compiled"), ("compiled", "cuda", "eager"), ("triton", "cuda", "triton"),
        ("triton", "cpu", "eager"), ("eager", "cuda", "eager"),
    ],
)  # fmt: skip
def test_a_record_names_the_back_end_that_can_compute_on_its_device(settled: str, device: str, computes: str) -> None:
    assert backend.computing(settled, device) == computes


def test_a_damaged_choice_is_named(tmp_path: Path) -> None:
    (tmp_path / "backend.json").write_text("{")
    with pytest.raises(StudyError, match=r"backend\.json: damaged"):
        backend.settled(tmp_path)


def test_work_counts_every_neuron_of_every_training_sample() -> None:
    """Digits at 8 x 8: a stem of 512 neurons, stages of 1,024, 512 and 256, four steps each."""
    model = ModelChoices(depth=1, width=8, timesteps=4)
    choices = DataChoices(name="digits")
    samples = data.describe(choices).train or 0
    assert samples > 0
    assert backend.updates(model, choices, epochs=2, runs=3) == 4 * (512 + 1024 + 512 + 256) * samples * 2 * 3
