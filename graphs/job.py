"""A run's settings turned into the things they name; what is wrong with them is found before anything is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from agents.cast import Role
from agents.endpoint import Endpoint, load_endpoint
from agents.policy import Policy, load_policy
from graphs.config import RunConfig, find_config
from graphs.recipe import Recipe, UnitKind
from graphs.recipes import load_recipe
from graphs.requests import Requested, RequestUnits, TakenUnits, read_requested
from graphs.stored_units import SEEDS, StoredSeeds, StoredUnits, read_stored
from graphs.units import CellUnits, TextUnits, Units
from store.db import open_db
from store.requests import KEY, list_taken_inputs
from store.runs import find_config_of
from taxonomy.refusal import InputError, suggest
from taxonomy.schema import load_taxonomy

SHIPPED_TAXONOMY = Path(__file__).parent.parent / "taxonomy" / "emotions.yaml"


@dataclass(frozen=True, slots=True)
class Job:
    """What a run works with."""

    config: RunConfig
    recipe: Recipe
    switches: BaseModel
    units: Units
    endpoints: Mapping[Role, Endpoint]
    policy: Policy

    @property
    def is_rehearsal(self) -> bool:
        """Whether any role is played by the rehearsal model."""
        return any(endpoint.rehearsal for endpoint in self.endpoints.values())


def prepare(config: RunConfig, environment: Mapping[str, str], requested: Requested | None = None) -> Job:
    """Load everything the settings name; raises InputError for the first thing that is wrong.

    Where reviewers' requests are given, these are the input, and the settings those of the run that they are about.
    """
    recipe = load_recipe(config.recipe)
    switches = read_switches(recipe, config.switches)
    idle = recipe.find_idle(switches)
    played = [role for role in recipe.roles if role not in idle]
    return Job(
        config=config,
        recipe=recipe,
        switches=switches,
        units=load_units(config, recipe) if requested is None else load_requested(config, recipe, requested),
        endpoints={role: load_endpoint(config.cast.get(role, config.model), environment) for role in played},
        policy=load_policy(find_config("policy", config.policy)),
    )


def warn_of_one_judge(job: Job) -> None:
    """Say so where the critic would judge its own model's work."""
    critic, counselor = job.endpoints.get("critic"), job.endpoints.get("counselor")
    if critic is None or counselor is None or critic.rehearsal or counselor.rehearsal:
        return
    if name_model(critic, "critic") == name_model(counselor, "counselor"):
        print("the critic plays on the counselor's model and would judge its own work: --cast critic=MODEL")


def name_model(endpoint: Endpoint, role: Role) -> str:
    """Return what a model is called wherever it is served: the name asked for, without its publisher."""
    return endpoint.model_for(role).rpartition("/")[2].casefold()


def load_units(config: RunConfig, recipe: Recipe) -> Units:
    """Return the cells of the taxonomy, the rows of --seeds, or what --stored names."""
    path = config.taxonomy or SHIPPED_TAXONOMY
    taxonomy = load_taxonomy(path)
    unit = find_unit_kind(config, recipe)
    if unit not in recipe.units and recipe.units == ("dialogue",):
        raise InputError(
            f"recipe {recipe.name!r} runs on stored dialogues; name them with --stored dialogues,"
            " or --stored dialogues:RUN for those of one run"
        )
    if unit not in recipe.units:
        raise InputError(f"recipe {recipe.name!r} runs on {' or '.join(recipe.units)}, not on a {unit}")
    if config.stored is not None:
        database = open_db(config.db, create=False, synchronous=config.synchronous)
        if unit == "text":
            return StoredSeeds(taxonomy, database, config.stored, config.seed, config.language, recipe.find_unfit)
        return StoredUnits(taxonomy, database, config.stored, config.seed, config.language)
    if config.seeds is None:
        if config.field is not None:
            raise InputError("--field names a field of --seeds, which is missing")
        return CellUnits(taxonomy, path, config.seed, config.language or "zh")
    return TextUnits(taxonomy, config.seeds, config.field, config.seed, config.language, recipe.find_unfit)


def load_requested(config: RunConfig, recipe: Recipe, requested: Requested) -> RequestUnits:
    """Return the dialogues that are to be played again; raises InputError where what they were made from is gone."""
    database = open_db(config.db, create=False, synchronous=config.synchronous)
    parents = find_config_of(database, requested.run)
    settings, earlier = read_settings(parents.config, config.db)
    if earlier is not None:
        return RequestUnits(database, requested, load_requested(settings, recipe, earlier))
    if settings.stored is not None and read_stored(settings.stored)[0] != SEEDS:
        taxonomy = load_taxonomy(settings.taxonomy or SHIPPED_TAXONOMY)
        taken = list_taken_inputs(database, requested.run)
        return RequestUnits(database, requested, TakenUnits(taxonomy, database, settings.stored, settings.seed, taken))
    units = load_units(settings, recipe)
    if units.source != parents.source:
        raise InputError(f"the input of run {requested.run}, {parents.source}, has changed since; it is {units.source}")
    return RequestUnits(database, requested, units)


def read_settings(stored: Mapping[str, Any], db: str) -> tuple[RunConfig, Requested | None]:
    """Return a run's stored settings, and the requests that it carries out where it does."""
    own = {name: value for name, value in stored.items() if name not in (KEY, "league")}
    try:
        return RunConfig.model_validate({**own, "db": db}), read_requested(stored)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(f"its stored settings cannot be read: {first['loc'][0]}: {first['msg']}") from None


def find_unit_kind(config: RunConfig, recipe: Recipe) -> UnitKind:
    """Return the kind of input that the settings name; seeds and stored things are never mixed."""
    if config.stored is not None:
        if config.seeds is not None:
            raise InputError("--stored and --seeds both name an input; leave one out")
        kinds: dict[str, UnitKind] = {"dialogues": "dialogue", SEEDS: "text"}
        return kinds.get(read_stored(config.stored)[0], "cell")
    return "cell" if config.seeds is None else "text"


def read_switches(recipe: Recipe, given: Mapping[str, Any]) -> BaseModel:
    """Return the recipe's switches; raises InputError for one it does not have or a value it does not take."""
    names = list(recipe.switches.model_fields)
    for key in given:
        if key not in names:
            choice = f"; it has {', '.join(names)}" if names else "; it has none"
            raise InputError(f"--set: recipe {recipe.name!r} has no switch {key!r}{suggest(key, names)}{choice}")
    try:
        return recipe.switches.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(f"--set {first['loc'][0]}={first['input']}: {first['msg']}") from None
