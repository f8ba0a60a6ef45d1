"""The work that all engines of the benchmark do: the same dialogues, with the prompts of the recipe `interactive`."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from agents.critic import render_rubric
from agents.prompt import load_prompt
from graphs.units import CellUnits
from taxonomy.schema import load_taxonomy

TAXONOMY = Path(__file__).parents[2] / "taxonomy" / "emotions.yaml"


@dataclass(frozen=True)
class Task:
    """One dialogue to be had: what each role is told, and what opens the talk."""

    client: str
    counselor: str
    critic: str
    opening: str
    verdict: str


def list_tasks(count: int) -> list[Task]:
    """Return the first dialogues of the plan."""
    units = CellUnits(load_taxonomy(TAXONOMY), TAXONOMY, 0, "zh")
    client, counselor = load_prompt("interactive/client", "zh"), load_prompt("interactive/counselor", "zh").render()
    critic = load_prompt("critic/session_head", "zh").render(rubric=render_rubric("session", "zh"))
    opening, verdict = (
        load_prompt("interactive/opening", "zh").render(),
        load_prompt("critic/session_ask", "zh").render(),
    )
    return [
        Task(client.render(profile=units.unit(number).brief.text), counselor, critic, opening, verdict)
        for number in range(count)
    ]


def parse_flags(doc: str | None) -> argparse.Namespace:
    """Return the flags that every engine takes."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--url", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--dialogues", type=int, default=200)
    parser.add_argument("--exchanges", type=int, default=8)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--split", action="store_true", help="measure client and graph on their own as well")
    parser.add_argument(
        "--tuned", action="store_true", help="the SDK on our transport, past its walk over the messages"
    )
    return parser.parse_args()
