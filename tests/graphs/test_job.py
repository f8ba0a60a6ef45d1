"""A run says so where its critic would judge its own model's work, whatever the endpoint files are called."""

import sys
from pathlib import Path

import pytest

from agents.gateway import RetryPolicy
from graphs import doctor
from tests.graphs.conftest import Factory

WARNING = "the critic plays on the counselor's model"


def write(folder: Path, name: str, model: str, *more: str) -> Path:
    """Write an endpoint file that nobody answers at."""
    path = folder / f"{name}.yaml"
    lines = (f"name: {name}", "base_url: http://127.0.0.1:9/v1", f'model: "{model}"', *more)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("counselor", "critic", "is_one"),
    [
        ("maker/Model-3", "maker/Model-3", True),
        ("maker/Model-3", "model-3", True),
        ("maker/Model-3", "maker/Model-4", False),
        ("tuned-{role}", "tuned-{role}", False),
    ],
)
def test_one_judge_is_told_by_the_model_that_is_asked_for(
    factory: Factory, tmp_path: Path, counselor: str, critic: str, is_one: bool
) -> None:
    model, judge = write(tmp_path, "one", counselor), write(tmp_path, "two", critic)
    told = factory("--model", model, "--cast", f"critic={judge}", "--count", 1, "--dry-run")
    assert told.code == 0
    assert told.out.count(WARNING) == is_one
    if is_one:
        assert told.out.index(WARNING) < told.out.index("estimate:")


def test_one_endpoint_for_all_roles_is_one_judge_unless_it_rehearses(factory: Factory, tmp_path: Path) -> None:
    flags = ("--count", 1, "--dry-run", "--model")
    assert WARNING in factory(*flags, write(tmp_path, "one", "model-3")).out
    assert WARNING in factory(*flags, "http://127.0.0.1:9/v1#model-3").out
    assert WARNING not in factory(*flags, write(tmp_path, "stand_in", "model-3", "rehearsal: true")).out
    assert WARNING not in factory("--count", 1, "--dry-run").out


def test_the_doctor_says_it_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "PATIENCE", RetryPolicy(tries=1))
    monkeypatch.setattr(sys, "argv", ["graphs.doctor", "--model", str(write(tmp_path, "one", "model-3"))])
    assert doctor.main() == 4
    assert WARNING in capsys.readouterr().out
