"""Makes rows without branches: a talk with all its thoughts, or up to a reply with the earlier thoughts left out."""

from collections.abc import Sequence

from train.targets.row import NOT_LEARNED, Row
from train.targets.segments import Said


def make_whole(said: Sequence[Said], newline: list[int]) -> list[Row]:
    """Return a talk as one row that shows every thought and learns what is to be learned; none where nothing is."""
    if not any(each.is_learned for each in said):
        return []
    ids: list[int] = []
    labels: list[int] = []
    for each in said:
        body = each.thoughtful or each.bare
        ids += [*each.opening, *body, *newline]
        labels += [NOT_LEARNED] * len(each.opening)
        labels += body if each.is_learned else [NOT_LEARNED] * len(body)
        labels += [NOT_LEARNED] * len(newline)
    return [Row(ids, labels, list(range(len(ids))))]


def make_turns(said: Sequence[Said], newline: list[int], *, only_last: bool) -> list[Row]:
    """Return a row for each learned reply, or for the last alone: the talk up to it as a server shows it, then it."""
    places = [place for place, each in enumerate(said) if each.is_learned]
    wanted = set(places[-1:] if only_last else places)
    rows = []
    history: list[int] = []
    for place, each in enumerate(said):
        if place in wanted:
            body = each.thoughtful or each.bare
            ids = [*history, *each.opening, *body, *newline]
            before = len(history) + len(each.opening)
            labels = [*[NOT_LEARNED] * before, *body, *[NOT_LEARNED] * len(newline)]
            rows.append(Row(ids, labels, list(range(len(ids)))))
        history += [*each.opening, *each.bare, *newline]
    return rows
