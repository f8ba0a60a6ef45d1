"""The plan of sessions: who comes with what, drawn from one seed; a short plan opens a longer one.

Cells come in blocks that hold each cell once. Each ten sessions of the shipped taxonomy hold every
family once, and at every point of the plan families, life scenes, feelings and sub-scenes stand
within two sessions of their even share. Every other attribute has a deck of its own, shuffled by
itself, so none of them follows another or the cell.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from taxonomy.deck import Deck
from taxonomy.layout import Layout
from taxonomy.schema import Cell, Risk, Taxonomy

Gender = Literal["female", "male"]
Attitude = Literal["open", "neutral", "resistant"]
Style = Literal["plain", "terse", "rambling", "bodily", "guarded", "ironic"]
Level = Literal["low", "middle", "high"]
Trait = Literal["openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism"]
Approach = Literal["person_centred", "cbt", "sfbt", "act", "mi", "integrative"]
Ending = Literal[
    "lighter",
    "relief",
    "small_step",
    "no_change",
    "out_of_time",
    "referral_accepted",
    "referral_half",
    "leaves_early",
    "more_upset",
]

GENDERS: Mapping[Gender, int] = {"female": 5, "male": 5}
ATTITUDES: Mapping[Attitude, int] = {"open": 35, "neutral": 40, "resistant": 25}
# Joking it away is the rarest of the ways to talk round a thing.
STYLES: Mapping[Style, int] = {
    "plain": 5,
    "terse": 4,
    "rambling": 4,
    "bodily": 4,
    "guarded": 4,
    "ironic": 3,
}
LEVELS: Mapping[Level, int] = {"low": 6, "middle": 8, "high": 6}
TRAITS: tuple[Trait, ...] = (
    "openness",
    "conscientiousness",
    "extraversion",
    "agreeableness",
    "neuroticism",
)
APPROACHES: Mapping[Approach, int] = dict.fromkeys(("person_centred", "cbt", "sfbt", "act", "mi", "integrative"), 4)

# Per cent of sessions. No study gives a distribution for single meetings: this is a clinical guess
# that keeps one promise. 15 % end unchanged or worse (no_change, more_upset, and leaves_early,
# where nobody can tell), and 11 % more without a visible gain (out_of_time, referral_half). A
# crisis hand-over is never drawn: it follows risk.
ENDINGS: Mapping[Ending, int] = {
    "lighter": 35,
    "relief": 13,
    "small_step": 21,
    "no_change": 8,
    "out_of_time": 8,
    "referral_accepted": 5,
    "referral_half": 3,
    "leaves_early": 4,
    "more_upset": 3,
}

# Exchanges: 8-11 in 35 % of sessions, 12-16 in 45 %, 17-20 in 20 %. Who leaves early does so in a
# short session, so of the 96 % who stay, 31 are short: over all sessions the shares hold.
SHORT, STANDARD, LONG = range(8, 12), range(12, 17), range(17, 21)
LENGTHS: Mapping[int, int] = (
    dict.fromkeys(SHORT, 31 * 5) | dict.fromkeys(STANDARD, 45 * 4) | dict.fromkeys(LONG, 20 * 5)
)
SHORT_LENGTHS: Mapping[int, int] = dict.fromkeys(SHORT, 5)
# Risk shares are dealt in thousandths.
THOUSAND = 1000


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """What one session is to be; one planned for a person's own text has no cell, age or gender."""

    position: int
    seed: int
    cell: Cell | None
    risk: Risk
    age: int | None
    gender: Gender | None
    attitude: Attitude
    style: Style
    big_five: dict[str, Level]
    approach: Approach
    exchanges: int
    ending: Ending


class Planner:
    """Plans any session of a seed by its position, without planning those before it."""

    def __init__(self, taxonomy: Taxonomy, seed: int) -> None:
        self._seed = seed
        self._layout = Layout(taxonomy, f"{seed}/cells")
        shares = _count_shares({tier.id: tier.share for tier in taxonomy.risk_tiers})
        lanes = len(taxonomy.families)
        self._risks = {
            family.id: Deck(f"{seed}/risk", shares, lane, lanes) for lane, family in enumerate(taxonomy.families)
        }
        self._genders = Deck(f"{seed}/gender", GENDERS)
        self._attitudes = Deck(f"{seed}/attitude", ATTITUDES)
        self._styles = Deck(f"{seed}/style", STYLES)
        self._traits = {trait: Deck(f"{seed}/{trait}", LEVELS) for trait in TRAITS}
        self._approaches = Deck(f"{seed}/approach", APPROACHES)
        self._endings = Deck(f"{seed}/ending", ENDINGS)
        self._lengths = Deck(f"{seed}/length", LENGTHS)
        self._short_lengths = Deck(f"{seed}/short", SHORT_LENGTHS)

    def session(self, position: int) -> SessionPlan:
        """Return the session at this position: a cell, and a client who could live it."""
        _check_position(position)
        block, place = self._layout.place(position)
        occurrence = block * self._layout.count_family(place.family) + place.family_before
        risk = self._risks[place.family].draw(occurrence)
        return self._plan(position, place.cell, risk, place.age, self._genders.draw(position))

    def session_for_text(self, position: int) -> SessionPlan:
        """Return the session at this position for a person's own text, which brings its topic."""
        _check_position(position)
        return self._plan(position, None, "none", None, None)

    def session_for_cell(
        self, position: int, cell: Cell, risk: Risk, age: int | None, gender: Gender | None
    ) -> SessionPlan:
        """Return the session at this position for somebody who is settled already: a scenario brings its person."""
        _check_position(position)
        return self._plan(position, cell, risk, age, gender)

    def _plan(
        self, position: int, cell: Cell | None, risk: Risk, age: int | None, gender: Gender | None
    ) -> SessionPlan:
        ending = self._endings.draw(position)
        lengths = self._short_lengths if ending == "leaves_early" else self._lengths
        return SessionPlan(
            position=position,
            seed=draw_seed(self._seed, position),
            cell=cell,
            risk=risk,
            age=age,
            gender=gender,
            attitude=self._attitudes.draw(position),
            style=self._styles.draw(position),
            big_five={trait: deck.draw(position) for trait, deck in self._traits.items()},
            approach=self._approaches.draw(position),
            exchanges=lengths.draw(position),
            ending=ending,
        )


def draw_seed(seed: int, position: int) -> int:
    """Return the seed of one session's own randomness, 0..2**31-1."""
    digest = blake2b(f"{seed}/session/{position}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") & 0x7FFFFFFF


def _check_position(position: int) -> None:
    if position < 0:
        raise ValueError(f"position {position} of a plan: the first is 0")


def _count_shares(shares: Mapping[Risk, float]) -> dict[Risk, int]:
    """Return the shares in thousandths; what rounding leaves over goes to the largest."""
    counts = {tier: round(share * THOUSAND) for tier, share in shares.items()}
    largest = max(counts, key=lambda tier: counts[tier])
    counts[largest] += THOUSAND - sum(counts.values())
    return counts
