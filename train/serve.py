"""Serves a tuned model on this machine: python -m train.serve --model DIR, then --cast counselor=tuned in graphs.run.

It writes configs/models/NAME.yaml in the working folder, by which the gateway finds the model, and removes it when it
ends. What stands after `--` goes to the engine as it is; paths there must be whole.
"""

import hashlib
import json
import signal
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from taxonomy.command import Parser, run_main
from taxonomy.refusal import InputError, Refusal
from taxonomy.source import read_text, show_path
from train.job.port import HOST, choose_port
from train.job.signals import heed_signals

PORT = 8232
MOST_TOKENS = 4096
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
    flags, extra = build_parser().parse_args(given[:place]), given[place + 1 :]
    check_sampling(flags)
    from train.job.devices import count_gpus
    from train.job.endpoint import choose_endpoint, hold_endpoint
    from train.job.engine import check_engine_words, choose_engine, lent_folder, start_words

    check_engine_words(extra)
    model = check_model(flags.model)
    path = choose_endpoint(flags.name, flags.endpoint)
    port = choose_port(flags.port)
    gpus = count_gpus()
    engine = choose_engine(flags.engine, gpus)
    keys = tell_endpoint(flags, model, port, engine)
    heed_signals()
    with hold_endpoint(path), lent_folder() as folder:
        # The engine calls a model by the path it was given: from here, this one.
        Path(folder, keys["model"]).symlink_to(model)
        return serve([*start_words(engine, keys["model"], port, gpus), *extra], folder, path, keys, port)


def check_sampling(flags: Namespace) -> None:
    """Raise InputError for settings that the gateway does not take."""
    if not 0 <= flags.temperature <= 2:
        raise InputError(f"--temperature {flags.temperature:g}: a number from 0 to 2 is wanted")
    if not 0 < flags.top_p <= 1:
        raise InputError(f"--top-p {flags.top_p:g}: a number above 0 and up to 1 is wanted")
    if flags.max_tokens is not None and flags.max_tokens < 1:
        raise InputError(f"--max-tokens {flags.max_tokens}: at least 1 is wanted")


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
    read_config(folder)
    return folder.resolve()


def read_config(folder: Path) -> dict[str, Any]:
    """Return a model's configuration; raises InputError where it cannot be read."""
    path = folder / "config.json"
    try:
        told = json.loads(read_text(path))
    except (ValueError, RecursionError):
        raise InputError(f"{show_path(path)}: not JSON; name the folder of a whole model") from None
    if not isinstance(told, dict):
        raise InputError(f"{show_path(path)}: keys with values are wanted; name the folder of a whole model")
    return told


def name_model(name: str, folder: Path) -> str:
    """Return what the engine calls a model: a name and eight digits of its weights, read in samples.

    Not its path: this name stands in the database, in reports and in what is published. With the digits, weights that
    were trained on under the same name are another model to a run that is resumed.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        try:
            size = path.stat().st_size
            digest.update(size.to_bytes(8, "big"))
            with path.open("rb") as weights:
                for sample in range(SAMPLES):
                    weights.seek(size * sample // SAMPLES)
                    digest.update(weights.read(SAMPLE_BYTES))
        except OSError as error:
            raise InputError(f"{show_path(path)} cannot be read: {error.strerror}") from None
    return f"{name}-{digest.hexdigest()[:8]}"


def tell_endpoint(flags: Namespace, model: Path, port: int, engine: str) -> dict[str, Any]:
    """Return the keys of the endpoint file.

    transformers serve takes neither a JSON mode nor a seed: both are left out for it. It keeps thoughts in the text,
    between tags.
    """
    told = read_config(model).get("max_position_embeddings")
    context = told if type(told) is int and told > 1 else None
    keys = {
        "name": flags.name,
        "base_url": f"http://{HOST}:{port}/v1",
        "model": name_model(flags.name, model),
        "temperature": flags.temperature,
        "top_p": flags.top_p,
        "max_tokens": flags.max_tokens or min(MOST_TOKENS, context // 2 if context else MOST_TOKENS),
        "json": "schema" if engine == "vllm" else "none",
        "reasoning": "tags",
        "send_seed": engine == "vllm",
        # Said, for a cost that is not known is asked about before a run.
        "prices": {"input": 0, "cached_input": 0, "output": 0},
        "currency": "CNY",
    }
    return keys | ({"context_length": context} if context else {})


def serve(words: Sequence[str], folder: Path, path: Path, keys: dict[str, Any], port: int) -> int:
    """Run an engine until it is interrupted; the endpoint file is there as long as it answers.

    Who interrupts it before it answers has got nothing: that is KeyboardInterrupt.
    """
    from train.job.endpoint import remove_endpoint, write_endpoint
    from train.job.engine import explain, start_engine, stop, wait_until_ready

    engine, is_up = start_engine(words, folder), False
    try:
        wait_until_ready(engine, port)
        write_endpoint(path, keys)
        is_up = True
        sys.stdout.write(f"{keys['model']} answers on {HOST}:{port} as {keys['name']}: {show_path(path)}\n")
        sys.stdout.flush()
        engine.process.wait()
        raise Refusal(f"the engine has ended: {explain(engine)}")
    except KeyboardInterrupt:
        if not is_up:
            raise
        return 0
    finally:
        # Who asks twice does not keep it from cleaning up.
        heed_signals(signal.SIG_IGN)
        remove_endpoint(path)
        stop(engine)


if __name__ == "__main__":
    run_main(main)
