"""A model is served on this machine alone, found by the gateway by its endpoint file, and leaves none behind."""

import asyncio
import json
import re
import shutil
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from agents.endpoint import Endpoint, load_endpoint
from agents.gateway import Gateway
from agents.message import Message
from agents.request import parameters, wire_body
from taxonomy.refusal import InputError
from tests.train.made_jobs import run, start
from train.job.endpoint import choose_endpoint, read_owner, remove_endpoint, write_endpoint
from train.job.engine import choose_engine, start_words
from train.job.place import is_running, this_process
from train.job.port import choose_port
from train.serve import check_model, name_model

KEYS = {"name": "tuned", "base_url": "http://127.0.0.1:9/v1", "model": "/m", "reasoning": "tags", "json": "none"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working folder, which the tests stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def ask(endpoint: Endpoint) -> Any:
    """Return the answer to one small request through the gateway."""
    gateway = Gateway({}, 2)
    parts = [Message("system", "You are a counselor."), Message("user", "I have not slept well.")]
    try:
        return await gateway.send(endpoint, wire_body(parameters(endpoint, "counselor", None), parts, None))
    finally:
        await gateway.aclose()


def test_a_model_is_served_and_answers_through_the_gateway(place: Path, tiny: Path) -> None:
    server = start(place, "--model", tiny, "--port", 0, module="train.serve")
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert "as tuned: configs/models/tuned.yaml" in line, server.communicate()[1]
        endpoint = load_endpoint("tuned", {})
        assert endpoint.model == name_model("tuned", tiny)
        assert (endpoint.reasoning, endpoint.json_mode, endpoint.is_local) == ("tags", "none", True)
        assert endpoint.prices is not None
        assert endpoint.prices.output == 0, "a run asks before it starts at an unknown cost"
        short = endpoint.model_copy(update={"max_tokens": 24, "temperature": 0.0})
        answer = asyncio.run(ask(short))
        assert answer.served_model.partition("@")[0] == endpoint.model
        assert answer.outcome in ("ok", "truncated", "empty")
        assert 1 <= (answer.usage.completion or 0) <= 24
        twin = run(place, "--model", tiny, "--port", 0, module="train.serve")
        assert twin.returncode == 2
        assert "belongs to a server that runs" in twin.stderr
        port = endpoint.base_url.partition("127.0.0.1:")[2].partition("/")[0]
        taken = run(place, "--model", tiny, "--port", port, "--name", "other", module="train.serve")
        assert (taken.returncode, len(taken.stderr.splitlines())) == (2, 1)
        assert f"--port {port}: Address already in use" in taken.stderr
    finally:
        server.send_signal(signal.SIGTERM)
        _, err = server.communicate(timeout=60)
    assert server.returncode == 0, err
    assert list((place / "configs/models").iterdir()) == []
    with socket.socket() as free:
        assert free.connect_ex(("127.0.0.1", int(port))) != 0


def test_an_engine_that_cannot_start_says_why_and_leaves_no_file(place: Path, tiny: Path) -> None:
    broken = place / "broken"
    shutil.copytree(tiny, broken)
    config = json.loads((broken / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps(config | {"model_type": "nothing_like_it"}))
    told = run(place, "--model", broken, "--port", 0, module="train.serve")
    assert told.returncode == 1
    assert "the engine did not start:" in told.stderr
    assert "Traceback" not in told.stderr
    assert len(told.stderr.splitlines()) == 1
    assert not (place / "configs").exists() or list((place / "configs/models").iterdir()) == []


def test_what_is_no_whole_model_is_refused(place: Path, tiny: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        check_model(place / "gone")
    adapter = place / "adapter"
    adapter.mkdir()
    with pytest.raises(InputError, match=r"holds no config\.json"):
        check_model(adapter)
    (adapter / "adapter_config.json").write_text("{}")
    with pytest.raises(InputError, match=r"merge it first: python -m train\.merge --adapter"):
        check_model(adapter)
    empty = place / "empty"
    shutil.copytree(tiny, empty, ignore=shutil.ignore_patterns("*.safetensors"))
    with pytest.raises(InputError, match="holds no weights"):
        check_model(empty)
    assert check_model(tiny) == tiny.resolve()


def test_an_endpoint_of_another_maker_is_left_alone(place: Path) -> None:
    path = place / "configs/models/tuned.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("name: tuned\nbase_url: http://127.0.0.1:1/v1\nmodel: mine\n")
    with pytest.raises(InputError, match=r"was not written by train\.serve"):
        choose_endpoint("tuned", None)
    with pytest.raises(InputError, match="ships with the factory"):
        choose_endpoint("deepseek", None)
    for name in ("../x", "A", ""):
        with pytest.raises(InputError, match="small letters"):
            choose_endpoint(name, None)
    with pytest.raises(InputError, match=r"end in \.yaml"):
        choose_endpoint("tuned", place / "tuned.txt")


def test_an_endpoint_is_taken_away_by_its_own_server_alone(place: Path) -> None:
    path = choose_endpoint("tuned", None)
    write_endpoint(path, KEYS)
    text = path.read_text()
    assert load_endpoint("tuned", {}).name == "tuned"
    assert read_owner(path) == this_process()
    assert is_running(this_process())
    with pytest.raises(InputError, match="belongs to a server that runs"):
        choose_endpoint("tuned", None)
    path.write_text(text.replace(f"process {this_process().pid}", "process 1"))
    remove_endpoint(path)
    assert path.exists()
    path.write_text(text + "temperature: 0.1\n")
    remove_endpoint(path)
    assert not path.exists()
    remove_endpoint(path)


def test_a_file_whose_server_was_killed_is_written_anew(place: Path) -> None:
    path = choose_endpoint("tuned", None)
    write_endpoint(path, KEYS)
    told = path.read_text()
    mine = this_process()
    path.write_text(told.replace(f"since {mine.started}", f"since {mine.started - 1}"))
    assert choose_endpoint("tuned", None) == path


def test_a_port_is_free_or_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="Address already in use"):
            choose_port(taken.getsockname()[1])
    assert choose_port(0) > 0
    with pytest.raises(InputError, match="ports run from"):
        choose_port(70_000)


def test_an_engine_is_chosen_by_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_engine("auto", 0) == "transformers"
    monkeypatch.setattr("train.job.engine.is_installed", lambda name: name == "vllm")
    assert choose_engine("auto", 1) == "vllm"
    with pytest.raises(InputError, match="--engine transformers: it is not installed"):
        choose_engine("auto", 0)
    words = start_words("vllm", "tuned-0", 81, 1)
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert words[words.index("--served-model-name") + 1] == "tuned-0"


def test_a_model_is_called_by_its_weights_and_not_by_its_place(place: Path, tiny: Path) -> None:
    moved = place / "me@home"
    shutil.copytree(tiny, moved)
    name = name_model("tuned", moved)
    assert name == name_model("tuned", tiny)
    assert re.fullmatch(r"tuned-[0-9a-f]{8}", name)
    weights = bytearray((moved / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (moved / "model.safetensors").write_bytes(weights)
    assert name_model("tuned", moved) != name
