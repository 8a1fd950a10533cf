from __future__ import annotations

import getpass
import importlib
import json
import platform
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from ablate import provenance as module
from ablate.provenance import commit, provenance

REPOSITORY = Path(module.__file__).parents[1]


@pytest.fixture
def facts() -> dict[str, object]:
    return provenance(backend="eager", data_fingerprint="9ab3")


def test_versions_are_those_installed(facts: dict[str, object]) -> None:
    versions = facts["versions"]
    assert isinstance(versions, dict)
    assert set(versions) == {"python", "torch", "pytorch-lightning", "numpy", "optuna", "wandb"}
    assert versions["torch"] == torch.__version__
    assert versions["python"] == platform.python_version()


def test_device_is_described_in_words(facts: dict[str, object]) -> None:
    assert str(facts["device"]).endswith(("thread", "threads"))
    assert len(str(facts["device"]).split(",")[0]) > 3


def test_an_absent_device_keeps_its_torch_name() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has the device")
    assert provenance(backend="eager", data_fingerprint="")["device"].startswith(module._processor())
    assert provenance(backend="eager", data_fingerprint="", device="cuda:0")["device"] == "cuda:0"


def test_nothing_personal_is_recorded(facts: dict[str, object]) -> None:
    text = json.dumps(facts)
    assert platform.node() not in text.split('"')
    assert getpass.getuser() not in text.split('"')
    assert str(Path.home()) not in text and str(REPOSITORY) not in text


def test_commit_is_that_of_the_checkout() -> None:
    git = ["git", "-C", str(REPOSITORY)]
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True)
    tracked = subprocess.run([*git, "ls-files", "--error-unmatch", module.__file__], capture_output=True)
    if head.returncode or tracked.returncode:
        pytest.skip("not a checkout")
    assert head.stdout.startswith(commit().removesuffix("-dirty"))


def test_a_package_outside_of_a_checkout_tells_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel inside another project's checkout must not report that project's commit."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.setattr(module, "__file__", str(tmp_path / "provenance.py"))
    assert module.commit.__wrapped__().startswith("ablate-snn ")


def test_a_machine_without_git_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert module.commit.__wrapped__().startswith("ablate-snn ")


@pytest.mark.parametrize(
    ("source", "counts"),
    [
        ("lightning_modules/neuron.py", True),
        ("lightning_modules/kernels/layer.c", True),
        ("ablate/checkpoints.py", True),
        ("ablate/cli.py", False),
    ],
)
def test_other_code_is_what_computes_a_run(
    source: str, counts: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for room in ("ablate", "lightning_modules"):
        shutil.copytree(REPOSITORY / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(module, "__file__", str(tmp_path / "ablate" / "provenance.py"))
    before = module.code.__wrapped__()
    with (tmp_path / source).open("a") as file:
        file.write("\n")
    assert (module.code.__wrapped__() != before) is counts


def test_a_plug_in_is_known_by_its_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_package").mkdir()
    inner = tmp_path / "own_package" / "inner.py"
    for path in (tmp_path / "own_module.py", inner, inner.with_name("__init__.py")):
        path.write_text("")
    for name in ("own_module", "own_package"):
        importlib.import_module(name)
    hashed = module._hash_of_module.__wrapped__
    before = [hashed("own_module"), hashed("own_package")]
    inner.write_text("changed = True")

    assert hashed("own_module") == before[0] and hashed("own_package") != before[1]
