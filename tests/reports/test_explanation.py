"""What `ablate explain` shows is what the guide's row was made of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from synthetic_studies import one_factor

from ablate.commands import explain
from ablate.errors import RequestError
from reports.effects import effects
from reports.explanation import explanation

VALUES = {"baseline": {"": [0.90, 0.92, 0.91]}, "residual": {"plain": [0.87, 0.90, 0.87], "or": [0.9, 0.9, "crash"]}}
STUDY = one_factor(VALUES, baseline={"residual": "sresnet"})


def test_it_ends_with_the_guides_number_and_shows_both_sides() -> None:
    """Differences -3, -2, -4 points: mean -3, SD 1, t -3 / (1 / sqrt 3) = -5.20."""
    card = explanation(STUDY, "residual", "plain")
    row = effects(STUDY).iloc[0]
    assert card.frame["difference"].mean() == pytest.approx(row["difference"]) == pytest.approx(-0.03)
    assert any("SD 0.0100; t = mean / (SD / sqrt(3)) = -5.20 (2 df)" in note for note in card.notes)
    assert card.notes[-1].startswith("-3.0 (-5.5, -0.5) points")
    assert card.frame["level_run"].tolist() == [f"id-residual=plain-{seed}" for seed in range(3)]


def test_a_lost_run_is_named_and_its_block_left_out() -> None:
    notes = explanation(STUDY, "residual", "or").notes
    assert "id-residual=or-2 lost: crash" in notes
    assert "seed blocks left out: 2" in notes


def test_the_ids_in_weights_and_biases_stand_beside_the_runs_where_they_are_known() -> None:
    table = explanation(STUDY, "residual", "plain").table
    assert table is not None and not any("W&B" in header for header in table.headers)
    runs = STUDY.runs.assign(wandb_run=[f"w{at}" if at else "" for at in range(len(STUDY.runs))])
    card = explanation(replace(STUDY, runs=runs), "residual", "plain")
    ids = dict(zip(runs["run_id"], runs["wandb_run"], strict=True))
    assert card.frame["level_wandb"].tolist() == [ids[run] for run in card.frame["level_run"]]
    assert card.table is not None and card.table.headers[-2:] == ("W&B, plain", "W&B, sresnet")
    assert card.table.rows[0][-1] == "-"


@pytest.mark.parametrize(
    ("contrast", "said"),
    [
        ("residul=plain", "'residual'"),
        ("residual=plane", "'plain'"),
        ("residual=sresnet", "baseline's"),
        ("x", "axis="),
    ],
)
def test_a_wrong_request_is_one_line(tmp_path: Path, contrast: str, said: str) -> None:
    STUDY.write(tmp_path)
    with pytest.raises(RequestError, match=said):
        explain.main([str(tmp_path), contrast], None)
