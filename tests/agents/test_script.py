"""A talk that one model writes is well-formed or sent back with what is wrong."""

import pytest

from agents.script import ScriptLine, find_script_fault


def turns(speakers: str) -> list[ScriptLine]:
    """Return a talk by the first letters of who speaks: c for the client, k for the counselor."""
    return [ScriptLine(speaker="client" if one == "c" else "counselor", text="嗯。") for one in speakers]


@pytest.mark.parametrize(
    ("speakers", "fewest", "most", "told"),
    [
        ("ckck", 2, None, None),
        ("ckck", 2, 2, None),
        ("", 1, None, "nobody says anything"),
        ("kckc", 1, None, "line 1 must be the client's"),
        ("cckk", 1, None, "line 2 must be the counselor's"),
        ("ckc", 1, None, "the last line must be the counselor's"),
        ("ckck", 3, None, "2 exchanges; write at least 3"),
        ("ckckck", 1, 2, "3 exchanges; write 1 to 2"),
    ],
)
def test_a_talk_begins_with_the_client_takes_turns_and_ends_with_the_counselor(
    speakers: str, fewest: int, most: int | None, told: str | None
) -> None:
    fault = find_script_fault(turns(speakers), fewest, most)
    assert fault is None if told is None else told in str(fault)
