"""Nobody sees what others said of a dialogue before their own verdict, but who settles a dispute sees both sides."""

import pytest

from store.blind import list_verdicts, may_settle, sees_others
from store.standing import Review

ACCEPT = Review("accept", reviewer="ann", id=1, wanted=2)
REJECT = Review("reject", reviewer="bo", id=2, wanted=2)
SETTLED = Review("reject", True, "cy", id=3, wanted=2)


@pytest.mark.parametrize(
    ("log", "sees"),
    [
        ([], False),
        ([Review("accept", reviewer="ann", id=1)], False),
        ([Review("comment", reviewer="bo", id=1), ACCEPT], False),
        ([ACCEPT, Review("accept", reviewer="bo", id=2, wanted=2)], False),
        ([Review("accept", reviewer="ann", id=1, wanted=3), Review("reject", reviewer="bo", id=2, wanted=3)], False),
        ([ACCEPT, REJECT], True),
        ([ACCEPT, REJECT, SETTLED], True),
        ([ACCEPT, Review("accept", reviewer="cy", id=2, wanted=2)], True),
        ([Review("skip", reviewer="cy", id=1), ACCEPT], False),
        ([ACCEPT, Review("reject", reviewer="cy", id=2), Review("undo", reviewer="cy", id=3, undoes=2)], False),
        ([ACCEPT, Review("reject", reviewer="cy", id=2), Review("edit", reviewer="bo", id=3)], False),
    ],
)
def test_cy_sees_others_after_a_verdict_on_the_text_or_where_all_who_were_asked_disagree(
    log: list[Review], sees: bool
) -> None:
    assert sees_others(log, "cy") is sees


def test_of_each_person_the_last_verdict_on_the_text_as_it_reads_counts() -> None:
    again = Review("reject", reviewer="ann", id=4)
    assert list_verdicts([ACCEPT, REJECT, again]) == {"ann": again, "bo": REJECT}
    assert list_verdicts([ACCEPT, Review("edit", reviewer="bo", id=5), again]) == {"ann": again}


def test_a_third_person_settles_what_two_disagree_on_and_may_settle_it_again() -> None:
    assert may_settle([ACCEPT, REJECT], "cy")
    assert not may_settle([ACCEPT, REJECT], "ann")
    assert not may_settle([ACCEPT], "cy")
    assert may_settle([ACCEPT, REJECT, SETTLED], "cy")
