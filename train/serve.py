"""Serves a tuned model on this machine: python -m train.serve --model DIR, then --cast counselor=tuned in graphs.run.

It writes configs/models/NAME.yaml in the working folder, by which the gateway finds the model, and removes it when it
ends. What stands after `--` goes to the engine as it is; paths there must be whole.
"""

import ctypes
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from argparse import Namespace
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from taxonomy.command import Parser, run_main
from taxonomy.refusal import InputError, Refusal
from taxonomy.source import show_path

HOST = "127.0.0.1"
PORT = 8232
READY_S = 1800.0
"""A large model takes minutes to load from a slow disk."""
STOP_S = 10.0
LOOK_S = 0.1
MOST_TOKENS = 4096
PR_SET_PDEATHSIG = 1
SAMPLES = 64
SAMPLE_BYTES = 1 << 16
ENGINES = ("auto", "transformers", "vllm")


def build_parser() -> Parser:
    """Return the flags."""
    parser = Parser("train.serve", description=__doc__)
    parser.add_argument("--model", metavar="DIR", type=Path, required=True, help="the folder of a whole model")
    parser.add_argument("--name", default="tuned", help="what --cast and --model call it (default: tuned)")
    parser.add_argument("--port", type=int, default=PORT, help=f"default {PORT}; 0 takes a free one")
    parser.add_argument("--engine", choices=ENGINES, default="auto", help="auto: vLLM where it is installed with a GPU")
    parser.add_argument("--endpoint", metavar="FILE", type=Path, help="default configs/models/NAME.yaml, here")
    parser.add_argument("--temperature", type=float, default=0.7, help="what the endpoint file asks for (default: 0.7)")
    parser.add_argument("--top-p", type=float, default=0.8, help="the same (default: 0.8)")
    parser.add_argument("--max-tokens", type=int, help=f"the same; default {MOST_TOKENS}, or half of the context")
    return parser


def main() -> int:
    """Serve until interrupted."""
    given = sys.argv[1:]
    place = given.index("--") if "--" in given else len(given)
    flags = build_parser().parse_args(given[:place])
    from train.job.devices import count_gpus
    from train.job.endpoint import choose_endpoint

    model = check_model(flags.model)
    path = choose_endpoint(flags.name, flags.endpoint)
    port = choose_port(flags.port)
    gpus = count_gpus()
    engine = choose_engine(flags.engine, gpus)
    keys = tell_endpoint(flags, model, port, engine)
    words = [*start_words(engine, keys["model"], port, gpus), *given[place + 1 :]]
    # Stopped by a service manager or by a person, it cleans up alike.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        # The engine calls a model by the path it was given: from here, this one.
        Path(folder, keys["model"]).symlink_to(model)
        return serve(words, Path(folder), path, keys, port)


def check_model(folder: Path) -> Path:
    """Return the whole path of a model's folder; raises InputError where it cannot be served."""
    shown = show_path(folder)
    if not folder.is_dir():
        raise InputError(f"--model {shown}: there is no such folder")
    if (folder / "adapter_config.json").is_file():
        merge = f"python -m train.merge --adapter {shown} --out {shown}-merged"
        raise InputError(f"--model {shown}: holds an adapter and no whole model; merge it first: {merge}")
    for name in ("config.json", "tokenizer_config.json"):
        if not (folder / name).is_file():
            raise InputError(f"--model {shown}: holds no {name}; name the folder of a model")
    if not any(folder.glob("*.safetensors")):
        raise InputError(f"--model {shown}: holds no weights; name the folder of a model")
    return folder.resolve()


