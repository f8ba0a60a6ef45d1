"""The form of a talk holds its length, so that an endpoint that keeps to a schema cannot overrun it."""

import pytest
from pydantic import ValidationError

from agents.note_talk import DraftLine
from agents.script import Script
from agents.sized_script import shape_script


def write(exchanges: int, **more: str) -> dict[str, object]:
    return {
        "turns": [{"speaker": who, "text": "嗯。", **more} for _ in range(exchanges) for who in ("client", "counselor")]
    }


@pytest.mark.parametrize(("exchanges", "fits"), [(1, False), (2, True), (4, True), (5, False)])
def test_a_talk_is_as_long_as_its_form_allows(exchanges: int, fits: bool) -> None:
    form = shape_script(2, 4)
    assert issubclass(form, Script)
    assert form.__name__ == "Script"
    schema = form.model_json_schema()["properties"]["turns"]
    assert (schema["minItems"], schema["maxItems"]) == (4, 8)
    if fits:
        assert len(form.model_validate(write(exchanges)).turns) == 2 * exchanges
    else:
        with pytest.raises(ValidationError, match=r"at (least|most)"):
            form.model_validate(write(exchanges))


def test_a_line_can_hold_more_than_its_text() -> None:
    form = shape_script(1, 2, DraftLine)
    assert [
        line.part for line in form.model_validate(write(1, part="history")).turns if isinstance(line, DraftLine)
    ] == [
        "history",
        "history",
    ]
    with pytest.raises(ValidationError, match="part"):
        form.model_validate(write(1))


def test_an_impossible_length_is_refused() -> None:
    with pytest.raises(ValueError, match="a talk of 3 to 2 exchanges"):
        shape_script(3, 2)
