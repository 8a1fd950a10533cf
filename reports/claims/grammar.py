"""A claim as one sentence: `sew_add beats plain by 0.5 points at T <= 4`. What its names mean, a study says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Relation = Literal["beats", "loses to", "matches", "is not worse than"]
Operator = Literal["<=", ">=", "!=", "=", "<", ">"]

GRAMMAR = (
    "LEVEL beats LEVEL [by N points]; LEVEL loses to LEVEL [by N points]; LEVEL matches LEVEL [within N points]; "
    "LEVEL is not worse than LEVEL [by more than N points]; each may end in: at AXIS OP VALUE [and AXIS OP VALUE ...]"
)
_AMOUNT: dict[str, str] = {
    "beats": "by", "loses to": "by", "matches": "within", "is not worse than": "by more than",
}  # fmt: skip
_RELATION = re.compile(rf"\s({'|'.join(_AMOUNT)})\s")
_SIZED = re.compile(r"(?P<other>.+?)\s(?P<word>by more than|by|within)\s(?P<number>\S+)(?:\s(?P<unit>.*))?")
_CONDITION = re.compile(r"(?P<axis>[A-Za-z_][\w.]*)\s?(?P<operator><=|>=|!=|=|<|>)\s?(?P<value>.+)")


@dataclass(frozen=True)
class Condition:
    """One condition on the cells that a claim is about: `timesteps <= 4`."""

    axis: str
    operator: Operator
    value: str


@dataclass(frozen=True)
class Claim:
    """What a sentence says.

    Attributes:
        text: the sentence, its blanks evened out.
        level, other: the two sides as written, with or without their axis (`residual=plain`).
        relation: which of them is said to be better, or that they are alike.
        amount: by how much, as a fraction; None where the sentence leaves it open.
        conditions: all of them must hold.
    """

    text: str
    level: str
    relation: Relation
    other: str
    amount: float | None = None
    conditions: tuple[Condition, ...] = ()


def parse(sentence: str) -> Claim:
    """The claim that a sentence makes.

    Raises:
        ValueError: one line: what is wrong with it and what would be accepted.
    """
    text = " ".join(sentence.split())
    parts = _RELATION.split(f" {text} ")
    if len(parts) != 3 or not parts[0].strip() or not parts[2].strip():
        count = len(parts) // 2
        problem = "no relation between two levels" if count < 2 else f"{count} relations, where one is needed"
        raise ValueError(f"{text!r}: {problem}; {GRAMMAR}")
    level, relation, rest = (part.strip() for part in parts)
    rest, *conditions = re.split(r"\sat\s", rest)
    if len(conditions) > 1:
        raise ValueError(f"{text!r}: 'at' is there twice; join conditions with 'and'")
    other, amount = _sized(text, relation, rest)
    found = tuple(_condition(text, each) for part in conditions for each in re.split(r"\sand\s", part))
    return Claim(text, level, relation, other, amount, found)  # type: ignore[arg-type]


def _sized(text: str, relation: str, rest: str) -> tuple[str, float | None]:
    """The second level, and by how much, as a fraction."""
    sized = _SIZED.fullmatch(rest)
    if sized is None:
        return rest, None
    word, wanted = sized["word"], _AMOUNT[relation]
    if word != wanted:
        raise ValueError(f"{text!r}: '{relation}' takes '{wanted} N points', not '{word} ...'")
    if sized["unit"] not in ("point", "points"):
        said = " ".join(filter(None, (wanted, sized["number"], sized["unit"])))
        raise ValueError(
            f"{text!r}: '{said}' is not in points of test accuracy; write for instance '{wanted} 0.5 points'"
        )
    number, least = _number(sized["number"]), "above 0" if relation == "matches" else "from 0"
    if number is None or number > 100 or (relation == "matches" and number == 0):
        raise ValueError(f"{text!r}: {sized['number']!r} is not a number of points {least} to 100")
    return sized["other"], number / 100


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d+(\.\d+)?|\.\d+", text) else None


def _condition(text: str, part: str) -> Condition:
    found = _CONDITION.fullmatch(part.strip())
    if found is None:
        raise ValueError(f"{text!r}: {part.strip()!r} is not a condition; AXIS OP VALUE, OP one of = != < <= > >=")
    return Condition(found["axis"], found["operator"], found["value"])  # type: ignore[arg-type]