def name_model(name: str, folder: Path) -> str:
    """Return what the engine calls a model: a name and eight digits of its weights, read in samples.

    Not its path: this name stands in the database, in reports and in what is published. With the digits, weights that
    were trained on under the same name are another model to a run that is resumed.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        size = path.stat().st_size
        digest.update(size.to_bytes(8, "big"))
        with path.open("rb") as weights:
            for sample in range(SAMPLES):
                weights.seek(size * sample // SAMPLES)
                digest.update(weights.read(SAMPLE_BYTES))
    return f"{name}-{digest.hexdigest()[:8]}"


def choose_port(told: int) -> int:
    """Return a free port; raises InputError where the one asked for is taken."""
    if not 0 <= told < 65_536:
        raise InputError(f"--port {told}: ports run from 0 to 65535")
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((HOST, told))
        except OSError as error:
            raise InputError(f"--port {told}: {error.strerror}; name another port, or 0 for a free one") from None
        port: int = tried.getsockname()[1]
        return port


def choose_engine(told: str, gpus: int) -> str:
    """Return the engine to serve with; raises InputError where it is not installed."""
    if told == "auto":
        told = "vllm" if gpus and find_spec("vllm") else "transformers"
    if not find_spec(told):
        extra = "vllm" if told == "vllm" else "transformers[serving]"
        raise InputError(f"--engine {told}: it is not installed; pip install '{extra}'")
    return told


def start_words(engine: str, model: str, port: int, gpus: int) -> list[str]:
    """Return the words that start an engine."""
    place = ["--host", HOST, "--port", str(port)]
    if engine == "vllm":
        return [sys.executable, "-m", "vllm.entrypoints.cli.main", "serve", model, "--served-model-name", model, *place]
    device = ["--device", "cuda", "--dtype", "bfloat16"] if gpus else ["--device", "cpu", "--dtype", "float32"]
    return [sys.executable, "-m", "transformers.cli.transformers", "serve", model, *device, *place]


def tell_endpoint(flags: Namespace, model: Path, port: int, engine: str) -> dict[str, Any]:
    """Return the keys of the endpoint file.

    transformers serve takes neither a JSON mode nor a seed: both are left out for it. It keeps thoughts in the text,
    between tags.
    """
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    context = config.get("max_position_embeddings")
    keys = {
        "name": flags.name,
        "base_url": f"http://{HOST}:{port}/v1",
        "model": name_model(flags.name, model),
        "temperature": flags.temperature,
        "top_p": flags.top_p,
        "max_tokens": flags.max_tokens or (min(MOST_TOKENS, context // 2) if isinstance(context, int) else MOST_TOKENS),
        "json": "schema" if engine == "vllm" else "none",
        "reasoning": "tags",
        "send_seed": engine == "vllm",
        # Said, for a cost that is not known is asked about before a run.
        "prices": {"input": 0, "cached_input": 0, "output": 0},
        "currency": "CNY",
    }
    return keys | ({"context_length": context} if isinstance(context, int) else {})


def serve(words: Sequence[str], folder: Path, path: Path, keys: dict[str, Any], port: int) -> int:
    """Run an engine until it is interrupted; the endpoint file is there as long as it answers."""
    from train.job.endpoint import remove_endpoint, write_endpoint

    # Without this folder the engine's list of models is an error.
    cache = folder / "hub"
    cache.mkdir()
    environment = {"HF_HUB_OFFLINE": "1", "NO_COLOR": "1"} | dict(os.environ) | {"HF_HUB_CACHE": str(cache)}
    said = folder / "said"
    with said.open("wb") as log:
        engine = subprocess.Popen(
            words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, preexec_fn=end_with_parent if sys.platform == "linux" else None,
        )  # fmt: skip
    try:
        wait_until_ready(engine, port, said)
        write_endpoint(path, keys)
        sys.stdout.write(f"{keys['model']} answers on {HOST}:{port} as {keys['name']}: {show_path(path)}\n")
        sys.stdout.flush()
        engine.wait()
        raise Refusal(f"the engine has ended: {explain(said)}")
    except KeyboardInterrupt:
        return 0
    finally:
        remove_endpoint(path)
        stop(engine)


def end_with_parent() -> None:
    """Have Linux end this process when its parent is killed: no engine stays behind and holds the port."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def wait_until_ready(engine: "subprocess.Popen[bytes]", port: int, said: Path) -> None:
    """Return when the engine answers; raises Refusal where it ends or takes too long."""
    # A proxy of the environment would be asked for this machine too.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        if engine.poll() is not None:
            raise Refusal(f"the engine did not start: {explain(said)}")
        try:
            with opener.open(f"http://{HOST}:{port}/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(LOOK_S)
    raise Refusal(f"the engine was not ready in {READY_S / 60:.0f} minutes; its last words: {explain(said)}")


def explain(said: Path) -> str:
    """Return the last thing an engine said."""
    from train.job.log import list_secrets, mask, read_log
    from train.job.reason import find_reason

    return mask(find_reason(read_log(said)) or "it does not say why", list_secrets(os.environ))


def stop(engine: "subprocess.Popen[bytes]") -> None:
    """End an engine and what it has started."""
    for word in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(engine.pid, word)
        except ProcessLookupError:
            return
        try:
            engine.wait(STOP_S)
        except subprocess.TimeoutExpired:
            continue


if __name__ == "__main__":
    run_main(main)
