"""Prepares a job: everything is checked before anything is made, then it is recorded and held by this process."""

import json
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from store.db import Database, open_db
from store.errors import StoreError
from store.export.folder import choose_folder
from store.export.manifest import verify
from store.job_tables import JobRow
from store.jobs import Holder, add_job, describe_job, end_job, find_job, read_name
from taxonomy.lines import parse_yaml
from taxonomy.refusal import InputError, Refusal
from taxonomy.source import read_text, show_path
from train.job.command import Settings, World, check_extra, check_world, find_accelerate
from train.job.devices import choose_ranks
from train.job.folder import OUTPUT, JobFolder, make_folder
from train.job.place import find_place, this_process
from train.job.provenance import find_commit, list_versions
from train.job.secrets import check_config, check_words
from train.job.settle import settle_all
from train.settings import find_config

JOBS = Path("jobs")
DEFAULT = "zero2"
STORED = ("config", "shards", "accelerate", "out", "main_process_ip")
"""Flags whose words are stored with a job."""
TRAINERS = {"talks": "train.sft", "preferences": "train.dpo"}


@dataclass(frozen=True, slots=True)
class Held:
    """A job that this process holds, ready to start; notes are for the user."""

    job: JobRow
    checkpoint: Path | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Shards:
    """An export that is as its manifest says."""

    folder: Path
    mix: str
    mix_sha256: str
    hashes: dict[str, str]
    kind: str = "talks"
    """`preferences`: pairs, for DPO."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a job is made of, checked."""

    config_file: str
    config: str
    model: str
    world: World
    extra: list[str]


def verify_shards(folder: Path) -> Shards:
    """Return an export whose shards are as they were written; raises InputError for any other."""
    try:
        manifest = verify(folder)
    except StoreError as error:
        raise InputError(str(error)) from None
    hashes = {name: told["sha256"] for name, told in sorted(manifest["files"].items()) if name.endswith(".parquet")}
    mix = manifest.get("mix", {})
    if mix.get("kind", "talks") not in TRAINERS:
        raise InputError(f"{show_path(folder)}: no trainer here takes a mix of kind {mix['kind']!r}")
    named = str(mix.get("name", "unnamed"))
    return Shards(folder.resolve(), named, str(manifest.get("mix_sha256", "")), hashes, str(mix.get("kind", "talks")))


def make_order(flags: Namespace, extra: Sequence[str]) -> Order:
    """Return what the flags ask for; raises InputError, with nothing made, where it cannot be."""
    check_text(flags, extra)
    path = find_config(flags.config)
    config = read_text(path)
    parsed = parse_yaml(config, show_path(path))
    told = parsed.data
    if not isinstance(told, dict):
        raise InputError(f"{show_path(path)}:1: keys with values are wanted")
    check_config(parsed, config, show_path(path))
    check_extra(extra)
    check_words(extra)
    # Machine settings first: they are a matter of the command line alone.
    world = World(
        find_accelerate(flags.accelerate or DEFAULT),
        choose_ranks(flags.nproc),
        1 if flags.num_machines is None else flags.num_machines,
        flags.machine_rank or 0,
        flags.main_process_ip,
        flags.main_process_port,
    )
    check_world(world)
    return Order(show_path(path), config, find_model(told, extra), world, list(extra))


def check_text(flags: Namespace, extra: Sequence[str]) -> None:
    """Raise InputError for what is stored with a job and is no UTF-8, which no database takes."""
    told = {f"--{name}": word for name, word in vars(flags).items() if name in STORED and word}
    for name, word in (told | {"what stands after --": " ".join(extra), "the working folder": Path.cwd()}).items():
        whole = str(word.resolve() if isinstance(word, Path) else word)
        try:
            whole.encode()
        except UnicodeEncodeError:
            raise InputError(f"{name}: {whole!a} is not in UTF-8; choose another name") from None


def find_model(told: dict[str, Any], extra: Sequence[str]) -> str:
    """Return the base model that a configuration or a flag of the trainer names."""
    flag = "--model_name_or_path"
    for place, word in enumerate(extra):
        if word == flag and place + 1 < len(extra):
            return extra[place + 1]
        if word.startswith(f"{flag}="):
            return word.partition("=")[2]
    return str(told.get("model_name_or_path") or "")


def make_holder() -> Holder:
    """Return this process as the holder of a job."""
    host, boot = find_place()
    return Holder(uuid4().hex, host, boot, uuid4().hex, this_process())


def make_row(order: Order, shards: Shards, holder: Holder, **told: Any) -> JobRow:
    """Return the row of a new job."""
    now = time.time()
    return JobRow(
        state="starting",
        model=order.model,
        mix=shards.mix,
        mix_sha256=shards.mix_sha256,
        shards=str(shards.folder),
        shard_hashes=json.dumps(shards.hashes),
        config_file=order.config_file,
        config=order.config,
        accelerate=order.world.accelerate,
        world_size=order.world.size,
        machines=order.world.machines,
        machine_rank=order.world.machine_rank,
        settings=Settings(TRAINERS[shards.kind], order.world, order.extra).dump(),
        workdir=str(Path.cwd()),
        folder="",
        output="",
        versions=json.dumps(list_versions()),
        git_commit=find_commit(),
        owner=holder.owner,
        host=holder.host,
        boot=holder.boot,
        token=holder.token,
        follower_pid=holder.process.pid,
        follower_started=holder.process.started,
        heartbeat_at=now,
        created_at=now,
        **told,
    )


def choose_place(flags: Namespace, order: Order) -> Path | None:
    """Return the folder that --out names; None for one with the number of the job.

    Machines that train together write into the folder of machine 0; each other one has one beside it for its log.
    """
    if order.world.machine_rank == 0:
        return choose_folder(flags.out) if flags.out else None
    if not flags.out:
        raise InputError(f"--machine_rank {order.world.machine_rank} needs --out DIR, the folder of machine 0")
    path = Path(flags.out)
    return choose_folder(str(path.with_name(f"{path.name}.machine{order.world.machine_rank}")))


def prepare_new(url: str, flags: Namespace, extra: Sequence[str]) -> tuple[Database, Held]:
    """Check, record and hold a new job; the database is opened when all else is well."""
    order = make_order(flags, extra)
    shards = verify_shards(flags.shards)
    place = choose_place(flags, order)
    engine = open_db(url)
    try:
        settle_all(engine)
        job = add_job(engine, make_row(order, shards, make_holder()))
        assert job is not None
        output = Path(flags.out).resolve() / OUTPUT if order.world.machine_rank else None
        return engine, settle_in(engine, job, place, output)
    except BaseException:
        engine.dispose()
        raise


def settle_in(engine: Database, job: JobRow, place: Path | None, output: Path | None = None) -> Held:
    """Make the folder of a new job; where that fails the job has failed."""
    assert job.id is not None
    try:
        path = place or choose_default(job)
        folder = JobFolder(path, output or path / OUTPUT)
        make_folder(folder, job.id, read_name(engine), job.config)
        describe_job(engine, job.id, job.owner, folder=str(folder.path), output=str(folder.output))
    except Refusal as refusal:
        end_job(engine, job, "failed", str(refusal))
        raise
    return Held(find_job(engine, job.id))


def choose_default(job: JobRow) -> Path:
    """Return a folder for a job by its number; another database may have left one with that number."""
    path = (JOBS / str(job.id)).resolve()
    return path.with_name(f"{path.name}-{job.owner[:6]}") if path.exists() else path
