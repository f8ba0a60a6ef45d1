"""Prepares a league: each recipe's job on one set of seeds that all of them can use, and what it all will take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agents.brief import Brief
from agents.endpoint import Endpoint, load_endpoint
from agents.rubric import Rubric, load_rubric
from agents.transcript import Language
from graphs.config import RunConfig
from graphs.estimate import EXCHANGE, Estimate
from graphs.job import SHIPPED_TAXONOMY, Job, prepare
from graphs.judging.critics import BY_TURN, Question
from graphs.judging.estimate import Asked, estimate_judging
from graphs.recipe import Recipe
from graphs.recipes import load_recipe
from graphs.spending import SAMPLE, estimate
from graphs.units import TextUnits, Units, list_plans
from store.league.entries import Unusable
from store.league.scores import Scale
from store.runs import PlanLine
from taxonomy.refusal import InputError
from taxonomy.schema import load_taxonomy
from taxonomy.source import show_path


@dataclass(frozen=True, slots=True)
class Draw:
    """What is played: a job for each recipe, all on the same units, who judges, and the rows that were left out."""

    jobs: Mapping[str, Job]
    units: Units
    critic: Endpoint
    skipped: Mapping[str, Unusable]

    @property
    def rehearsed(self) -> list[str]:
        """The rehearsal's endpoints, of all that write or judge."""
        return sorted({endpoint.name for endpoint in self.endpoints if endpoint.rehearsal})

    @property
    def endpoints(self) -> list[Endpoint]:
        """All that write or judge."""
        return [self.critic, *(endpoint for job in self.jobs.values() for endpoint in job.endpoints.values())]


def read_recipes(named: str | None) -> list[str]:
    """Return the recipes of --recipes; raises InputError unless there are two, all known and none twice."""
    names = [name.strip() for name in (named or "").split(",") if name.strip()]
    for name in names:
        recipe = load_recipe(name)
        if names.count(name) > 1:
            raise InputError(f"--recipes: {name} is named twice")
        if recipe.makes != "talk":
            raise InputError(f"--recipes: {name} leaves no talk but a {recipe.makes.replace('_', ' ')}; leave it out")
    if len(names) < 2:
        given = f" {named!r}" if named else ""
        raise InputError(f"--recipes{given}: a league needs two recipes or more, as in --recipes session,interactive")
    return names


def draw_seeds(config: RunConfig, names: Sequence[str], environment: Mapping[str, str]) -> Draw:
    """Prepare every recipe on the seeds that all can use; raises InputError for the first thing that is wrong."""
    recipes = [load_recipe(name) for name in names]
    shared, skipped = share_texts(config, recipes) if config.seeds is not None else (None, {})
    jobs = {name: prepare(config.model_copy(update={"recipe": name}), environment) for name in names}
    units = shared or jobs[names[0]].units
    critic = load_endpoint(config.cast.get("critic", config.model), environment)
    return Draw({name: replace(job, units=units) for name, job in jobs.items()}, units, critic, skipped)


def share_texts(config: RunConfig, recipes: Sequence[Recipe]) -> tuple[TextUnits, dict[str, Unusable]]:
    """Return the rows that every recipe can use, and what keeps a recipe from using others.

    A place in the plan is one row and one drawn person for all, so the source names the recipes that chose the rows.
    """
    assert config.seeds is not None
    rows = 0
    unusable: dict[str, Unusable] = {}
    playing = [recipe for recipe in recipes if "text" in recipe.units]

    def find_unfit(brief: Brief) -> str | None:
        nonlocal rows
        rows += 1
        reasons = {recipe.name: reason for recipe in playing if (reason := recipe.find_unfit(brief)) is not None}
        for name, reason in reasons.items():
            told = unusable.get(name, Unusable(0, reason))
            unusable[name] = told._replace(rows=told.rows + 1)
        return next(iter(reasons.values()), None)

    taxonomy = load_taxonomy(config.taxonomy or SHIPPED_TAXONOMY)
    try:
        units = TextUnits(taxonomy, config.seeds, config.field, config.seed, config.language, find_unfit)
    except InputError as error:
        if not rows:
            raise
        raise refuse(config.seeds, rows, unusable) from error
    units.source = f"{units.source} for {', '.join(sorted(recipe.name for recipe in recipes))}"
    return units, unusable


def refuse(path: Path, rows: int, unusable: Mapping[str, Unusable]) -> InputError:
    """Return the refusal of a file that holds no row for all."""
    for name, told in unusable.items():
        if told.rows == rows:
            lacks = f"{name} can use none of its {rows} rows (of the first it says: {told.reason}); leave {name} out"
            return InputError(f"{show_path(path)}: {lacks}")
    named = ", ".join(f"{name} {told.rows}" for name, told in unusable.items())
    return InputError(f"{show_path(path)}: none of its {rows} rows is one that all can use (not usable: {named})")


def line_of(draw: Draw, config: RunConfig, name: str) -> PlanLine:
    """Return the plan that a recipe of the league works on."""
    return PlanLine(name, config.language or "", config.seed, draw.units.source)


def measure_scale(rubric: Rubric) -> Scale:
    """Return what the store must know of a rubric to sum its scores up."""
    ranges = {item.id: rubric.range_of(item)[:2] for item in rubric.items}
    if rubric.scope == "before_after":
        ranges = {f"{moment}.{id}": limits for moment in ("before", "after") for id, limits in ranges.items()}
    is_even = set(ranges.values()) == {(rubric.low, rubric.high)} and not any(item.reverse for item in rubric.items)
    aside = frozenset(item.id for item in rubric.items if item.about == "client")
    has_mean = is_even and not rubric.is_flow and rubric.scope != "before_after" and len(aside) < len(rubric.items)
    faults = {item.id: item.fault for item in rubric.items} if rubric.is_flow else {}
    return Scale(rubric.name, rubric.version, rubric.low, rubric.high, ranges, has_mean, aside, faults)


def estimate_league(draw: Draw, positions: range, rubrics: Sequence[str]) -> dict[str, Estimate]:
    """Return what each recipe's sessions will take, and under `judging` what judging them all will."""
    told = {name: estimate(job, positions) for name, job in draw.jobs.items()}
    language: Language = next(iter(draw.jobs.values())).config.language or "zh"
    sample = positions[:: max(1, len(positions) // SAMPLE)]
    asked = [
        Asked(EXCHANGE[language] * plan.exchanges, language, list_asked(rubrics, plan.exchanges))
        for plan in list_plans(draw.units, sample)
    ]
    judging = estimate_judging(asked, {"critic": draw.critic}).scale(len(positions) * len(draw.jobs))
    return told | {"judging": judging}


def list_asked(rubrics: Sequence[str], exchanges: int) -> tuple[Question, ...]:
    """Return the questions that a talk of so many exchanges brings."""
    scopes = {name: load_rubric(name).scope for name in rubrics}
    return tuple(
        Question(name, exchange, 0)
        for name, scope in scopes.items()
        for exchange in (range(1, exchanges + 1) if scope in BY_TURN else range(1))
    )


def sum_up(estimates: Mapping[str, Estimate]) -> Estimate:
    """Return the sum of estimates; judging adds no sessions."""
    total = Estimate()
    for name, one in estimates.items():
        total.sessions += one.sessions if name != "judging" else 0
        total.unpriced |= one.unpriced
        for role in one.calls:
            total.calls[role] += one.calls[role]
            total.prompt[role] += one.prompt[role]
            total.completion[role] += one.completion[role]
        for currency, amount in one.cost.items():
            total.cost[currency] += amount
    return total
