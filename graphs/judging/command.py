"""Carries out what graphs.judge was asked: rules and policy first, then the critics, each with its closing words."""

import json
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from agents.cast import Role
from agents.endpoint import load_endpoint
from agents.policy import load_policy
from agents.rubric import list_rubrics
from graphs.config import find_config, read_cast, read_environment, resolve_config
from graphs.judging.file_critics import judge_a_file
from graphs.judging.launch import Plan
from graphs.judging.stored import judge_the_store
from taxonomy.refusal import InputError, suggest


def judge(flags: Namespace, settings: Mapping[str, Any]) -> int:
    """Judge a file, or what is stored; returns the exit code."""
    environment = read_environment()
    given = dict(settings) | ({"cast": read_cast(flags.cast)} if flags.cast else {})
    config, _ = resolve_config(given, None, environment)
    check_rubrics(flags.rubric or [])
    roles: list[Role] = ["critic"] if flags.rubric or flags.inner_voice else []
    roles += ["inner_voice"] if flags.inner_voice else []
    plan = Plan(
        config=config,
        environment=environment,
        endpoints={role: load_endpoint(config.cast.get(role, config.model), environment) for role in roles},
        policy=load_policy(find_config("policy", config.policy)) if "policy" in settings else None,
        default_policy=load_policy(find_config("policy", "default")),
        rubrics=tuple(dict.fromkeys(flags.rubric or [])),
        repeats=flags.repeats,
        inner_voice=flags.inner_voice,
        dry_run=flags.dry_run,
        yes=flags.yes,
    )
    if flags.file:
        return judge_a_file(plan, flags.file, flags.against or [])
    code, told = judge_the_store(plan, run=flags.run, recipe=flags.recipe)
    if flags.json:
        print(json.dumps(told, ensure_ascii=False))
    return code


def check_rubrics(names: list[str]) -> None:
    """Raise InputError for a rubric there is not."""
    known = list_rubrics()
    for name in names:
        if name not in known:
            raise InputError(
                f"--rubric: unknown rubric {name!r}{suggest(name, known)}; choose one of {', '.join(known)}"
            )
