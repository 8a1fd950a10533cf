"""Several studies side by side: who agrees, what is not the same question, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from synthetic_studies import factorial, one_factor

from reports.effects import effects
from reports.guide import write_side_by_side
from reports.results import StudyResults
from reports.side_by_side import agreement, names_of, require_comparable, side_by_side

BASE = [0.90, 0.92, 0.91, 0.93, 0.90]
LOWER, HIGHER, ABOUT = (
    [value + each for value, each in zip(BASE, shift, strict=True)]
    for shift in (
        (-0.05, -0.06, -0.05, -0.07, -0.06),
        (0.03, 0.04, 0.03, 0.035, 0.04),
        (0.05, -0.06, 0.04, -0.05, 0.01),
    )
)


def study(
    name: str, residual: Mapping[str, Sequence[Any]], *, reference: str = "sresnet", **changes: Any
) -> StudyResults:
    data = {"name": name, "classes": 10, "test": 500, "train": 1, "validation": 1}
    return one_factor(
        {"baseline": {"": BASE}, "residual": residual}, baseline={"residual": reference},
        **{"name": name, "uid": f"uid-{name}", "data": data, **changes},
    )  # fmt: skip


def test_consistent_only_if_every_study_says_the_same_and_says_something() -> None:
    assert agreement(["better", "better", "better"]) == "consistent: better"
    assert agreement(["equivalent", "equivalent"]) == "consistent: equivalent"
    assert agreement(["better", "undecided", "better"]) == "better in 2 of 3"
    assert agreement(["better", "worse", "undecided (lost runs)"]) == "better in 1 of 3, worse in 1 of 3"
    assert agreement(["undecided", "undecided"]) == "decided in 0 of 2"
    assert agreement(["not testable", "better"]) == "better in 1 of 2"
    assert agreement(["exploratory (look 2)", "exploratory (look 2)"]) == "decided in 0 of 2"


def test_every_study_keeps_its_own_difference_interval_and_verdict() -> None:
    studies = [study("a", {"plain": LOWER, "or": HIGHER}), study("b", {"plain": LOWER, "or": ABOUT})]
    overview, residual = side_by_side(studies)
    frame = residual.frame.set_index(["level", "study"])
    for each in studies:
        for row in effects(each).to_dict("records"):
            found = frame.loc[(row["level"], each.study["name"])]
            assert found["difference"] == row["difference"] and found["verdict"] == row["verdict"]
            assert (found["ci_low"], found["ci_high"]) == (row["ci_low"], row["ci_high"])
    assert frame.loc[("plain", "a"), "agreement"] == "consistent: worse"
    assert frame.loc[("or", "a"), "agreement"] == "better in 1 of 2"
    said = "2 studies, 2 contrasts that at least two of them have; 1 of these is consistent"
    assert overview.prose[0] == f"{said}: residual=plain worse than sresnet."
    assert residual.prose == ("Of 2 contrasts that at least two studies have, 1 is consistent.",)
    assert residual.table is not None and residual.table.rows[0][0] == "plain"
    assert residual.table.headers[1] == "a: difference, points (95 % CI)"


def test_rows_and_columns_follow_the_order_of_the_arguments() -> None:
    one, other = study("a", {"plain": LOWER, "or": ABOUT}), study("b", {"or": ABOUT, "plain": LOWER})
    tables = [side_by_side(pair)[1].table for pair in ((one, other), (other, one))]
    assert [[row[0] for row in table.rows] for table in tables if table] == [["plain", "or"], ["or", "plain"]]
    assert [table.headers[1][0] for table in tables if table] == ["a", "b"]


def test_a_contrast_of_two_of_three_studies_is_judged_among_these() -> None:
    cards = side_by_side(
        [study("a", {"plain": LOWER}), study("b", {"plain": LOWER, "or": ABOUT}), study("c", {"or": ABOUT})]
    )
    table = cards[1].table
    assert table is not None
    assert table.rows[0][0] == "plain" and table.rows[0][5:] == ("", "", "consistent: worse")


def test_what_makes_the_questions_differ_is_said() -> None:
    objective = {"metric": "val_accuracy", "direction": "maximize", "margin": 0.02}
    first = study("a", {"plain": LOWER, "or": ABOUT})
    second = study("b", {"plain": LOWER, "ms": ABOUT}, objective=objective, protocol="paper_compat")
    third = study("c", {"plain": LOWER}, reference="or")
    notes = side_by_side([first, second, third])[0].notes
    margins = "1 point in a; 2 points in b; 1 point in c"
    assert f"Margins differ, so 'equivalent' is not the same claim: {margins}." in notes
    assert "Protocols differ: sound in a; paper_compat in b; sound in c." in notes
    assert any(note.startswith("residual: references differ") and "or in c" in note for note in notes)
    assert "Only in a: residual=or." in notes and "Only in b: residual=ms." in notes
    assert "Only in c: residual=plain against or." in notes


def test_agreement_on_one_data_set_is_not_called_one_over_data_sets() -> None:
    pair = [study("a", {"plain": LOWER}), study("b", {"plain": LOWER}, data={"name": "a", "classes": 10})]
    assert "a and b are on the same data (a): what they agree on is no agreement over data sets." in (
        side_by_side(pair)[0].notes
    )


def test_studies_of_one_name_are_told_apart() -> None:
    same = study("a", {"plain": LOWER})
    branch = study("a", {"plain": LOWER}, branch="tdbn", uid="x")
    elsewhere = study("a", {"plain": LOWER}, uid="y", data={"name": "other"})
    assert names_of([same, branch]) == ("a", "a@tdbn")
    assert names_of([same, elsewhere]) == ("a (a)", "a (other)")
    assert names_of([same, same]) == ("a [1]", "a [2]")


def test_one_study_twice_cannot_agree_with_itself() -> None:
    same = study("a", {"plain": LOWER})
    with pytest.raises(ValueError, match=r"a is there twice \(uid uid-a\): a study cannot agree with itself"):
        side_by_side([same, study("b", {"plain": LOWER}), same])


def test_a_search_beside_two_studies_is_named_and_without_them_nothing_is_compared() -> None:
    crossed = factorial({("x",): BASE, ("y",): BASE}, {"residual": ["x", "y"]}, design="search", name="s", uid="u")
    pair = [study("a", {"plain": LOWER}), study("b", {"plain": LOWER})]
    assert "s is a search: its cells are no pairs, so it has no contrasts." in side_by_side([*pair, crossed])[0].notes
    with pytest.raises(ValueError, match="no two of these studies have a contrast in common") as error:
        side_by_side([pair[0], crossed])
    assert "\n" not in str(error.value)


def test_the_files_are_the_same_bytes_every_time_and_nothing_is_written_where_nothing_compares(tmp_path: Path) -> None:
    studies = [study("a<b>", {"plain": LOWER, "=or": ABOUT}), study("b", {"plain": LOWER, "=or": ABOUT})]
    first, again = (write_side_by_side(studies, tmp_path / each)[1] for each in ("one", "two"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert {path.name for path in first} >= {"guide.md", "guide.tex", "guide.html", "guide.json", "side_by_side.csv"}
    assert "<b>" not in (tmp_path / "one" / "guide.html").read_text().partition("<main>")[2]
    assert "'=or" in (tmp_path / "one" / "side_by_side.csv").read_text()
    with pytest.raises(ValueError, match="in common"):
        write_side_by_side([study("c", {"ms": LOWER}), studies[1]], tmp_path / "three")
    assert not (tmp_path / "three").exists()


def test_what_is_refused_is_known_without_an_effect() -> None:
    """A contrast whose every run is lost is a row all the same, so the studies stand side by side."""
    lost = study("b", {"plain": ["worker was killed"] * 5})
    require_comparable([study("a", {"plain": LOWER}), lost])
    assert side_by_side([study("a", {"plain": LOWER}), lost])[1].table is not None
    with pytest.raises(ValueError, match="in common"):
        require_comparable([study("a", {"plain": LOWER}, reference="or"), study("b", {"plain": LOWER})])
