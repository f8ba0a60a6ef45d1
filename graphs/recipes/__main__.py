"""Lists the recipes, or draws one as Mermaid: python -m graphs.recipes [--draw NAME]."""

import json

from graphs.recipes import RECIPES, load_recipe
from taxonomy.command import Parser, run_main


def main() -> int:
    """Print the recipes with what they run on, or one recipe's figure."""
    parser = Parser("graphs.recipes", description=__doc__)
    parser.add_argument("--draw", metavar="NAME", help="print this recipe's graph as a Mermaid figure")
    parser.add_argument("--json", action="store_true", help="print the list as one line of JSON")
    flags = parser.parse_args()
    if flags.draw:
        recipe = load_recipe(flags.draw)
        graph = recipe.build(recipe.switches()).compile()
        print(graph.get_graph().draw_mermaid(), end="")
        return 0
    recipes = [load_recipe(name) for name in RECIPES]
    if flags.json:
        print(json.dumps([{"name": r.name, "summary": r.summary, "units": r.units} for r in recipes]))
        return 0
    for recipe in recipes:
        print(f"{recipe.name:<14}{recipe.summary}")
        print(f"{'':<14}runs on: {', '.join(recipe.units)}; {recipe.paper}")
        for key, setting in recipe.switches.model_fields.items():
            print(f"{'':<14}--set {key}={setting.default}  {setting.description or ''}")
    return 0


if __name__ == "__main__":
    run_main(main)
