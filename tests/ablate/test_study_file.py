"""Study files as text: finding, merging, resolving."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablate import study_file
from ablate.errors import RequestError

CONTENT = """
name: mine
baseline: {data: {name: digits, batch_size: 64}, model: {width: 8, encoding: {name: latency, form: log}}}
axes: {residual: [plain, sew_add], timesteps: [2, 4]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(CONTENT)
    return path


def test_every_packaged_study_is_found_by_name() -> None:
    assert {"quickstart", "digits"} <= set(study_file.packaged())
    for name, path in study_file.packaged().items():
        assert study_file.find(name) == path


def test_an_unknown_study_is_named_with_its_nearest_match() -> None:
    with pytest.raises(RequestError, match=r"'quikstart' is neither .*; did you mean 'quickstart'\?"):
        study_file.find("quikstart")


def test_an_override_of_a_section_merges(file: Path) -> None:
    tree = study_file.read(file, ["baseline={model: {width: 16}, training: {epochs: 2}}"])

    assert tree["baseline"]["model"] == {"width": 16, "encoding": {"name": "latency", "form": "log"}}
    assert tree["baseline"]["training"] == {"epochs": 2}
    assert tree["baseline"]["data"] == {"name": "digits", "batch_size": 64}


@pytest.mark.parametrize("content", ["", "42", "- a list"])
def test_content_that_is_no_mapping_is_refused_as_that(tmp_path: Path, content: str) -> None:
    (tmp_path / "other.yaml").write_text(content)

    with pytest.raises(RequestError, match=r"other.yaml: a study file is a mapping with name, baseline and axes"):
        study_file.read(tmp_path / "other.yaml")


@pytest.mark.parametrize("path", ["model.width", "baseline.model.width"])
def test_an_override_that_begins_with_a_section_is_short_for_the_baseline(file: Path, path: str) -> None:
    assert study_file.read(file, [f"{path}=12"])["baseline"]["model"]["width"] == 12


def test_a_level_with_options_is_replaced_whole(file: Path) -> None:
    tree = study_file.read(file, ["model.encoding={name: phase}"])

    assert tree["baseline"]["model"]["encoding"] == {"name": "phase"}


def test_axes_are_replaced_as_a_block_and_one_axis_as_a_list(file: Path) -> None:
    assert study_file.read(file, ["axes={residual: [ms]}"])["axes"] == {"residual": ["ms"]}
    assert study_file.read(file, ["axes.residual=[ms]"])["axes"] == {"residual": ["ms"], "timesteps": [2, 4]}


def test_fields_may_refer_to_fields(file: Path) -> None:
    file.write_text(CONTENT.replace("batch_size: 64", "batch_size: '${baseline.model.width}'"))

    assert study_file.read(file)["baseline"]["data"]["batch_size"] == 8


def test_a_resolver_is_refused_so_that_a_file_means_the_same_everywhere(file: Path) -> None:
    with pytest.raises(RequestError, match=r"\$\{oc.env:HOME\} calls a resolver"):
        study_file.read(file, ["name=${oc.env:HOME}"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("axes: [1", "not a YAML study file"),
        ("- a\n- b\n", "a study file is a mapping"),
        ("!!python/object/apply:os.system ['true']", "not a YAML study file"),
        ("name: ${nowhere}", "Interpolation key 'nowhere' not found"),
    ],
)
def test_a_file_that_is_no_study_is_refused_in_one_line(file: Path, content: str, message: str) -> None:
    file.write_text(content)

    with pytest.raises(RequestError, match=message) as refusal:
        study_file.read(file)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("override", ["nothing", "=3", "model.width.x=3"])
def test_a_malformed_override_is_refused(file: Path, override: str) -> None:
    with pytest.raises(RequestError):
        study_file.read(file, [override])
