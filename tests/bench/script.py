"""The script that people write: asyncio and the openai SDK, one JSON line for each finished dialogue."""

import asyncio
import json
from pathlib import Path

from openai import AsyncOpenAI, DefaultAioHttpClient

from tests.bench.meter import Meter
from tests.bench.work import Task, list_tasks, parse_flags

FLAGS = parse_flags(__doc__)
OUT: Path = FLAGS.folder / "script.jsonl"


async def ask(sdk: AsyncOpenAI, slots: asyncio.Semaphore, role: str, messages: list[dict[str, str]]) -> str:
    async with slots:
        answer = await sdk.chat.completions.create(model=f"bench-{role}", messages=messages)  # type: ignore[arg-type]
    return answer.choices[0].message.content or ""


async def talk(sdk: AsyncOpenAI, slots: asyncio.Semaphore, number: int, task: Task) -> None:
    client = [{"role": "system", "content": task.client}, {"role": "user", "content": task.opening}]
    counselor = [{"role": "system", "content": task.counselor}]
    for _ in range(FLAGS.exchanges):
        said = await ask(sdk, slots, "client", client)
        client.append({"role": "assistant", "content": said})
        counselor.append({"role": "user", "content": said})
        reply = await ask(sdk, slots, "counselor", counselor)
        counselor.append({"role": "assistant", "content": reply})
        client.append({"role": "user", "content": reply})
    judge = [{"role": "system", "content": task.critic}, *counselor[1:], {"role": "user", "content": task.verdict}]
    verdict = await ask(sdk, slots, "critic", judge)
    with OUT.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"id": number, "talk": counselor, "verdict": verdict}, ensure_ascii=False) + "\n")


async def main() -> None:
    tasks = list_tasks(FLAGS.dialogues)
    done = {json.loads(line)["id"] for line in OUT.read_text("utf-8").splitlines()} if OUT.exists() else set()
    http = DefaultAioHttpClient()
    slots = asyncio.Semaphore(FLAGS.concurrency)
    meter = Meter()
    async with AsyncOpenAI(base_url=FLAGS.url, api_key="none", max_retries=8, http_client=http) as sdk:
        meter.start()
        talks = [talk(sdk, slots, number, task) for number, task in enumerate(tasks) if number not in done]
        results = await asyncio.gather(*talks, return_exceptions=True)
    lost = sum(isinstance(result, BaseException) for result in results)
    calls = len(talks) * (2 * FLAGS.exchanges + 1)
    meter.report(calls, len(done) + len(talks) - lost)


if __name__ == "__main__":
    asyncio.run(main())
