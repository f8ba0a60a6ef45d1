"""The documents say what the code does."""

import importlib.util
import io
import re
import runpy
import sys
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path

import pytest

from agents.rubric import list_rubrics
from graphs.recipes import RECIPES

HOUSE = Path(__file__).parents[1]
READMES = ("README.md", "README.zh.md")
COMMAND = re.compile(r"python -m ([a-z_.]+)([^\n`#|]*)")
VERBS = ("list", "show", "next", "accept", "reject", "skip", "flag", "comment", "undo", "labels")
FLAG = re.compile(r"(?<!\S)--[a-z-]+")


def read(name: str) -> str:
    """Return a document's text."""
    return (HOUSE / name).read_text(encoding="utf-8")


@cache
def help_of(module: str) -> str:
    """Return what a command and its verbs say of their flags."""
    verbs = VERBS if module == "store.dialogues" else ()
    return ask_help(module) + "".join(ask_help(module, verb) for verb in verbs)


def ask_help(module: str, *verbs: str) -> str:
    """Run a command for its help, in this process: the largest of them read half of torch before they speak."""
    told = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(told):
        patch.setattr(sys, "argv", [module, *verbs, "--help"])
        patch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as ended:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    assert not ended.value.code, module
    return told.getvalue()


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("name", READMES)
def test_every_command_in_a_readme_exists_and_takes_its_flags(name: str) -> None:
    commands = COMMAND.findall(read(name))
    assert commands
    for module, rest in commands:
        assert importlib.util.find_spec(module), module
        for flag in FLAG.findall(rest):
            assert flag in help_of(module), (module, flag)


def test_both_readmes_tell_of_the_same_commands() -> None:
    first, second = (
        [" ".join((module, *rest.split())) for module, rest in COMMAND.findall(read(name))] for name in READMES
    )
    assert first == second


@pytest.mark.parametrize("name", READMES)
def test_the_folders_in_a_readme_exist(name: str) -> None:
    folders = re.findall(r"^([a-z]+)/ ", read(name), re.MULTILINE)
    assert {"taxonomy", "agents", "graphs", "store", "configs", "tests"} <= set(folders)
    assert all((HOUSE / folder).is_dir() for folder in folders)


def test_every_recipe_has_a_section_on_its_paper() -> None:
    papers = read("docs/papers.md")
    assert all(re.search(rf"^## {name}(?:: .+)?$", papers, re.MULTILINE) for name in RECIPES)


def test_the_page_on_quality_has_a_section_for_each_rule_and_names_each_rubric() -> None:
    page = read("docs/quality.md")
    plants = sorted((HOUSE / "tests" / "agents" / "mutations").glob("*.yaml"))
    rules = {path.stem for path in plants} - {"role_swap_counselor"} | {"length", "crisis_handled"}
    sections = set(re.findall(r"^### ([a-z_]+)$", page, re.MULTILINE))
    assert rules <= sections
    assert all(f"[{rule}](#{rule})" in page for rule in rules)
    rubrics = page.partition("\n## Rubrics\n")[2]
    assert all(f"| {name} |" in rubrics for name in list_rubrics())
    assert all(heading in page for heading in ("Blind spots", "Hand-read", "Planted"))
