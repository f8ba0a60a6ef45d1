"""A method stands in four places, its own file, a line of the registry, its prompts and a section, and nowhere else."""

import ast
import re
from pathlib import Path

import pytest

from agents.prompt import load_prompt
from agents.rubric import list_rubrics
from graphs.figure import draw, insert_figures
from graphs.recipes import RECIPES, load_recipe
from graphs.stored_units import KINDS
from store.formats import FORMATS

HOUSE = Path(__file__).parents[2]
REGISTRY = HOUSE / "graphs" / "recipes" / "__init__.py"
PAPERS = (HOUSE / "docs" / "papers.md").read_text(encoding="utf-8")
METHODS = [name for name in RECIPES if name != "session"]
"""The flagship is named as the default in several places."""
MODULES = [
    path
    for folder in ("taxonomy", "agents", "graphs", "store", "train")
    for path in (HOUSE / folder).rglob("*.py")
    if path != REGISTRY
]


def read_section(name: str) -> str:
    """Return a method's section of the papers."""
    found = re.findall(rf"^## {name}(?:: [^\n]+)?\n(.*?)(?=^## |\Z)", PAPERS, re.MULTILINE | re.DOTALL)
    assert len(found) == 1, name
    section: str = found[0]
    return section


def list_literals(path: Path) -> set[str]:
    """Return the strings that stand alone in a module: names it may choose by."""
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.value for node in tree if isinstance(node, ast.Constant) and isinstance(node.value, str)}


LITERALS = {path: list_literals(path) for path in MODULES}


@pytest.mark.parametrize("name", RECIPES)
def test_a_method_is_one_file_of_at_most_150_lines(name: str) -> None:
    path = HOUSE / "graphs" / "recipes" / f"{name}.py"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 150
    assert load_recipe(name).name == name
    assert RECIPES[name] == f"graphs.recipes.{name}"


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_named_by_one_line_of_the_registry_and_by_no_other_module(name: str) -> None:
    assert sum(f'"{name}"' in line for line in REGISTRY.read_text(encoding="utf-8").splitlines()) == 1
    others = {*list_rubrics(), *KINDS, *FORMATS}
    its_own = {name, f"graphs.recipes.{name}"} - others
    elsewhere = [path.name for path in MODULES if path.stem != name and LITERALS[path] & its_own]
    assert elsewhere == [], "a recipe's name is chosen by in another module"
    imported = re.compile(
        rf"^\s*(from graphs\.recipes\.{name} |from graphs\.recipes import .*\b{name}\b)", re.MULTILINE
    )
    assert [path.name for path in MODULES if imported.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("name", RECIPES)
def test_the_prompt_that_leads_each_role_is_there_in_both_languages(name: str) -> None:
    heads = load_recipe(name).heads
    assert heads
    for head in heads.values():
        first, second = (load_prompt(head, language) for language in ("zh", "en"))
        assert first.hash != second.hash


@pytest.mark.parametrize("name", RECIPES)
def test_a_section_of_the_papers_tells_of_a_method_and_ends_with_its_figure(name: str) -> None:
    section = read_section(name)
    assert section.rstrip().endswith(f"```mermaid\n{draw(load_recipe(name))}```"), (
        "python -m graphs.recipes --figures docs/papers.md draws it"
    )
    assert section.count("```mermaid") == 1


@pytest.mark.parametrize("name", METHODS)
def test_a_section_names_the_paper_what_differs_and_what_is_not_shown(name: str) -> None:
    section = read_section(name)
    paper = load_recipe(name).paper
    is_published = paper.startswith("https://")
    assert paper in section if is_published else "own method" in section
    assert "ifferent" in section or not is_published
    assert re.search(r"[Nn]ot\s+shown", section)


def test_figures_are_put_into_their_sections_and_the_rest_of_a_page_is_kept() -> None:
    page = (
        "# Top\n\nwords\n\n## one: First\n\nkept\n\n```mermaid\nold\n```\n\n## two\n\nalso kept\n\n## three\n\nalone\n"
    )
    written = insert_figures(page, {"one": "new\n", "two": "added\n"})
    assert written == (
        "# Top\n\nwords\n\n## one: First\n\nkept\n\n```mermaid\nnew\n```\n\n"
        "## two\n\nalso kept\n\n```mermaid\nadded\n```\n\n## three\n\nalone\n"
    )
    assert insert_figures(written, {"one": "new\n", "two": "added\n"}) == written
