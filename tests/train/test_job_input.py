"""What a job cannot be made of is refused in one line, before anything of it is there."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from taxonomy.refusal import InputError
from tests.train.made_jobs import launch, read_job
from train.job.command import World, check_world
from train.job.folder import JobFolder, make_folder
from train.job.order import verify_shards

WILD = os.fsdecode(b"a\xff")


def assert_refused(told: "subprocess.CompletedProcess[str]", code: int, expected: str) -> None:
    """See that a command ended with one line."""
    assert (told.returncode, len(told.stderr.splitlines())) == (code, 1), told.stderr
    assert expected in told.stderr


@pytest.mark.parametrize(
    "changed", [{"mix": "text"}, {"mix": {"kind": ["talks"]}}, {"files": {"data/train": {}}}, {"files": {"data": 1}}]
)
def test_an_export_with_a_manifest_of_another_shape_is_refused(place: Path, changed: dict[str, Any]) -> None:
    path = place / "shards/manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    with pytest.raises(InputError, match=r"manifest\.json: is no manifest of an export"):
        verify_shards(place / "shards")


def test_an_export_without_a_mix_is_of_talks(place: Path) -> None:
    path = place / "shards/manifest.json"
    path.write_text(json.dumps({"files": json.loads(path.read_text())["files"]}))
    assert (verify_shards(place / "shards").mix, verify_shards(place / "shards").kind) == ("unnamed", "talks")


def test_names_that_no_database_takes_are_refused_with_nothing_made(place: Path) -> None:
    shutil.copytree(place / "shards", place / WILD)
    shutil.copy(place / "train.yaml", place / f"{WILD}.yaml")
    before = sorted(place.iterdir())
    for words, expected in (
        (("--out", f"{WILD}b"), "--out: 'a\\udcffb' is not in UTF-8; choose another name"),
        (("--config", f"{WILD}.yaml"), "--config: 'a\\udcff.yaml' is not in UTF-8"),
        (("--shards", WILD), "a\\udcff' is not in UTF-8"),
        (("--", "--run_name", WILD), "what stands after --: '--run_name a\\udcff' is not in UTF-8"),
    ):
        assert_refused(launch(place, *words), 2, expected)
    assert sorted(place.iterdir()) == before


def test_jobs_that_is_a_file_is_named(place: Path) -> None:
    (place / "jobs").write_text("mine")
    assert_refused(launch(place), 2, "jobs is no folder; move it, or name another place with --out")
    assert read_job(place).state == "failed"
    assert (place / "jobs").read_text() == "mine"


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="1 is there already"):
        make_folder(JobFolder(tmp_path / "1", tmp_path / "1/model"), 1, "db", "")
    with pytest.raises(InputError, match="gone is no folder"):
        make_folder(JobFolder(tmp_path / "gone/1", tmp_path / "gone/1/model"), 1, "db", "")


@pytest.mark.parametrize(("port", "machines"), [(99_999_999, 1), (-5, 1), (65_536, 2), (0, 2)])
def test_a_port_is_one(port: int, machines: int) -> None:
    with pytest.raises(InputError, match=f"--main_process_port {port}: ports run from 1 to 65535"):
        check_world(World("plain", 1, machines, main_process_ip="127.0.0.1", main_process_port=port))
    check_world(World("plain", 1, main_process_port=0))
    check_world(World("plain", 1, 2, main_process_ip="127.0.0.1", main_process_port=29_500))
