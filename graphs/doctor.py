"""Tells whether a run would work: python -m graphs.doctor [--model NAME] [--config FILE] [--db URL].

Is each endpoint reachable and what can it do, does the database open, and where does each setting come from.
"""

import asyncio
from pathlib import Path

from agents.endpoint import Endpoint
from agents.gateway import Gateway, RetryPolicy
from agents.probe import Probe, probe_endpoint
from graphs.config import RunConfig, read_cast, read_environment, resolve_config
from graphs.job import Job, prepare, warn_of_one_judge
from store.address import mask_url
from store.db import open_db
from store.errors import StoreError
from taxonomy.command import Parser, run_main

YES = {True: "yes", False: "no"}
PATIENCE = RetryPolicy(tries=2, first_wait=1.0, longest_wait=5.0)


def main() -> int:
    """Print the findings; 4 where an endpoint refuses or cannot be reached, 1 where the database does not open."""
    parser = Parser("graphs.doctor", description=__doc__)
    parser.add_argument("--model", metavar="NAME|FILE|URL#MODEL", help="the model to look at")
    parser.add_argument("--cast", action="append", metavar="ROLE=MODEL", help="another model for one role")
    parser.add_argument("--config", type=Path, metavar="FILE", help="a run configuration")
    parser.add_argument("--db", metavar="URL", help="the database to open")
    flags = parser.parse_args()
    given = {key: getattr(flags, key) for key in ("model", "db") if getattr(flags, key) is not None}
    if flags.cast:
        given["cast"] = read_cast(flags.cast)
    environment = read_environment()
    config, origins = resolve_config(given, flags.config, environment)
    job = prepare(config, environment)
    show_settings(config, origins)
    probes = asyncio.run(probe_all(job, environment))
    code = 0 if all(probe.is_reachable for probe in probes) else 4
    return code or check_database(config.db)


def show_settings(config: RunConfig, origins: dict[str, str]) -> None:
    """Print each setting with where it comes from."""
    for key, value in config.model_dump(mode="json").items():
        print(f"{key:<12}{mask_url(str(value)):<44}{origins[key]}")
    print()


async def probe_all(job: Job, environment: dict[str, str]) -> list[Probe]:
    """Ask every endpoint of the run, once each, and print what it can do."""
    gateway = Gateway(environment, concurrency=1, policy=PATIENCE)
    roles: dict[str, list[str]] = {}
    endpoints: dict[str, Endpoint] = {}
    for role, endpoint in job.endpoints.items():
        roles.setdefault(endpoint.name, []).append(role)
        endpoints[endpoint.name] = endpoint
    probes = []
    try:
        for name, endpoint in endpoints.items():
            probe = await probe_endpoint(gateway, endpoint)
            show_probe(endpoint, roles[name], probe)
            probes.append(probe)
    finally:
        await gateway.aclose()
    warn_of_one_judge(job)
    return probes


def show_probe(endpoint: Endpoint, roles: list[str], probe: Probe) -> None:
    """Print what one endpoint can do, beside what its file says."""
    print(f"{endpoint.name} at {endpoint.base_url} plays {', '.join(roles)}")
    if probe.problem:
        print(f"  {probe.problem}")
    if not probe.is_reachable:
        return
    cached = " with cached tokens" if probe.tells_cached else ""
    print(f"  answers in {probe.latency_ms} ms as {probe.served_model or '(no name)'}")
    print(f"  reasoning: {YES[probe.gives_reasoning]} (its file says {endpoint.reasoning})")
    print(f"  JSON: {YES[probe.gives_json]} (asked as {endpoint.json_mode})")
    print(f"  follows instructions: {YES[probe.follows_instructions]} (system role: {YES[endpoint.system_role]})")
    print(f"  usage: {YES[probe.tells_usage]}{cached}; prices: {YES[endpoint.prices is not None]}")
    if probe.models:
        known = endpoint.model in probe.models or "{role}" in endpoint.model
        print(f"  {len(probe.models)} models on offer, {endpoint.model} {'among' if known else 'NOT among'} them")


def check_database(url: str) -> int:
    """Print whether the database opens; one that does not exist yet is no fault."""
    shown = mask_url(url)
    try:
        open_db(url, create=False).dispose()
    except StoreError as error:
        is_new = "does not exist" in str(error) or "is empty" in str(error)
        print(f"database {shown}: " + ("is made by the first run" if is_new else str(error)))
        return 0 if is_new else 1
    print(f"database {shown}: opens, and its schema is current")
    return 0


if __name__ == "__main__":
    run_main(main)
