"""The system prompt that was really sent goes with a talk where the mix asks for it."""

import asyncio
from dataclasses import replace
from pathlib import Path

from store.db import Database
from store.ledger import Ledger
from tests.store.export.stored import make_export, make_mix, make_talk, read_rows
from tests.store.test_sessions import begin, make_call

LINES = [("client", "睡不着。"), ("counselor", "整夜？"), ("client", "嗯。"), ("counselor", "你说。")]


def test_the_system_prompt_of_the_first_reply_and_the_model_of_the_last_are_told(
    database: Database, tmp_path: Path
) -> None:
    run = begin(database)

    async def act() -> None:
        ledger = Ledger(database, run.id, run.owner)
        calls = ledger.open_session(0)
        told = []
        for n in (1, 2):
            sent = [("system", f"你是咨询师，第 {n} 次。"), ("user", "x")]
            told.append(await calls.record(**make_call(messages=sent, served_model=f"m{n}")))
        talk = make_talk(run.id, 0, LINES)
        said = [
            replace(line, call_number=told[place // 2]) if line.speaker == "counselor" else line
            for place, line in enumerate(talk.utterances)
        ]
        await ledger.finish(replace(talk, utterances=said))
        await ledger.close()

    asyncio.run(act())
    make_export(database, tmp_path / "with", make_mix(tmp_path, system="sent"))
    (row,) = read_rows(tmp_path / "with")
    assert row["messages"][0] == {
        "role": "system", "content": "你是咨询师，第 1 次。", "reasoning_content": None, "loss": False
    }  # fmt: skip
    assert [said["role"] for said in row["messages"][1:]] == ["user", "assistant"] * 2
    assert row["model"] == "m2"
    make_export(database, tmp_path / "without", make_mix(tmp_path))
    assert read_rows(tmp_path / "without")[0]["messages"] == row["messages"][1:]


def test_a_source_takes_the_model_it_names(database: Database, tmp_path: Path) -> None:
    run = begin(database)

    async def act() -> None:
        ledger = Ledger(database, run.id, run.owner)
        for position, model in enumerate(("qwen", "r1", "qwen")):
            number = await ledger.open_session(position).record(**make_call(served_model=model))
            lines = [("client", f"睡不着 {position}。"), ("counselor", f"整夜 {position}？")]
            talk = make_talk(run.id, position, lines)
            said = [replace(line, call_number=number) for line in talk.utterances]
            await ledger.finish(replace(talk, utterances=said))
        await ledger.close()

    asyncio.run(act())
    told = make_export(
        database, tmp_path / "out", make_mix(tmp_path, sources=[{"name": "talks", "store": {"model": ["qwen"]}}])
    )
    assert told["counts"]["model"] == {"qwen": 2}
