"""Every YAML file that ships loads with its own reader."""

from pathlib import Path

import pytest

from agents.endpoint import load_endpoint
from agents.policy import load_policy
from graphs.config import load_run_config
from store.mix import load_mix

CONFIGS = Path(__file__).parents[1] / "configs"
FILES = sorted(CONFIGS.rglob("*.yaml"))
READERS = {
    "mix": load_mix,
    "models": lambda path: load_endpoint(str(path), {}),
    "policy": load_policy,
    "run": load_run_config,
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONFIGS)))
def test_a_shipped_file_loads(path: Path) -> None:
    READERS[path.parent.name](path)


def test_an_endpoint_has_the_name_of_its_file() -> None:
    for path in (CONFIGS / "models").glob("*.yaml"):
        assert load_endpoint(str(path), {}).name == path.stem


def test_every_folder_has_a_reader_and_holds_only_yaml() -> None:
    assert {path.name for path in CONFIGS.iterdir()} == set(READERS)
    assert all(path.suffix == ".yaml" for path in CONFIGS.rglob("*") if path.is_file())


def test_a_run_configuration_names_models_there_are() -> None:
    for path in (CONFIGS / "run").glob("*.yaml"):
        config = load_run_config(path)
        for name in (config.model, *config.cast.values()):
            load_endpoint(name, {})
