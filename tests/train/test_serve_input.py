"""What a server is given is checked before an engine starts, and however it ends, nothing of it is left behind."""

import os
import shutil
import signal
import subprocess
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.endpoint import load_endpoint
from taxonomy.refusal import InputError
from tests.train.made_jobs import run, start, wait_for
from train.job.endpoint import hold_endpoint
from train.job.engine import check_engine_words, choose_engine, lent_folder
from train.job.port import holds_port
from train.place import OLD_S
from train.serve import check_model, check_sampling, tell_endpoint

ENDS: list["subprocess.Popen[str]"] = []


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a working folder, which the tests stand in, with a folder for what is temporary."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    while ENDS:
        server = ENDS.pop()
        if server.poll() is None:
            server.kill()
            server.communicate()


def serve(place: Path, *words: object) -> "subprocess.Popen[str]":
    """Start a server, which ends with the test."""
    server = start(place, *words, module="train.serve", TMPDIR=str(place / "tmp"))
    ENDS.append(server)
    return server


def read_answer(server: "subprocess.Popen[str]") -> str:
    """Return the line with which a server says that it answers; nothing where it ends before."""
    assert server.stdout is not None
    return server.stdout.readline()


def find_engine(server: "subprocess.Popen[str]") -> int:
    """Return the process of a server's engine."""
    for child in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text(encoding="ascii").split():
        if b"transformers.cli.transformers" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    return 0


def list_left(place: Path) -> list[str]:
    """Return what is left of servers in a working folder."""
    return sorted(path.name for folder in ("tmp", "configs/models") for path in (place / folder).glob("*"))


def test_a_terminal_that_goes_ends_a_server_like_a_person_does(place: Path, tiny: Path) -> None:
    server = serve(place, "--model", tiny, "--port", 0)
    assert "as tuned" in read_answer(server)
    assert len(list_left(place)) == 3
    engine = find_engine(server)
    assert holds_port(engine, int(load_endpoint("tuned", {}).base_url.rpartition(":")[2].partition("/")[0]))
    server.send_signal(signal.SIGHUP)
    _, err = server.communicate(timeout=60)
    assert (server.returncode, err) == (0, "")
    assert list_left(place) == []
    assert not Path(f"/proc/{engine}").exists()


def test_who_interrupts_a_server_that_loads_has_got_nothing(place: Path, tiny: Path) -> None:
    server = serve(place, "--model", tiny, "--port", 0)
    wait_for(lambda: find_engine(server))
    server.send_signal(signal.SIGINT)
    out, err = server.communicate(timeout=60)
    assert (server.returncode, out, err) == (130, "", "interrupted\n")
    assert list_left(place) == []


def test_an_engine_that_is_killed_is_said_so_and_its_files_go(place: Path, tiny: Path) -> None:
    server = serve(place, "--model", tiny, "--port", 0)
    assert "as tuned" in read_answer(server)
    os.kill(find_engine(server), signal.SIGKILL)
    _, err = server.communicate(timeout=60)
    assert (server.returncode, err) == (1, "the engine has ended: it was killed by SIGKILL\n")
    assert list_left(place) == []


def test_what_a_killed_server_left_is_removed_by_a_later_one(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(place / "tmp"))
    with lent_folder() as held:
        left = place / "tmp" / held.name.replace("rows-", "rows-left")
        left.mkdir()
        long_ago = time.time() - 2 * OLD_S
        for folder in (held, left):
            os.utime(folder, (long_ago, long_ago))
        with lent_folder():
            assert held.exists()
            assert not left.exists()
    assert list_left(place) == []


@pytest.mark.slow
def test_a_name_is_served_once_at_a_time(place: Path, tiny: Path) -> None:
    twins = [serve(place, "--model", tiny, "--port", 0) for _ in range(2)]
    wait_for(lambda: [twin for twin in twins if twin.poll() is not None])
    (refused,) = (twin for twin in twins if twin.poll() is not None)
    (other,) = (twin for twin in twins if twin is not refused)
    _, err = refused.communicate()
    assert (refused.returncode, len(err.splitlines())) == (2, 1)
    assert "configs/models/tuned.yaml belongs to a server that" in err
    assert "as tuned" in read_answer(other)
    assert load_endpoint("tuned", {}).model.startswith("tuned-")
    other.send_signal(signal.SIGTERM)
    assert other.wait(60) == 0
    assert list_left(place) == []


def test_a_held_name_is_free_again_when_its_server_has_gone(place: Path) -> None:
    path = Path("configs/models/tuned.yaml")
    with (
        hold_endpoint(path),
        pytest.raises(InputError, match="belongs to a server that starts or runs"),
        hold_endpoint(path),
    ):
        pass
    (place / "configs/models/.tuned.yaml.lock").touch()
    with hold_endpoint(path):
        pass
    assert list_left(place) == []
    (place / "file").touch()
    with (
        pytest.raises(InputError, match=r"cannot be written \((Not a directory|File exists)\)"),
        hold_endpoint(place / "file/tuned.yaml"),
    ):
        pass


