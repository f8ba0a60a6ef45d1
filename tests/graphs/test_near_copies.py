"""A dialogue that nearly repeats a stored one is known for it the moment it is finished."""

from tests.graphs.conftest import Factory, read_rows


def test_a_session_that_comes_out_the_same_again_is_rejected_as_a_copy(factory: Factory) -> None:
    factory("--count", 3)
    assert read_rows("SELECT count(*) FROM findings WHERE rule = 'near_copy'")[0][0] == 0
    assert factory("--count", 3, "--fresh").code == 0
    copies = read_rows("SELECT dialogue_id, severity, reason FROM findings WHERE rule = 'near_copy' ORDER BY 1")
    assert [(row.dialogue_id, row.severity) for row in copies] == [
        ("2/0", "reject"),
        ("2/1", "reject"),
        ("2/2", "reject"),
    ]
    assert "nearly the same as dialogue 1/0 (Jaccard 1.00" in copies[0].reason
    choices = read_rows("SELECT dialogue_id, choice FROM decisions ORDER BY dialogue_id")
    assert {row.choice for row in choices if row.dialogue_id.startswith("2/")} == {"reject"}
    assert {row.choice for row in choices if row.dialogue_id.startswith("1/")} == {"accept"}


def test_sessions_of_one_plan_are_no_copies_of_each_other(factory: Factory) -> None:
    factory("--count", 24, "--language", "en")
    assert read_rows("SELECT count(*) FROM findings WHERE rule = 'near_copy'")[0][0] == 0
    assert read_rows("SELECT count(DISTINCT dialogue_id) FROM bands")[0][0] == 24
