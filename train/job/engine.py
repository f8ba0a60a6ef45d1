"""Runs the engine that serves a model: how it is started, when it answers, why it has ended, and how it is ended."""

import ctypes
import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from taxonomy.refusal import InputError, Refusal
from train.job.ending import name_signal
from train.job.log import list_secrets, mask, read_log
from train.job.port import HOST, holds_port
from train.job.reason import find_reason
from train.place import hold, name_place, sweep_places

READY_S = 1800.0
"""A large model takes minutes to load from a slow disk."""
STOP_S = 10.0
LOOK_S = 0.1
LOG_S = 5.0
PR_SET_PDEATHSIG = 1
RESERVED = ("host", "port", "uds", "served-model-name", "api-key")
"""Flags of the engines that decide who reaches it, and under which name."""
CHATTER = re.compile(r"^(\([^)]*\) )?(INFO|DEBUG)\b")
ERROR = re.compile(r"^(\([^)]*\) )?(Error|ERROR)\b|: error: |^[\w.]+(Error|Exception|Exit): ")


class Engine(NamedTuple):
    """An engine that was started, what keeps its log, and the log."""

    process: "subprocess.Popen[bytes]"
    keeper: "subprocess.Popen[bytes]"
    said: Path


def choose_engine(told: str, gpus: int) -> str:
    """Return the engine to serve with; raises InputError where it is not installed."""
    if told == "auto":
        told = "vllm" if gpus and is_installed("vllm") else "transformers"
    if not is_installed(told):
        extra = "vllm" if told == "vllm" else "transformers[serving]"
        raise InputError(f"--engine {told}: it is not installed; pip install '{extra}'")
    return told


def is_installed(package: str) -> bool:
    """Whether a package is installed; a folder of that name is none."""
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def check_engine_words(extra: Sequence[str]) -> None:
    """Raise InputError for flags after `--` that would take the engine where the endpoint file does not point."""
    for word in extra:
        name = word.partition("=")[0].lstrip("-").replace("_", "-")
        # An engine may take a flag that is cut short.
        if word.startswith("--") and name and any(flag.startswith(name) for flag in RESERVED):
            raise InputError(f"{word.partition('=')[0]} after -- is set by train.serve itself; leave it out")


def start_words(engine: str, model: str, port: int, gpus: int) -> list[str]:
    """Return the words that start an engine."""
    place = ["--host", HOST, "--port", str(port)]
    if engine == "vllm":
        return [sys.executable, "-m", "vllm.entrypoints.cli.main", "serve", model, "--served-model-name", model, *place]
    device = ["--device", "cuda", "--dtype", "bfloat16"] if gpus else ["--device", "cpu", "--dtype", "float32"]
    return [sys.executable, "-m", "transformers.cli.transformers", "serve", model, *device, *place]


@contextmanager
def lent_folder() -> Iterator[Path]:
    """Yield a temporary folder to work in; what killed servers left is removed first."""
    sweep_places()
    folder = Path(name_place())
    handle = hold(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def start_engine(words: Sequence[str], folder: Path) -> Engine:
    """Start an engine in a folder and a session of its own, and what keeps its log, bounded and masked."""
    # Without this folder the engine's list of models is an error.
    cache = folder / "hub"
    cache.mkdir()
    environment = {"HF_HUB_OFFLINE": "1", "NO_COLOR": "1"} | dict(os.environ) | {"HF_HUB_CACHE": str(cache)}
    said = folder / "said"
    keeper = subprocess.Popen(
        [sys.executable, "-m", "train.job.log", str(said)],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    assert keeper.stdin is not None
    try:
        process = subprocess.Popen(
            words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=keeper.stdin, stderr=keeper.stdin,
            start_new_session=True, preexec_fn=end_with_parent if sys.platform == "linux" else None,
        )  # fmt: skip
    finally:
        keeper.stdin.close()
    return Engine(process, keeper, said)


def end_with_parent() -> None:
    """Have Linux end this process when its parent is killed: no engine stays behind and holds the port."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def wait_until_ready(engine: Engine, port: int) -> None:
    """Return when the engine answers, and nobody else in its place; raises Refusal where it ends or takes too long."""
    # A proxy of the environment would be asked for this machine too.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        if engine.process.poll() is not None:
            raise Refusal(f"the engine did not start: {explain(engine)}")
        try:
            with opener.open(f"http://{HOST}:{port}/health", timeout=5) as answer:
                is_well = answer.status == 200
        except (urllib.error.URLError, http.client.HTTPException, OSError):
            is_well = False
        if is_well and holds_port(engine.process.pid, port) and engine.process.poll() is None:
            return
        time.sleep(LOOK_S)
    raise Refusal(f"the engine was not ready in {READY_S / 60:.0f} minutes; its last words: {explain(engine)}")


def explain(engine: Engine) -> str:
    """Return why an engine ended, or the last that one says which lives: its error rather than its chatter."""
    code = engine.process.poll()
    if code is not None:
        with suppress(subprocess.TimeoutExpired):
            engine.keeper.wait(LOG_S)
        if code < 0:
            return f"it was killed by {name_signal(-code)}"
    lines = [line for line in read_log(engine.said) if not CHATTER.match(line)]
    told = find_reason([line for line in lines if ERROR.search(line)]) or find_reason(lines)
    return mask(told or "it does not say why", list_secrets(os.environ))


def stop(engine: Engine) -> None:
    """End an engine and what it has started; what keeps its log ends with the last who writes to it."""
    for word in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(engine.process.pid, word)
            engine.process.wait(STOP_S)
    try:
        engine.keeper.wait(LOG_S)
    except subprocess.TimeoutExpired:
        engine.keeper.kill()
        engine.keeper.wait()
