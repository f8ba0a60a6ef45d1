"""The arc of a meeting: which stage it is in, which moves are open now, and the counselling rule for each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import BaseModel, ConfigDict

from agents.cast import Cast
from agents.prompt import load_prompt
from agents.transcript import Utterance, label_utterances

Stage = Literal["opening", "exploring", "working", "closing"]
Move = Literal["stay", "advance", "step_back", "end"]

STAGES: tuple[Stage, ...] = ("opening", "exploring", "working", "closing")
MINIMUM = {"opening": 2, "exploring": 3, "working": 3, "closing": 2}
"""Exchanges a stage lasts before it may be left, except when time is up."""
CLOSING_SHARE = 0.82
"""Share of the planned exchanges after which the meeting closes: craft says 80-85 %."""
MOST_STEPS_BACK = 2
FEWEST_EXCHANGES = 8


class StageDecision(BaseModel):
    """What the stage agent answers: one of the moves it was offered, and why."""

    model_config = ConfigDict(extra="forbid")

    move: Move
    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the meeting stands; `entered` is the exchange (from 1) in which the stage began."""

    stage: Stage = "opening"
    entered: int = 1
    steps_back: int = 0


def is_time_to_close(progress: Progress, exchange: int, planned: int) -> bool:
    """Tell whether the remaining time forces the closing stage in this exchange."""
    return progress.stage != "closing" and exchange > CLOSING_SHARE * planned


def list_moves(progress: Progress, exchange: int) -> list[Move]:
    """Return the moves open in this exchange; only `stay` means that nobody needs to be asked."""
    moves: list[Move] = ["stay"]
    if exchange - progress.entered < MINIMUM[progress.stage]:
        return moves
    if progress.stage == "closing":
        return [*moves, "end"] if exchange >= FEWEST_EXCHANGES else moves
    moves.append("advance")
    if progress.stage == "working" and progress.steps_back < MOST_STEPS_BACK:
        moves.append("step_back")
    return moves


def apply_move(progress: Progress, move: Move, exchange: int) -> Progress:
    """Return the progress after a move made in this exchange."""
    index = STAGES.index(progress.stage)
    if move == "advance":
        return replace(progress, stage=STAGES[index + 1], entered=exchange)
    if move == "step_back":
        return Progress(STAGES[index - 1], exchange, progress.steps_back + 1)
    return progress


async def decide_stage(
    cast: Cast, progress: Progress, transcript: Sequence[Utterance], exchange: int, planned: int
) -> tuple[Progress, Move]:
    """Return where the meeting goes in this exchange; the model is asked only where there is a choice."""
    if is_time_to_close(progress, exchange, planned):
        return Progress("closing", exchange, progress.steps_back), "advance"
    moves = list_moves(progress, exchange)
    if len(moves) == 1:
        return progress, "stay"
    head = load_prompt("stage/head", cast.language)
    ask = load_prompt("stage/ask", cast.language).render(
        stage=progress.stage,
        exchanges_in_stage=exchange - progress.entered,
        exchanges_left=planned - exchange + 1,
        moves=moves,
    )
    thread = [
        *cast.open_thread(head.render()),
        *label_utterances(transcript, cast.language),
        cast.ask_last(ask),
    ]
    decision, _ = await cast.fill(
        "stage",
        head.hash,
        thread,
        StageDecision,
        lambda decision: None if decision.move in moves else f"move: choose one of {moves}",
    )
    return apply_move(progress, decision.move, exchange), decision.move


def word_stage(cast: Cast, progress: Progress, move: Move) -> str:
    """Return the whisper that tells the counselor of a stage entered or gone back to."""
    how = "step_back" if move == "step_back" else "enter"
    return load_prompt("counselor/stage", cast.language).render(stage=progress.stage, move=how)
