"""What a claim's sentence says, and the one line for a sentence that says nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.claims.grammar import Claim, Condition, parse


@pytest.mark.parametrize(
    ("sentence", "level", "relation", "other", "amount"),
    [
        ("sew_add beats plain", "sew_add", "beats", "plain", None),
        ("sew_add beats plain by 0.5 points", "sew_add", "beats", "plain", 0.005),
        ("poisson loses to direct by 2 points", "poisson", "loses to", "direct", 0.02),
        ("bn matches bntt within 1 point", "bn", "matches", "bntt", 0.01),
        ("or is not worse than sresnet by more than 1 point", "or", "is not worse than", "sresnet", 0.01),
        ("encoding=latency(form=log) matches direct", "encoding=latency(form=log)", "matches", "direct", None),
        ("my recipe beats  the other one by .5 points", "my recipe", "beats", "the other one", 0.005),
    ],
)
def test_a_sentence_names_two_levels_a_relation_and_an_amount(
    sentence: str, level: str, relation: str, other: str, amount: float | None
) -> None:
    claim = parse(sentence)
    assert (claim.level, claim.relation, claim.other) == (level, relation, other)
    assert claim.amount == (amount if amount is None else pytest.approx(amount))
    assert claim.conditions == ()


def test_conditions_follow_at_and_are_joined_by_and() -> None:
    claim = parse("sew_add beats plain by 1 point at T <= 4 and normalization=bn and model.depth!=2")
    assert claim.amount == 0.01
    assert claim.conditions == (
        Condition("T", "<=", "4"),
        Condition("normalization", "=", "bn"),
        Condition("model.depth", "!=", "2"),
    )


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("sew_add is better", "no relation between two levels"),
        ("beats plain", "no relation between two levels"),
        ("a beats b matches c", "2 relations"),
        ("a beats b by 3 %", "'by 3 %' is not in points"),
        ("a beats b by 3", "'by 3' is not in points"),
        ("a beats b by -1 points", "'-1' is not a number of points from 0"),
        ("a matches b within 0 points", "'0' is not a number of points above 0"),
        ("a beats b by nan points", "'nan' is not a number"),
        ("a beats b within 1 point", "'beats' takes 'by N points'"),
        ("a matches b by 1 point", "'matches' takes 'within N points'"),
        ("a beats b at T", "'T' is not a condition"),
        ("a beats b at T <= 2 at D = 3", "'at' is there twice"),
    ],
)
def test_a_sentence_that_says_nothing_is_one_line(sentence: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as error:
        parse(sentence)
    assert "\n" not in str(error.value)


@given(st.text())
def test_any_text_is_a_claim_or_a_value_error_of_one_line(text: str) -> None:
    try:
        assert isinstance(parse(text), Claim)
    except ValueError as error:
        assert str(error).isprintable()
