"""The settings of a run: one schema, filled from flags, environment, .env, a YAML file and defaults, in that order."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from agents.budget import read_cost
from agents.cast import ROLES, Role
from taxonomy.reading import read_yaml
from taxonomy.refusal import InputError, suggest

ENVIRONMENT = {"db": "DATABASE_URL"}
"""Settings whose variable is not PSYFOUNDRY_<NAME>."""
DEFAULT_DB = "sqlite:///factory.db"


class RunConfig(BaseModel):
    """What `graphs.run` needs to know; the same keys stand in configs/run/*.yaml."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    taxonomy: Path | None = None
    """The map of feelings and life scenes."""
    recipe: str = "session"
    """The method, by name (`python -m graphs.recipes` lists them)."""
    switches: dict[str, str] = Field(default_factory=dict)
    """The recipe's own switches (--set KEY=VALUE)."""
    count: int | None = Field(default=None, ge=1)
    """Sessions to run; by default one for each cell, or for each row of --seeds."""
    fill: int | None = Field(default=None, ge=1, le=100_000)
    """Dialogues that each cell is to have, accepted or waiting for a person; in place of a count."""
    seeds: Path | None = None
    """JSON Lines with a text in each row, as input instead of the cells."""
    stored: str | None = None
    """What of the database is the input instead: scenarios or dialogues, or those of one run as in scenarios:3."""
    field: str | None = None
    """The field of --seeds that holds the text; found when not named."""
    model: str = "rehearsal"
    """The model of every role the cast does not name: NAME, FILE.yaml or URL#MODEL."""
    cast: dict[Role, str] = Field(default_factory=dict)
    """Models by role."""
    language: Literal["zh", "en"] | None = None
    """The language of the sessions; by default the seed's, else zh."""
    db: str = DEFAULT_DB
    """A SQLite or PostgreSQL URL."""
    concurrency: int = Field(default=32, ge=1, le=4096)
    """Calls in flight."""
    seed: int = Field(default=0, ge=0)
    """The seed of the plan."""
    policy: str = "default"
    """The policy that decides on a finished session: NAME or FILE.yaml."""
    max_calls: int | None = Field(default=None, ge=1)
    """Answered calls after which the run stops, those of its earlier parts included."""
    max_cost: str | None = None
    """Money after which the run stops, such as 5CNY; every endpoint needs prices in that currency."""
    synchronous: Literal["full", "normal"] = "full"
    """How SQLite commits: `normal` is a little faster and may lose the last moments before a power cut."""

    @field_validator("max_cost")
    @classmethod
    def check_cost(cls, value: str | None) -> str | None:
        """Hold the amount to the form that the budget reads."""
        if value is not None:
            read_cost(value)
        return value


def load_run_config(path: Path) -> RunConfig:
    """Read a run configuration; raises InputError naming file and line."""
    return read_yaml(path, RunConfig)


def read_environment() -> dict[str, str]:
    """Return the variables of .env in the working directory, the process's own on top."""
    named = {key: value for key, value in dotenv_values(".env").items() if value is not None}
    return {**named, **os.environ}


def resolve_config(
    flags: Mapping[str, Any], config: Path | None, environment: Mapping[str, str]
) -> tuple[RunConfig, dict[str, str]]:
    """Return the settings and where each comes from; `flags` holds only what stood on the command line."""
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    if config is not None:
        read = load_run_config(config)
        for key in read.model_fields_set:
            values[key], origins[key] = getattr(read, key), str(config)
    for key in RunConfig.model_fields:
        variable = ENVIRONMENT.get(key, f"PSYFOUNDRY_{key.upper()}")
        if key not in ("cast", "switches") and environment.get(variable):
            values[key], origins[key] = environment[variable], f"environment ({variable})"
    for key, value in flags.items():
        values[key], origins[key] = value, "command line"
    try:
        resolved = RunConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = str(first["loc"][0])
        problem = first["msg"].removeprefix("Value error, ")
        raise InputError(f"{key}: {first['input']!r} ({origins[key]}): {problem}") from None
    return resolved, {key: origins.get(key, "default") for key in RunConfig.model_fields}


def read_pairs(pairs: list[str], flag: str) -> dict[str, str]:
    """Return KEY=VALUE flags as a dictionary; raises InputError for one without '=' or given twice."""
    read: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key or not value:
            raise InputError(f"{flag} {pair!r}: write {flag} KEY=VALUE")
        if key in read:
            raise InputError(f"{flag} {key!r} is given twice")
        read[key] = value
    return read


def read_cast(pairs: list[str]) -> dict[str, str]:
    """Return --cast ROLE=MODEL flags; raises InputError for a role there is not."""
    cast = read_pairs(pairs, "--cast")
    for role in cast:
        if role not in ROLES:
            raise InputError(f"--cast: unknown role {role!r}{suggest(role, ROLES)}; choose one of {', '.join(ROLES)}")
    return cast


def find_config(kind: str, name: str) -> Path:
    """Return the YAML file of this name: a path, ./configs/<kind>/, or the one that ships with the package."""
    if name.endswith((".yaml", ".yml")) or "/" in name:
        return Path(name)
    shipped = Path(__file__).parent.parent / "configs" / kind
    folders = [Path("configs") / kind, shipped]
    for folder in folders:
        if (folder / f"{name}.yaml").is_file():
            return folder / f"{name}.yaml"
    names = sorted({path.stem for folder in folders for path in folder.glob("*.yaml")})
    raise InputError(
        f"unknown {kind} {name!r}{suggest(name, names)}; choose one of {', '.join(names)} or name a .yaml file"
    )
