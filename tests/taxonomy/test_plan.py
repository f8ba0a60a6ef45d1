"""The plan is seeded, balanced at every point, and the same whatever was asked for before."""

import os
import subprocess
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from taxonomy.deck import Deck
from taxonomy.plan import Planner, SessionPlan, draw_seed
from taxonomy.schema import Taxonomy, load_taxonomy

FILE = Path("taxonomy/emotions.yaml")
ATTRIBUTES = ("risk", "gender", "attitude", "style", "approach", "exchanges", "ending")
# What one seed draws is a promise: a resumed run on another machine plans the same sessions.
SEED_OF_0_0 = 34920898
PINNED = "acbabaabacabbacaba"


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return load_taxonomy(FILE)


@pytest.fixture(scope="module")
def sessions(taxonomy: Taxonomy) -> list[SessionPlan]:
    planner = Planner(taxonomy, 7)
    return [planner.session(position) for position in range(4800)]


def test_one_seed_gives_one_plan_and_another_seed_another(taxonomy: Taxonomy, sessions: list[SessionPlan]) -> None:
    again, other = Planner(taxonomy, 7), Planner(taxonomy, 8)
    assert [again.session(position) for position in range(500)] == sessions[:500]
    cells = [other.session(position).cell for position in range(480)]
    assert cells != [session.cell for session in sessions[:480]]


def test_a_session_does_not_depend_on_what_was_asked_before(taxonomy: Taxonomy, sessions: list[SessionPlan]) -> None:
    planner = Planner(taxonomy, 7)
    for position in (4799, 0, 481, 479, 2400, 12):
        assert planner.session(position) == sessions[position]
    with pytest.raises(ValueError, match="the first is 0"):
        planner.session(-1)


