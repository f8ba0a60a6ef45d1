"""A list holds what its filter asks for, in its order, a page at a time, whatever comes in between."""

import random
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event, text

from store.cards import POSITION_BITS, refresh_cards
from store.db import Database, open_db
from store.facets import count_facets
from store.filters import Filter, read_filter
from store.listing import Card, list_ids, list_page
from store.orders import draw_start
from store.records import DecisionRecord
from store.reviews import Said, say
from taxonomy.refusal import InputError
from tests.store.made_talks import EMOTIONS, make_talk, save, start

DAY = 86_400.0
ASKED: list[dict[str, str]] = [
    {},
    {"emotion": "panic"},
    {"family": "anxiety"},
    {"family": "nothing of ours"},
    {"scene": "S01", "standing": "waiting"},
    {"life": "study"},
    {"recipe": "smile"},
    {"model": "model-2"},
    {"run": "2"},
    {"run": "2", "emotion": "guilt"},
    {"run": "2", "text": "失眠"},
    {"language": "en", "outcome": "done"},
    {"flagged": "yes"},
    {"flagged": "no", "commented": "no"},
    {"commented": "yes", "crisis": "no"},
    {"crisis": "yes"},
    {"rehearsal": "no"},
    {"rehearsal": "yes", "edited": "no"},
    {"edited": "yes"},
    {"disputed": "yes"},
    {"rule": "lecture"},
    {"rule": "lecture", "text": "考试"},
    {"reviewer": "ann"},
    {"rubric": "session"},
    {"rubric": "session", "score_from": "2.5", "score_to": "4"},
    {"rubric": "ctrs", "score_from": "3", "rule": "empty"},
    {"date_from": "1971-01-05", "date_to": "1971-01-20"},
    {"exchanges_from": "2", "exchanges_to": "3"},
    {"text": "失眠很"},
    {"text": "sleep 考试"},
    {"standing": "accepted", "language": "zh", "emotion": "social_anxiety", "rehearsal": "yes"},
]
SORTS = ("newest", "oldest", "danger", "disputed", "random-7", "random-8", "score_up", "score_down")


@pytest.fixture
def talks(database: Database) -> Database:
    """Return a database with 120 talks of two recipes, of which people said something."""
    chance = random.Random(3)
    for recipe, model in (("session", "model-1"), ("smile", "model-2")):
        run = start(database, 60, recipe)
        for position in range(60):
            save(database, make_talk(run, position, chance, recipe), model=model, now=366 * DAY + position * DAY / 2)
    ids = [f"{run}/{position}" for run in (1, 2) for position in range(60)]
    for id in chance.sample(ids, 40):
        say(database, Said(dialogue_id=id, reviewer=chance.choice(("ann", "ben")), word="accept"))
    for id in chance.sample(ids, 40):
        say(database, Said(dialogue_id=id, reviewer="cleo", word="reject", reasons=["other"]))
    for id in chance.sample(ids, 10):
        say(database, Said(dialogue_id=id, reviewer="ann", word="edit", number=0, text="改过的话，失眠很久"))
        say(database, Said(dialogue_id=chance.choice(ids), reviewer="ben", word="flag", number=0))
        say(database, Said(dialogue_id=chance.choice(ids), reviewer="ben", word="comment", comment="嗯"))
    refresh_cards(database)
    return database


def read_all(database: Database) -> list[tuple[Card, list[str], set[str]]]:
    """Return every card with the lines of its talk and who judged it, read without a filter."""
    with database.connect() as db:
        said: dict[str, list[str]] = {}
        for id, line in db.execute(text('SELECT dialogue_id, "text" FROM utterances ORDER BY dialogue_id, number')):
            said.setdefault(id, []).append(line)
        judged: dict[int, set[str]] = {}
        for id, name in db.execute(text("SELECT card_id, reviewer FROM card_judges")):
            judged.setdefault(id, set()).add(name)
    return [(card, said[card.dialogue_id], judged.get(card.id, set())) for card in pages(database, Filter(), 500)]


