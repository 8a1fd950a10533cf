"""One line for a person out of a pydantic error: the field, the value, and what would be accepted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from lightning_modules.catalogue import near

_BOUNDS = {
    "greater_than_equal": ("ge", "too small", "of at least"),
    "greater_than": ("gt", "too small", "above"),
    "less_than_equal": ("le", "too large", "of at most"),
    "less_than": ("lt", "too large", "below"),
}


def explain(error: ValidationError, model: type[BaseModel], *, where: str = "") -> str:
    """The first mistake of a validation error, in one line.

    Args:
        error: what pydantic raised.
        model: the model that was validated, for near matches of unknown keys.
        where: what the whole value is called, when it is not the study file itself.
    """
    first = _most_telling(error.errors())
    # A key that is wrong itself is no part of the path to it.
    parts = first["loc"][:-2] if first["loc"][-1:] == ("[key]",) else first["loc"]
    location = [str(part) if not isinstance(part, int) else f"[{part}]" for part in parts]
    path = ".".join(part for part in location if not _is_branch_of_a_union(part)).replace(".[", "[")
    field = where or path or "study"
    return f"{field}: {_message(first, model)}"


def accepts(field: FieldInfo) -> str:
    """What a field takes, in words: `an integer, >= 1`; `subtract, zero, none`; `true or false, or null`."""
    parts = [each for each in get_args(field.annotation) if each is not type(None)] or [field.annotation]
    if all(isinstance(each, str) for each in parts):
        return ", ".join(map(str, parts))
    marks, kinds = list(field.metadata), []
    for each in parts:
        if get_origin(each) is Annotated:
            each, *inner = get_args(each)
            marks += [mark for info in inner for mark in info.metadata]
        kinds.append(each)
    nouns = {int: "an integer", float: "a number", bool: "true or false", str: "a text"}
    bounds = [
        f"{symbol} {getattr(mark, attribute):g}"
        for mark in marks
        for attribute, symbol in (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"))
        if hasattr(mark, attribute)
    ]
    words = ", ".join([" or ".join(nouns.get(each, str(each)) for each in kinds), *bounds])
    return f"{words}, or null" if type(None) in get_args(field.annotation) else words


def _most_telling(errors: list[ErrorDetails]) -> ErrorDetails:
    """A misspelt key also leaves the right key missing; the misspelling is the mistake."""
    return next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])


def _is_branch_of_a_union(part: str) -> bool:
    return part in ("int", "list[int]", "constrained-int", "float", "none", "Objective") or part.startswith(
        ("list[", "constrained")
    )


def _message(error: ErrorDetails, model: type[BaseModel]) -> str:
    value, kind, context = error["input"], error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        known = _siblings(model, error["loc"])
        return f"there is no such key{near(str(error['loc'][-1]), known)} keys here: {', '.join(known)}"
    if kind == "missing":
        return "is needed and missing"
    if kind == "literal_error":
        hint = "; quote the name, YAML reads it as a boolean" if isinstance(value, bool) else ""
        expected = context["expected"].replace(" or ", ", ")
        similar = near(value, expected.replace("'", "").split(", ")) if isinstance(value, str) else ";"
        return f"{value!r} is not accepted{similar} one of {expected}{hint}"
    if kind in _BOUNDS:
        name, size, wanted = _BOUNDS[kind]
        bound = context[name]
        # Pydantic gives the bound in the type of the field.
        noun = "an integer" if isinstance(bound, int) else "a number"
        return f"{value!r} is {size}; {noun} {wanted} {bound:g} is needed"
    expected = {
        "int_type": "an integer",
        "int_from_float": "an integer",
        "int_parsing": "an integer",
        "float_type": "a number",
        "float_parsing": "a number",
        "finite_number": "a finite number",
        "bool_type": "true or false",
        "string_type": "a text",
        "dict_type": "a mapping",
        "list_type": "a list",
        "model_type": "a mapping",
        "model_attributes_type": "a mapping",
        "too_short": "at least one entry",
        "string_too_short": "a text",
    }.get(kind)
    if kind == "string_type" and isinstance(value, bool):
        return f"{str(value).lower()} is a YAML boolean where a text belongs; quote it"
    return f"{value!r} is not {expected}" if expected else f"{value!r}: {error['msg']}"


def _siblings(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that would have been accepted where an unknown one was found."""
    current: type[BaseModel] = model
    for part in location[:-1]:
        if isinstance(part, str) and part in current.model_fields:
            annotation = current.model_fields[part].annotation
            current = next(_models(annotation), current)
    return list(current.model_fields)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in a type, however it is wrapped."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