def test_the_plan_is_the_same_in_another_process(sessions: list[SessionPlan]) -> None:
    code = (
        "from pathlib import Path; from taxonomy.schema import load_taxonomy;"
        "from taxonomy.plan import Planner;"
        f"planner = Planner(load_taxonomy(Path({str(FILE)!r})), 7);"
        "print([planner.session(position) for position in (0, 5, 600)])"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert told.stdout.strip() == str([sessions[position] for position in (0, 5, 600)])


def test_each_block_holds_every_cell_once_in_another_order(taxonomy: Taxonomy, sessions: list[SessionPlan]) -> None:
    orders = [[s.cell for s in sessions[start : start + 480]] for start in range(0, 4800, 480)]
    for order in orders:
        assert set(order) == set(taxonomy.cells)
        assert len(order) == 480
    assert len({tuple(order) for order in orders}) == len(orders)


def test_every_ten_sessions_hold_every_family(taxonomy: Taxonomy, sessions: list[SessionPlan]) -> None:
    for start in range(0, 4800, 10):
        ten = sessions[start : start + 10]
        assert len({taxonomy.emotion(s.cell.emotion).family for s in ten if s.cell}) == 10


def test_every_opening_of_the_plan_is_balanced(taxonomy: Taxonomy, sessions: list[SessionPlan]) -> None:
    cells = taxonomy.cells

    def name_groups(emotion: str, scene: str) -> tuple[Any, ...]:
        family, life = taxonomy.emotion(emotion).family, taxonomy.scene(scene).life
        return (family, life, (family, life), emotion, scene)

    sizes = Counter(group for cell in cells for group in name_groups(*cell))
    used: Counter[Any] = Counter()
    for count, session in enumerate(sessions[:960], 1):
        assert session.cell
        used.update(name_groups(*session.cell))
        for group, size in sizes.items():
            assert abs(used[group] - count * size / len(cells)) <= 2.2, (count, group)


def test_risk_has_its_share_in_every_family(taxonomy: Taxonomy, sessions: list[SessionPlan]) -> None:
    for size, slack in ((100, 2), (480, 3), (4800, 10)):
        risks = Counter(session.risk for session in sessions[:size])
        assert abs(risks["passive"] - 0.07 * size) <= slack
        assert abs(risks["active"] - 0.03 * size) <= slack
    by_family = Counter((taxonomy.emotion(s.cell.emotion).family, s.risk) for s in sessions if s.cell)
    for family in taxonomy.families:
        assert abs(by_family[family.id, "passive"] - 0.07 * 480) <= 2
        assert abs(by_family[family.id, "active"] - 0.03 * 480) <= 2


def test_people_and_styles_come_in_their_shares(sessions: list[SessionPlan]) -> None:
    for size in (100, 480, 4800):
        part = sessions[:size]
        slack = 0.02 * size + 2
        genders = Counter(session.gender for session in part)
        assert abs(genders["female"] - genders["male"]) <= 2
        attitudes = Counter(session.attitude for session in part)
        assert abs(attitudes["open"] - 0.35 * size) <= slack
        assert abs(attitudes["neutral"] - 0.40 * size) <= slack
        assert abs(attitudes["resistant"] - 0.25 * size) <= slack
        approaches = Counter(session.approach for session in part)
        assert len(approaches) == 6
        assert max(approaches.values()) - min(approaches.values()) <= 2
        styles = Counter(session.style for session in part)
        assert min(styles.values()) >= 0.1 * size
        for trait in sessions[0].big_five:
            levels = Counter(session.big_five[trait] for session in part)
            assert abs(levels["low"] - levels["high"]) <= 3


def test_lengths_and_endings_come_in_their_shares(sessions: list[SessionPlan]) -> None:
    size = len(sessions)
    assert {session.exchanges for session in sessions} == set(range(8, 21))
    short = sum(session.exchanges <= 11 for session in sessions) / size
    long = sum(session.exchanges >= 17 for session in sessions) / size
    assert abs(short - 0.35) < 0.01
    assert abs(long - 0.20) < 0.01
    assert all(s.exchanges <= 11 for s in sessions if s.ending == "leaves_early")
    endings = Counter(session.ending for session in sessions)
    assert len(endings) == 9
    worse = endings["no_change"] + endings["more_upset"]
    assert worse / size >= 0.10
    assert (worse + endings["leaves_early"]) / size <= 0.151
    assert (endings["out_of_time"] + endings["referral_half"]) / size >= 0.08


def test_ages_fit_the_scene_and_cover_its_range(taxonomy: Taxonomy, sessions: list[SessionPlan]) -> None:
    ages: dict[str, list[int]] = {}
    for session in sessions:
        assert session.cell
        assert session.age
        ages.setdefault(session.cell.scene, []).append(session.age)
    for scene in taxonomy.scenes:
        youngest, oldest = scene.ages
        margin = 2 + (oldest - youngest) // 10
        assert youngest <= min(ages[scene.code]) <= youngest + margin
        assert oldest - margin <= max(ages[scene.code]) <= oldest
    minors = [s for s in sessions if s.age and s.age < 18 and s.cell]
    assert 0.08 < len(minors) / len(sessions) < 0.2
    assert {s.cell.scene[0] for s in minors if s.cell} == {"S", "L"}


def test_no_attribute_follows_another_or_the_cell(taxonomy: Taxonomy, sessions: list[SessionPlan]) -> None:
    rows = [
        {name: getattr(session, name) for name in ATTRIBUTES if name != "exchanges"}
        | dict(session.big_five)
        | {"length": (session.exchanges - 8) // 4, "parity": session.position % 2}
        | {"family": taxonomy.emotion(session.cell.emotion).family, "life": session.cell.scene[0]}
        for session in sessions
        if session.cell and session.ending != "leaves_early"
    ]
    for one, other in combinations(rows[0], 2):
        if {one, other} <= {"parity", "gender"}:
            continue
        joint = Counter((row[one], row[other]) for row in rows)
        left, right = Counter(row[one] for row in rows), Counter(row[other] for row in rows)
        for a in left:
            for b in right:
                expected = left[a] * right[b] / len(rows)
                assert abs(joint[a, b] - expected) < 5 * expected**0.5 + 3, (one, a, other, b)


def test_a_session_for_a_text_keeps_the_draws_and_drops_the_person(taxonomy: Taxonomy) -> None:
    planner = Planner(taxonomy, 7)
    for position in (0, 33, 700):
        cell, text = planner.session(position), planner.session_for_text(position)
        assert (text.cell, text.age, text.gender, text.risk) == (None, None, None, "none")
        for name in ("seed", "attitude", "style", "big_five", "approach", "exchanges", "ending"):
            assert getattr(text, name) == getattr(cell, name)


def test_session_seeds_differ_and_fit_in_31_bits(sessions: list[SessionPlan]) -> None:
    seeds = {session.seed for session in sessions}
    assert len(seeds) == len(sessions)
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert draw_seed(0, 0) == SEED_OF_0_0


def test_a_deck_deals_the_same_cards_on_every_machine() -> None:
    deck = Deck("pinned", {"a": 3, "b": 2, "c": 1})
    assert "".join(deck.draw(index) for index in range(18)) == PINNED
    assert "".join(deck.draw(index) for index in reversed(range(18))) == PINNED[::-1]