def pages(database: Database, asked: Filter, size: int, viewer: str = "") -> list[Card]:
    """Return all cards of a filter, read a page at a time."""
    cards: list[Card] = []
    after = None
    while True:
        page = list_page(database, asked, after, size, viewer)
        assert len(page.cards) <= size
        cards += page.cards
        if page.next is None:
            assert page.count == len(cards) or len(cards) > page.count == 10_000
            return cards
        after = page.next


def matches(asked: dict[str, str], card: Card, lines: list[str], judges: set[str]) -> bool:
    """Whether a card is what a filter asks for, by plain Python."""
    family = {"panic": "fear", "social_anxiety": "anxiety", "guilt": "guilt"}
    tests: dict[str, Callable[[str], bool]] = {
        **{name: lambda v, name=name: getattr(card, name) == v for name in  # type: ignore[misc]
           ("emotion", "scene", "recipe", "model", "language", "outcome", "standing")},
        "family": lambda v: family[str(card.emotion)] == v,
        "life": lambda v: {"S": "study", "W": "work"}[str(card.scene)[0]] == v,
        "run": lambda v: card.run_id == int(v),
        "flagged": lambda v: (card.flags > 0) == (v == "yes"),
        "commented": lambda v: (card.comments > 0) == (v == "yes"),
        "crisis": lambda v: card.is_crisis == (v == "yes"),
        "rehearsal": lambda v: card.is_rehearsal == (v == "yes"),
        "edited": lambda v: card.is_edited == (v == "yes"),
        "disputed": lambda v: card.is_disputed == (v == "yes"),
        "rule": lambda v: v in card.rules,
        "reviewer": lambda v: v in judges,
        "rubric": lambda v: v in card.scores,
        "score_from": lambda v: card.scores.get(asked["rubric"], -1.0) >= float(v),
        "score_to": lambda v: card.scores.get(asked["rubric"], 99.0) <= float(v),
        "date_from": lambda v: date.fromtimestamp(card.created_at) >= date.fromisoformat(v),
        "date_to": lambda v: date.fromtimestamp(card.created_at) <= date.fromisoformat(v),
        "exchanges_from": lambda v: card.exchanges >= int(v),
        "exchanges_to": lambda v: card.exchanges <= int(v),
        "sort": lambda v: True,
        "text": lambda v: all(any(word in line for line in lines) for word in v.split()),
    }  # fmt: skip
    return all(tests[name](value) for name, value in asked.items())


def order(cards: Iterable[Card], sort: str, rubric: str) -> list[int]:
    """Return the ids of cards in an order, by plain Python."""
    start = draw_start(sort)
    keys: dict[str, Callable[[Card], Any]] = {
        "newest": lambda card: -card.id,
        "oldest": lambda card: card.id,
        "danger": lambda card: (card.priority, -card.id),
        "disputed": lambda card: (not card.is_disputed, -card.id),
        "score_up": lambda card: (card.scores[rubric], card.id),
        "score_down": lambda card: (-card.scores[rubric], -card.id),
    }
    by_chance: Callable[[Card], Any] = lambda card: (card.shuffle < start, card.shuffle, card.id)  # noqa: E731
    return [card.id for card in sorted(cards, key=keys.get(sort, by_chance))]


def list_asked() -> list[dict[str, str]]:
    """Return every filter in every order; an order by scores is one by a rubric."""
    return [
        {"rubric": "session"} | asked | {"sort": sort} if sort.startswith("score") else asked | {"sort": sort}
        for asked in ASKED
        for sort in SORTS
    ]


def test_every_filter_in_every_order_holds_what_plain_python_finds(talks: Database) -> None:
    known = read_all(talks)
    assert len(known) == 120
    found = 0
    for asked in list_asked():
        expected = [card for card, lines, judges in known if matches(asked, card, lines, judges)]
        listed = pages(talks, read_filter(asked), 13)
        assert [card.id for card in listed] == order(expected, asked["sort"], asked.get("rubric", "")), asked
        found += bool(listed)
    assert found > 0.9 * len(list_asked())


