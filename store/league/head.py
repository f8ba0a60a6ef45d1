"""Says what stands over the figures of a league: whose words these are, on which seeds, and what they do not show."""

from collections.abc import Iterator

from store.league.figures import Standings
from store.league.table import tell_skipped
from store.report.words import Words


def list_warnings(standings: Standings, words: Words) -> list[str]:
    """Return what must be said before any figure."""
    warnings = []
    if standings.rehearsed:
        key = "league_rehearsed" if standings.is_all_rehearsed else "league_rehearsed_partly"
        warnings.append(words.say(key, models=", ".join(standings.rehearsed)))
    if not standings.is_whole:
        warnings.append(words.say("league_unfinished"))
    if not standings.is_judged:
        warnings.append(words.say("league_unjudged"))
    return warnings


def list_models(standings: Standings, words: Words) -> Iterator[str]:
    """Yield each role with the models that played it, and the judge."""
    models: dict[str, set[str]] = {}
    for one in standings.played:
        for role, names in one.models.items():
            models.setdefault(role, set()).update(names)
    for role in sorted(models, key=lambda role: (role not in ("counselor", "client"), role)):
        yield words.say("league_whose_told", role=words.name(role), models=", ".join(sorted(models[role])))
    yield words.say("league_whose_told", role=words.say("league_judge"), models=standings.judge)


def list_notes(standings: Standings, words: Words) -> Iterator[str]:
    """Yield which seeds were played, which were not and why, and what judging took."""
    league = standings.league
    last = league.first_position + league.count - 1
    yield words.say("league_seeds_told", first=league.first_position, last=last, source=league.source)
    yield from tell_skipped(standings, words)
    yield tell_judging(standings, words)


def tell_judging(standings: Standings, words: Words) -> str:
    """Return what judging afterwards took."""
    costs = standings.judging
    if not costs:
        return words.say("league_judging_none")
    tokens = sum(cost.prompt_tokens + cost.completion_tokens for cost in costs)
    priced = " + ".join(f"{cost.price:,.2f} {cost.currency}" for cost in costs if cost.unpriced < cost.calls)
    calls = f"{sum(cost.calls for cost in costs):,}"
    return words.say("league_judging", calls=calls, tokens=f"{tokens:,}", cost=priced or words.say("league_no_cost"))


def name_league(standings: Standings, words: Words) -> str:
    """Return the title."""
    league = standings.league
    return words.say("league_title", name=league.name, recipes=len(league.recipes), count=f"{league.count:,}")
