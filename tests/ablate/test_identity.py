"""Identity: what changes a cell's hash and what does not."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ablate.baseline import Baseline
from ablate.identity import cell_id

DATASET = "digits-1/digits-v1"


def identity(**sections: Any) -> str:
    data = {"name": "digits"} | sections.pop("data", {})
    return cell_id(Baseline.model_validate({"data": data, **sections}), dataset=DATASET)


models = st.fixed_dictionaries(
    {},
    optional={
        "depth": st.integers(1, 9),
        "width": st.integers(1, 64),
        "timesteps": st.integers(1, 64),
        "residual": st.sampled_from(["plain", "sew_add", "sresnet"]),
        "encoding": st.sampled_from(["direct", "latency", {"name": "latency", "form": "log"}]),
        "leak": st.floats(0, 1),
        "detach_reset": st.booleans(),
    },
)


@given(models)
def test_spelling_out_defaults_changes_nothing(model: dict[str, Any]) -> None:
    cell = Baseline.model_validate({"data": {"name": "digits"}, "model": model})

    assert identity(model=cell.model_dump(mode="json")["model"]) == identity(model=model)


@given(models, models)
def test_two_cells_share_an_identity_exactly_when_their_choices_are_equal(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    same = Baseline.model_validate({"data": {"name": "digits"}, "model": first}) == Baseline.model_validate(
        {"data": {"name": "digits"}, "model": second}
    )

    assert (identity(model=first) == identity(model=second)) == same


@given(st.text(min_size=1).filter(str.isprintable))
def test_where_the_data_lie_changes_nothing(root: str) -> None:
    assert identity(data={"root": root}) == identity()


def test_data_protocol_and_training_belong_to_the_identity() -> None:
    different = [
        identity(),
        identity(data={"batch_size": 7}),
        identity(protocol="paper_compat"),
        identity(training={"epochs": 7}),
        cell_id(Baseline.model_validate({"data": {"name": "digits"}}), dataset="digits-2/digits-v1"),
    ]

    assert len(set(different)) == len(different)


def test_an_identity_is_the_same_in_every_version() -> None:
    """A change of this hash makes every study that was run unrecognisable: it needs a migration, not a new literal."""
    cell = {"model": {"depth": 1, "width": 8, "timesteps": 4}, "training": {"epochs": 8, "lr": 0.05}}

    assert identity(data={"batch_size": 64}, **cell) == "0c901df62ae2"
