"""Writes the counselor's inner voice beside the lines of stored dialogues that have none yet."""

import asyncio

from agents.inner_voice import Thought, write_thought
from agents.prompt import load_prompt
from agents.transcript import Language
from graphs.inner_voice import list_judged
from graphs.judging.critics import Work, read_lines
from graphs.judging.decision import change_of, choose_policy, decide_again
from graphs.record import record_thought, record_verdict
from store import judging
from store.judging import StoredDialogue


def list_missing(dialogue: StoredDialogue) -> list[int]:
    """Return the numbers of the counselor's lines without a thought by the current prompts."""
    version = load_prompt("inner_voice/head", "zh" if dialogue.language == "zh" else "en").version
    return [
        number
        for number, line in enumerate(dialogue.utterances)
        if line.speaker == "counselor" and dialogue.thoughts.get(number) != version
    ]


async def voice_stored(work: Work, id: str) -> list[Thought]:
    """Write the missing thoughts of a stored dialogue, and store them with the verdicts on them."""
    dialogue = await asyncio.to_thread(judging.read_dialogue, work.engine, id)
    missing = list_missing(dialogue) if dialogue is not None else []
    if dialogue is None or not missing:
        return []
    lines = read_lines(dialogue)
    calls = work.ledger.open_session(dialogue.position, run_id=dialogue.run_id)
    language: Language = "zh" if dialogue.language == "zh" else "en"
    seed = int(dialogue.plan.get("seed", 0))
    thoughts, records = [], []
    for number in missing:
        cast = work.seat(calls, id, language, seed, f"judge/inner_voice/{number}")
        thought = await write_thought(cast, lines[:number], lines[number])
        exchange = sum(line.speaker == "counselor" for line in lines[: number + 1])
        thoughts.append(thought)
        records += [record_verdict(judged, 0, work.run_id) for judged in list_judged(thought, exchange)]
    verdicts = (*dialogue.verdicts, *records)
    policy = choose_policy(dialogue, work.policy, work.default_policy)
    decided, apart = decide_again(dialogue, policy, dialogue.findings, verdicts)
    judged = judging.Judged(
        dialogue,
        verdicts=records,
        disagreements=apart,
        thoughts=[record_thought(thought, work.run_id) for thought in thoughts],
        decision=change_of(dialogue, decided),
    )
    await work.ledger.keep(lambda db, now: judging.save_one(db, judged, now))
    return thoughts
