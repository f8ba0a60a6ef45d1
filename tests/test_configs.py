"""Every YAML file that ships loads with its own reader."""

from pathlib import Path

import pytest

from agents.endpoint import load_endpoint
from agents.policy import load_policy
from agents.question_set import load_question_set
from graphs.config import load_run_config
from store.mix import load_mix
from train.settings import Data, read_config

CONFIGS = Path(__file__).parents[1] / "configs"
FILES = sorted(CONFIGS.rglob("*.yaml"))


def load_training(path: Path) -> object:
    """Return the settings of a training, each of them known to the trainer that the file is for."""
    from trl import DPOConfig, ModelConfig, SFTConfig

    return read_config(path, (Data, DPOConfig if "dpo" in path.stem else SFTConfig, ModelConfig))


def load_accelerate(path: Path) -> object:
    """Return the settings of a launch, each of them known to accelerate."""
    from accelerate.commands.config.config_args import load_config_from_file

    return load_config_from_file(str(path))


READERS = {
    "accelerate": load_accelerate,
    "mix": load_mix,
    "models": lambda path: load_endpoint(str(path), {}),
    "policy": load_policy,
    "questions": load_question_set,
    "run": load_run_config,
    "train": load_training,
    "two_stages": load_training,
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONFIGS)))
def test_a_shipped_file_loads(path: Path) -> None:
    READERS[path.parent.name](path)


def test_an_endpoint_has_the_name_of_its_file() -> None:
    for path in (CONFIGS / "models").glob("*.yaml"):
        assert load_endpoint(str(path), {}).name == path.stem


def test_every_folder_has_a_reader_and_holds_only_yaml() -> None:
    assert {path.name for path in CONFIGS.rglob("*") if path.is_dir()} == set(READERS)
    assert all(path.suffix == ".yaml" for path in CONFIGS.rglob("*") if path.is_file())


def test_a_run_configuration_names_models_there_are() -> None:
    for path in (CONFIGS / "run").glob("*.yaml"):
        config = load_run_config(path)
        for name in (config.model, *config.cast.values()):
            load_endpoint(name, {})