@pytest.mark.parametrize("bounds", [{"PROBED": 3}, {"SORTED": 3}, {"PROBED": 3, "SORTED": 0}])
def test_a_filter_that_many_match_is_reached_another_way_and_holds_the_same(
    talks: Database, bounds: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [list(list_ids(talks, read_filter(asked), 1_000)) for asked in list_asked()]
    monkeypatch.setattr("store.routes.REMEMBERED_S", 0.0)
    for name, value in bounds.items():
        monkeypatch.setattr(f"store.routes.{name}", value)
    assert [list(list_ids(talks, read_filter(asked), 1_000)) for asked in list_asked()] == expected


def test_a_count_is_exact_or_says_that_there_are_more(talks: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Filter(language="zh", recipe="session")
    whole = len(list(list_ids(talks, asked, 1_000)))
    page = list_page(talks, asked, size=5)
    assert (page.count, page.is_more) == (whole, False)
    monkeypatch.setattr("store.routes.REMEMBERED_S", 0.0)
    monkeypatch.setattr("store.routes.SCANNED", 20)
    bounded = list_page(talks, replace(asked, sort="oldest", exchanges_from=1), size=5)
    assert bounded.is_more
    assert 5 <= bounded.count < whole


def test_a_page_stays_where_it_is_while_talks_come_in(talks: Database) -> None:
    asked = Filter(sort="newest")
    expected = [card.id for card in pages(talks, asked, 10)]
    first = list_page(talks, asked, size=10)
    run, chance = start(talks, 30), random.Random(5)
    for position in range(30):
        save(talks, make_talk(run, position, chance))
    refresh_cards(talks)
    seen = [card.id for card in first.cards]
    after = first.next
    while after is not None:
        page = list_page(talks, asked, after, 10)
        seen += [card.id for card in page.cards]
        after = page.next
    assert seen == expected
    assert list_page(talks, asked).cards[0].id == run.id << POSITION_BITS | 29


def test_a_place_that_nobody_gave_out_is_told_in_one_line(talks: Database) -> None:
    for wrong in (
        "",
        "x",
        "0~1",
        "9~0.0~1",
        "0~nan~1",
        "0~0~-1",
        "0~1~2~3",
        "0~0~" + "9" * 40,
        "0~1e999~4",
        "~~",
        "\x00",
    ):
        with pytest.raises(InputError, match="no place in the list"):
            list_page(talks, Filter(), wrong)


def test_what_others_said_is_hidden_from_whoever_has_not_judged(talks: Database) -> None:
    whole = {card.id: card for card, _, _ in read_all(talks)}
    known = {card.id: judges for card, _, judges in read_all(talks)}
    settled = {id for id, card in whole.items() if card.is_settled}
    mine = pages(talks, Filter(reviewer="ann"), 50, viewer="ann")
    assert {card.id for card in mine} == {id for id, judges in known.items() if "ann" in judges}
    seen = pages(talks, Filter(reviewer="cleo"), 50, viewer="ann")
    assert 0 < len(seen) < sum("cleo" in judges for judges in known.values())
    assert all("ann" in known[card.id] or card.id in settled for card in seen)
    for asked in (Filter(disputed=True), Filter(flagged=True), Filter(commented=True)):
        for card in pages(talks, asked, 50, viewer="ann"):
            assert "ann" in known[card.id] or card.id in settled or not known[card.id]
    listed = pages(talks, Filter(), 50, viewer="ann")
    told = {id for id, judges in known.items() if judges and "ann" not in judges} - settled
    for card in listed:
        if card.id in told:
            assert (card.given, card.flags, card.comments, card.is_disputed, card.reviewed_at) == (0, 0, 0, False, None)
        elif "ann" in known[card.id]:
            assert card == whole[card.id]
    assert any(whole[card.id].standing != card.standing for card in listed if card.id in told)
    for standing in ("accepted", "rejected", "waiting"):
        found = {card.id for card in pages(talks, Filter(standing=standing), 50, viewer="ann")}
        assert found == {card.id for card in listed if card.standing == standing}


def test_a_talk_that_another_person_rejected_stands_as_if_nobody_had(database: Database) -> None:
    run, chance = start(database, 1), random.Random(1)
    told: dict[str, Any] = {"outcome": "done", "risk_tier": "none", "is_crisis": False}
    save(database, make_talk(run, 0, chance, **told, decision=DecisionRecord("default", 1, "accept", (), "{}")))
    say(database, Said(dialogue_id="1/0", reviewer="ann", word="reject", reasons=["other"], wanted=2))
    refresh_cards(database)
    rejected = Filter(standing="rejected")
    assert list(list_ids(database, rejected, 9)) == list(list_ids(database, rejected, 9, "ann")) == ["1/0"]
    assert list(list_ids(database, rejected, 9, "ben")) == []
    assert list_page(database, Filter(standing="accepted"), viewer="ben").cards[0].standing == "accepted"
    say(database, Said(dialogue_id="1/0", reviewer="cleo", word="accept", wanted=2))
    refresh_cards(database)
    # All who were asked disagree: whoever is to settle it may see both.
    assert list_page(database, Filter(disputed=True), viewer="ben").cards[0].standing == "waiting"


def test_every_part_of_a_filter_is_counted_for_its_form(talks: Database) -> None:
    facets = count_facets(talks)
    cards = [card for card, _, _ in read_all(talks)]
    for name in ("emotion", "scene", "recipe", "model", "language", "outcome", "standing"):
        told = {facet.value: facet.count for facet in facets[name]}
        values = [getattr(card, name) for card in cards]
        assert told == {value: values.count(value) for value in set(values)}
    assert {facet.value for facet in facets["emotion"]} == set(EMOTIONS)
    assert {facet.value: facet.count for facet in facets["run"]} == {"1": 60, "2": 60}
    assert {facet.value for facet in facets["reviewer"]} == {"ann", "ben", "cleo"}
    assert [facet.count for facet in facets["crisis"]] == [sum(card.is_crisis for card in cards)]
    rules = [rule for card in cards for rule in card.rules]
    assert {facet.value: facet.count for facet in facets["rule"]} == {rule: rules.count(rule) for rule in set(rules)}


def test_lists_are_read_while_a_run_writes(tmp_path: Any) -> None:
    database = open_db(f"sqlite:///{tmp_path}/factory.db")
    run = start(database, 200)
    done = threading.Event()

    def write() -> None:
        writer, chance = open_db(f"sqlite:///{tmp_path}/factory.db"), random.Random(2)
        for position in range(200):
            save(writer, make_talk(run, position, chance))
        writer.dispose()
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    counts = []
    while not done.is_set():
        refresh_cards(database, 20)
        cards = pages_once(database)
        assert len({card.id for card in cards}) == len(cards)
        counts.append(len(cards))
    thread.join()
    refresh_cards(database)
    assert counts == sorted(counts)
    assert len(pages_once(database)) == 200
    database.dispose()


def pages_once(database: Database) -> list[Card]:
    """Return all cards in the order of the plan."""
    cards: list[Card] = []
    after = None
    while True:
        page = list_page(database, Filter(sort="oldest"), after, 40)
        cards += page.cards
        after = page.next
        if after is None:
            return cards


def test_lists_are_reached_by_an_index_and_never_sorted_in_their_own_order(tmp_path: Any) -> None:
    database = open_db(f"sqlite:///{tmp_path}/factory.db")
    run, chance = start(database, 40), random.Random(1)
    for position in range(40):
        save(database, make_talk(run, position, chance))
    refresh_cards(database)
    asked: list[tuple[str, Any]] = []

    @event.listens_for(database, "before_cursor_execute")
    def hear(connection: Any, cursor: Any, query: str, values: Any, context: Any, is_many: bool) -> None:
        if "ORDER BY" in query:
            asked.append((query, values))

    for one in ASKED:
        if not one.keys() & {"family", "life", "date_from", "score_from"}:
            list_page(database, read_filter(one))
    with database.connect() as db:
        for query, values in list(asked):
            plan = [row[-1] for row in db.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)]
            assert not any("TEMP B-TREE" in step for step in plan), (query, plan)
            whole = [step for step in plan if step.startswith("SCAN") and "VIRTUAL" not in step]
            assert not whole or "INDEXED BY" not in query, (query, plan)
    assert len(asked) > 20
    database.dispose()
