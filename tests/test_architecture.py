"""Holds the house to its plan: who may import whom, who owns which library, how long a file may be."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import agents

HOUSE = Path(__file__).parents[1]
PACKAGES = ("taxonomy", "agents", "graphs", "store", "train")
MAY_IMPORT = {
    "taxonomy": set(),
    "agents": {"taxonomy"},
    "graphs": {"taxonomy", "agents", "store"},
    "store": {"taxonomy"},
    "train": {"taxonomy", "store"},
}
OWNERS = {
    "langgraph": {"graphs"},
    "langchain_core": {"graphs"},
    "sqlmodel": {"store"},
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "fastapi": {"store"},
    "pyarrow": {"store"},
    "openai": {"agents"},
    "httpx2": {"agents"},
    "torch": {"train"},
    "transformers": {"train"},
    "trl": {"train"},
    "peft": {"train"},
    "deepspeed": {"train"},
    "datasets": {"store", "train"},
    "jinja2": {"agents", "store"},
    "numpy": {"agents", "store"},
    "uvicorn": {"agents", "store"},
}
NAMELESS = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
FILES = sorted(path for package in PACKAGES for path in (HOUSE / package).rglob("*.py"))


def list_imports(source: str) -> Iterator[str]:
    """Yield the modules a source imports, wherever in it; a relative import begins with a dot."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def find_trespasses(package: str, source: str) -> list[str]:
    """Return what a source in a package imports and may not."""
    wrong = []
    for module in list_imports(source):
        top = module.split(".")[0]
        if module.startswith("."):
            wrong.append(f"relative import {module}")
        elif top in PACKAGES and top != package and top not in MAY_IMPORT[package]:
            wrong.append(f"{package} imports {module}")
        elif top in OWNERS and package not in OWNERS[top]:
            wrong.append(f"{module} belongs to {sorted(OWNERS[top])}")
    return wrong


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_file_keeps_to_its_place_and_size(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    package = path.relative_to(HOUSE).parts[0]
    assert find_trespasses(package, source) == []
    assert ast.get_docstring(ast.parse(source)), "its first line does not say what it is for"
    assert path.stem not in NAMELESS
    limit = 150 if path.parent.name == "recipes" else 400
    assert len(source.splitlines()) <= limit


def test_no_test_file_is_over_four_hundred_lines() -> None:
    lengths = {
        path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in (HOUSE / "tests").rglob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_a_trespass_is_caught() -> None:
    assert find_trespasses("agents", "def f():\n    from store.db import open_db\n")
    assert find_trespasses("store", "import openai\n")
    assert find_trespasses("graphs", "from . import state\n")
    assert find_trespasses("train", "import agents.cast\n")
    assert find_trespasses("store", "from taxonomy.refusal import InputError\nimport sqlmodel\n") == []


def test_the_agents_that_are_imported_are_ours() -> None:
    assert Path(agents.__file__ or "").parent == HOUSE / "agents"


def modules_after(code: str) -> set[str]:
    """Return the top-level modules loaded after some code has run in a fresh process."""
    command = [sys.executable, "-c", f"{code}\nimport sys; print(' '.join(name.split('.')[0] for name in sys.modules))"]
    told = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": str(HOUSE)}
    )
    return set(told.stdout.split())


def test_the_run_command_loads_nothing_it_does_not_need() -> None:
    assert not modules_after("import graphs.run") & {"langgraph", "openai", "sqlalchemy", "pydantic"}
    assert not modules_after("import graphs.launch") & {"torch", "transformers", "datasets", "numpy"}
