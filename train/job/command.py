"""The command line and the environment of a trainer: accelerate's launcher around train.sft or train.dpo."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from taxonomy.lines import parse_yaml
from taxonomy.refusal import InputError, suggest
from taxonomy.source import read_text, show_path
from train.job.place import TAG

PLAIN = "plain"
SHIPPED = Path(__file__).parents[2] / "configs" / "accelerate"
RESERVED = ("config", "shards", "output_dir", "resume_from_checkpoint", "world_size")
"""Flags of the trainer that only this side sets."""
HIDDEN = ("DATABASE_URL", "PSYFOUNDRY_JOB_OWNER")
"""The trainer never speaks to the database."""
ONE_PROCESS = ("NO", "MULTI_CPU")
"""With these kinds accelerate starts one process, whatever number is asked for."""
QUIET_S = "10"


@dataclass(frozen=True, slots=True)
class World:
    """Where the ranks run: so many on each machine, started in one way."""

    accelerate: str
    """`plain`, or a file of accelerate's."""
    ranks: int
    machines: int = 1
    machine_rank: int = 0
    main_process_ip: str | None = None
    main_process_port: int | None = None

    @property
    def size(self) -> int:
        """Ranks on all machines together."""
        return self.ranks * self.machines


def find_accelerate(told: str) -> str:
    """Return `plain` or the path of the file that a name or path means; raises InputError where there is none."""
    if told == PLAIN:
        return PLAIN
    if "/" in told or told.endswith((".yaml", ".yml", ".json")):
        if not Path(told).is_file():
            raise InputError(f"--accelerate {told}: there is no such file; check the path")
        return str(Path(told).resolve())
    folders = (Path("configs") / "accelerate", SHIPPED)
    for folder in folders:
        if (folder / f"{told}.yaml").is_file():
            return str((folder / f"{told}.yaml").resolve())
    names = sorted({PLAIN} | {path.stem for folder in folders for path in folder.glob("*.yaml")})
    raise InputError(
        f"--accelerate {told!r}: unknown{suggest(told, names)}; choose one of {', '.join(names)}, or a file"
    )


def check_world(world: World) -> None:
    """Raise InputError for ranks that would not be started as asked."""
    if world.ranks < 1 or world.machines < 1:
        raise InputError("--nproc and --num_machines: at least 1 is wanted")
    if not 0 <= world.machine_rank < world.machines:
        raise InputError(f"--machine_rank {world.machine_rank}: machines run from 0 to {world.machines - 1}")
    if world.machines > 1 and world.main_process_ip is None:
        raise InputError("--num_machines needs --main_process_ip, the address of machine 0")
    port = world.main_process_port
    # On one machine 0 takes a free one; another machine could not know which.
    if port is not None and not int(world.machines > 1) <= port < 65_536:
        raise InputError(f"--main_process_port {port}: ports run from 1 to 65535")
    if world.accelerate != PLAIN and world.size > 1:
        told = parse_yaml(read_text(Path(world.accelerate)), show_path(Path(world.accelerate))).data
        if isinstance(told, dict) and told.get("distributed_type") in ONE_PROCESS:
            raise InputError(
                f"{show_path(Path(world.accelerate))}: distributed_type {told['distributed_type']} starts one process,"
                f" and {world.size} are asked for; use zero2, zero3 or plain"
            )


def check_extra(extra: Sequence[str]) -> None:
    """Raise InputError for flags after `--` that the job itself sets."""
    for flag in extra:
        name = flag.split("=")[0].lstrip("-").replace("-", "_")
        if not flag.startswith("--"):
            continue
        if name in RESERVED:
            raise InputError(f"{flag.split('=')[0]} after -- is set by the job itself; leave it out")


def start_words(world: World) -> list[str]:
    """Return the words that start the ranks on this machine, up to the trainer's module."""
    one_machine = world.machines == 1
    if world.accelerate == PLAIN:
        if world.size == 1:
            return [sys.executable]
        # accelerate starts one process where there is no GPU and no DeepSpeed; torch's own launcher does as it is told.
        words = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", str(world.ranks)]
        if one_machine:
            return [*words, "--standalone"]
        words += ["--nnodes", str(world.machines), "--node_rank", str(world.machine_rank)]
        return [
            *words,
            "--master_addr",
            str(world.main_process_ip),
            "--master_port",
            str(world.main_process_port or 29500),
        ]
    words = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", world.accelerate]
    words += ["--num_processes", str(world.size), "--num_machines", str(world.machines)]
    words += ["--machine_rank", str(world.machine_rank)]
    if one_machine:
        # 0 takes a free port, so that two jobs run side by side.
        return [*words, "--main_process_port", str(world.main_process_port or 0)]
    words += ["--main_process_ip", str(world.main_process_ip)]
    return [*words, "--main_process_port", str(world.main_process_port or 29500)]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command of a job is made from, also when it goes on."""

    module: str
    """The trainer: train.sft, or train.dpo for preferences."""
    world: World
    extra: list[str]

    def dump(self) -> str:
        """Return the settings as they are stored."""
        return json.dumps(asdict(self), ensure_ascii=False)


def load_settings(stored: str) -> Settings:
    """Return stored settings."""
    told = json.loads(stored)
    return Settings(told["module"], World(**told["world"]), told["extra"])


def build_command(settings: Settings, config: Path, shards: Path, output: Path, checkpoint: Path | None) -> list[str]:
    """Return the whole command line of a trainer."""
    words = [*start_words(settings.world), "-m", settings.module, "--config", str(config), "--shards", str(shards)]
    words += ["--output_dir", str(output), "--world_size", str(settings.world.size)]
    if checkpoint is not None:
        words += ["--resume_from_checkpoint", str(checkpoint)]
    return [*words, *settings.extra]


def build_environment(environment: Mapping[str, str], token: str) -> dict[str, str]:
    """Return the environment of a trainer: ours without the database, and with the job's token."""
    kept = {name: value for name, value in environment.items() if name not in HIDDEN}
    # A bar in a log file is read by nobody: it moves now and then.
    return {"TQDM_MININTERVAL": QUIET_S, "PYTHONUNBUFFERED": "1"} | kept | {TAG: token}


def log_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of what keeps the log: with the secrets that it masks, without the job's token."""
    return {name: value for name, value in environment.items() if name not in (TAG, *HIDDEN)}
