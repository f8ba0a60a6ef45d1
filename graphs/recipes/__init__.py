"""The recipes of the house by name; each is imported only when it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING

from taxonomy.refusal import InputError, suggest

if TYPE_CHECKING:
    from graphs.recipe import Recipe

RECIPES = {
    "session": "graphs.recipes.session",
    "interactive": "graphs.recipes.interactive",
    "smile": "graphs.recipes.smile",
    "cpsycoun": "graphs.recipes.cpsycoun",
    "psyroom": "graphs.recipes.psyroom",
    "magnet": "graphs.recipes.magnet",
    "cactus": "graphs.recipes.cactus",
    "autocbt": "graphs.recipes.autocbt",
    "catch": "graphs.recipes.catch",
    "patient_psi": "graphs.recipes.patient_psi",
    "sudosys": "graphs.recipes.sudosys",
    "scenarios": "graphs.recipes.scenarios",
    "treatment_plan": "graphs.recipes.treatment_plan",
    "notechat": "graphs.recipes.notechat",
    "distill": "graphs.recipes.distill",
    "translate": "graphs.recipes.translate",
}


def load_recipe(name: str) -> "Recipe":
    """Return the recipe of this name; raises InputError with the names there are."""
    if name not in RECIPES:
        raise InputError(f"unknown recipe {name!r}{suggest(name, RECIPES)}; choose one of {', '.join(RECIPES)}")
    recipe: Recipe = import_module(RECIPES[name]).RECIPE
    return recipe