@pytest.mark.slow
def test_an_endpoint_never_points_at_the_engine_of_another_server(place: Path, tiny: Path) -> None:
    first = serve(place, "--model", tiny, "--port", 0, "--name", "first")
    assert "as first" in read_answer(first)
    port = load_endpoint("first", {}).base_url.rpartition(":")[2].partition("/")[0]
    # Between the look at a port and the engine's own use of it another may take it.
    hurried = "import taxonomy.command, train.serve as s; s.choose_port = int; taxonomy.command.run_main(s.main)"
    (place / "hurried.py").write_text(hurried)
    second = start(place, "--model", tiny, "--port", port, "--name", "second", module="hurried")
    ENDS.append(second)
    out, err = second.communicate(timeout=120)
    assert (second.returncode, out) == (1, "")
    assert "the engine did not start: ERROR: [Errno 98]" in err
    assert "address already in use" in err
    assert [path.name for path in (place / "configs/models").glob("*.yaml")] == ["first.yaml"]


def test_a_flag_that_the_engine_does_not_know_is_named(place: Path, tiny: Path) -> None:
    told = run(place, "--model", tiny, "--port", 0, "--", "--nonsense", module="train.serve")
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == "the engine did not start: Error: No such option '--nonsense'.\n"


@pytest.mark.parametrize("word", ["--host", "--host=0.0.0.0", "--port", "--served_model_name=x", "--uds", "--por=1"])
def test_flags_that_would_move_the_engine_are_refused(word: str) -> None:
    with pytest.raises(InputError, match=f"^{word.partition('=')[0]} after -- is set by train.serve itself"):
        check_engine_words(["--default-seed", "1", word, "0.0.0.0"])
    check_engine_words(["--default-seed", "1", "--", "--portable-x=1", "host"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"{", "config.json: not JSON"),
        (b"[1]", "config.json: keys with values are wanted"),
        (b'{"a": "\xff"}', "config.json:1: the file is not in UTF-8"),
        (b"[" * 100_000, "config.json: not JSON"),
    ],
)
def test_a_broken_configuration_is_refused_in_one_line(place: Path, tiny: Path, text: bytes, expected: str) -> None:
    broken = place / "broken"
    shutil.copytree(tiny, broken)
    (broken / "config.json").write_bytes(text)
    with pytest.raises(InputError, match=expected):
        check_model(broken)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("temperature", float("nan")), ("temperature", -3.0), ("temperature", 2.1), ("top_p", 7.0), ("top_p", 0.0),
     ("top_p", float("nan")), ("max_tokens", -5), ("max_tokens", 0)],
)  # fmt: skip
def test_what_the_gateway_does_not_take_is_refused(setting: str, value: Any) -> None:
    flags = Namespace(temperature=0.7, top_p=0.8, max_tokens=None)
    check_sampling(flags)
    setattr(flags, setting, value)
    with pytest.raises(InputError, match=f"^--{setting.replace('_', '-')} "):
        check_sampling(flags)


@pytest.mark.parametrize(("context", "expected"), [(True, 4096), (-4, 4096), (2, 1), (512, 256), ("many", 4096)])
def test_the_context_of_a_model_bounds_its_answers(place: Path, tiny: Path, context: Any, expected: int) -> None:
    model = place / "model"
    shutil.copytree(tiny, model)
    (model / "config.json").write_text(f'{{"max_position_embeddings": {context!r}}}'.replace("'", '"').lower())
    flags = Namespace(name="tuned", temperature=0.7, top_p=0.8, max_tokens=None)
    assert tell_endpoint(flags, model, 1, "transformers")["max_tokens"] == expected


def test_a_folder_of_its_name_is_no_installed_engine(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "vllm").mkdir()
    (place / "vllm/__init__.py").touch()
    monkeypatch.syspath_prepend(str(place))
    assert choose_engine("auto", 1) == "transformers"
    with pytest.raises(InputError, match="--engine vllm: it is not installed"):
        choose_engine("vllm", 1)


def test_mistakes_are_one_line_with_nothing_made(place: Path, tiny: Path) -> None:
    for words, expected in (
        (("--temperature", "nan"), "--temperature nan: a number from 0 to 2 is wanted"),
        (("--", "--host", "0.0.0.0"), "--host after -- is set by train.serve itself; leave it out"),
    ):
        told = run(place, "--model", tiny, *words, module="train.serve")
        assert (told.returncode, told.stderr) == (2, f"{expected}\n")
    assert [path.name for path in place.iterdir()] == ["tmp"]
