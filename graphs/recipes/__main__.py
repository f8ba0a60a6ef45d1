"""Lists the recipes, or draws them as Mermaid: python -m graphs.recipes [--draw NAME | --figures FILE]."""

import json
from pathlib import Path

from graphs.figure import draw, insert_figures
from graphs.recipes import RECIPES, load_recipe
from taxonomy.command import Parser, run_main
from taxonomy.refusal import InputError
from taxonomy.source import show_path


def main() -> int:
    """Print the recipes with what they run on, or one recipe's figure."""
    parser = Parser("graphs.recipes", description=__doc__)
    parser.add_argument("--draw", metavar="NAME", help="print this recipe's graph as a Mermaid figure")
    parser.add_argument("--figures", metavar="FILE", type=Path, help="put every figure into its section of a page")
    parser.add_argument("--json", action="store_true", help="print the list as one line of JSON")
    flags = parser.parse_args()
    if flags.draw:
        print(draw(load_recipe(flags.draw)), end="")
        return 0
    if flags.figures:
        figures = {name: draw(load_recipe(name)) for name in RECIPES}
        flags.figures.write_text(insert_figures(read_page(flags.figures), figures), encoding="utf-8")
        return 0
    recipes = [load_recipe(name) for name in RECIPES]
    if flags.json:
        print(json.dumps([{"name": r.name, "summary": r.summary, "units": r.units} for r in recipes]))
        return 0
    for recipe in recipes:
        print(f"{recipe.name:<16}{recipe.summary}")
        print(f"{'':<16}runs on: {', '.join(recipe.units)}; {recipe.paper}")
        for key, setting in recipe.switches.model_fields.items():
            print(f"{'':<16}--set {key}={setting.default}  {setting.description or ''}")
    return 0


def read_page(path: Path) -> str:
    """Return a page of documentation; raises InputError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise InputError(f"--figures {show_path(path)}: {reason}") from None


if __name__ == "__main__":
    run_main(main)
