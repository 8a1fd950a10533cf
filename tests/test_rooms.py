"""The rooms and the one way imports point: ablate -> lightning_modules, ablate -> reports; never back."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "ablate": {"ablate", "lightning_modules", "reports", "search_spaces"},
    "lightning_modules": {"lightning_modules"},
    "reports": {"reports"},
    "search_spaces": {"search_spaces"},
}
FOREIGN = {
    "lightning_modules": {"optuna", "wandb"},
    "reports": {"torch", "pytorch_lightning", "optuna", "wandb"},
}


def imported(path: Path) -> set[str]:
    """Top-level names of all modules that a file imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide which room they reach"
            names.add((node.module or "").partition(".")[0])
    return names


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_rooms_below_it(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))

    assert files
    forbidden = (set(MAY_IMPORT) - MAY_IMPORT[room]) | FOREIGN.get(room, set())
    found = {str(path.relative_to(ROOT)): imported(path) & forbidden for path in files}
    found.get("reports/sources/wandb.py", set()).discard("wandb")  # to read it is its job
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "module",
    ["ablate.cli", "ablate.config", "ablate.design", "lightning_modules", "lightning_modules.catalogue",
     "lightning_modules.choices", "lightning_modules.constraints", "reports.results", "reports.guide",
     "ablate.commands.explain", "ablate.commands.compare", "ablate.commands.check", "ablate.commands.plan"],
)  # fmt: skip
def test_planning_and_reporting_never_load_torch(module: str) -> None:
    script = f"import {module}, sys; print('torch' in sys.modules or 'pytorch_lightning' in sys.modules)"

    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "False"


def test_every_package_is_in_the_wheel() -> None:
    import tomllib

    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    packages = [path.parent for room in MAY_IMPORT for path in (ROOT / room).rglob("__init__.py")]
    present = {".".join(package.relative_to(ROOT).parts) for package in packages}

    assert listed == present
