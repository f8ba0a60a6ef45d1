"""LangGraph and the openai SDK with AsyncSqliteSaver, as documented: one node a call, one thread a dialogue."""

import asyncio
import operator
from typing import Annotated, Any, TypedDict

import uvloop
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from openai import AsyncOpenAI

from agents.endpoint import Endpoint
from agents.gateway import make_client
from tests.bench.meter import Meter
from tests.bench.work import list_tasks, parse_flags

FLAGS = parse_flags(__doc__)
TASKS = list_tasks(FLAGS.dialogues)
SLOTS = asyncio.Semaphore(FLAGS.concurrency)


class State(TypedDict):
    number: int
    talk: Annotated[list[dict[str, str]], operator.add]
    verdict: str


async def ask(role: str, messages: list[dict[str, str]]) -> str:
    given: dict[str, Any] = {"messages": messages}
    if FLAGS.tuned:
        given = {"messages": [], "extra_body": {"messages": messages}}
    async with SLOTS:
        answer = await SDK.chat.completions.create(model=f"bench-{role}", **given)
    return answer.choices[0].message.content or ""


async def client(state: State) -> dict[str, Any]:
    task = TASKS[state["number"]]
    head = [{"role": "system", "content": task.client}, {"role": "user", "content": task.opening}]
    turned = [{**line, "role": "assistant" if line["role"] == "user" else "user"} for line in state["talk"]]
    return {"talk": [{"role": "user", "content": await ask("client", head + turned)}]}


async def counselor(state: State) -> dict[str, Any]:
    head = [{"role": "system", "content": TASKS[state["number"]].counselor}]
    return {"talk": [{"role": "assistant", "content": await ask("counselor", head + state["talk"])}]}


async def critic(state: State) -> dict[str, Any]:
    task = TASKS[state["number"]]
    judge = [{"role": "system", "content": task.critic}, *state["talk"], {"role": "user", "content": task.verdict}]
    return {"verdict": await ask("critic", judge)}


def go_on(state: State) -> str:
    return "critic" if len(state["talk"]) >= 2 * FLAGS.exchanges else "client"


async def talk(app: Any, number: int) -> bool:
    config = {"configurable": {"thread_id": str(number)}, "recursion_limit": 200}
    known = FLAGS.resume and (await app.aget_state(config)).created_at
    state = await app.ainvoke(None if known else {"number": number, "talk": [], "verdict": ""}, config)
    return bool(state["verdict"])


async def main() -> None:
    graph = StateGraph(State).add_node(client).add_node(counselor).add_node(critic)
    graph.add_edge(START, "client")
    graph.add_edge("client", "counselor").add_conditional_edges("counselor", go_on).add_edge("critic", END)
    meter = Meter()
    async with SDK, AsyncSqliteSaver.from_conn_string(str(FLAGS.folder / "langgraph.db")) as saver:
        app = graph.compile(checkpointer=saver)
        meter.start()
        results = await asyncio.gather(*(talk(app, n) for n in range(len(TASKS))), return_exceptions=True)
    done = sum(result is True for result in results)
    meter.report(len(TASKS) * (2 * FLAGS.exchanges + 1), done)


SDK = AsyncOpenAI(base_url=FLAGS.url, api_key="none", max_retries=8)
if FLAGS.tuned:
    bench = Endpoint(name="bench", base_url=FLAGS.url, model="bench")
    SDK = make_client(bench, "none", FLAGS.concurrency).with_options(max_retries=8)
if __name__ == "__main__":
    (uvloop.run if FLAGS.tuned else asyncio.run)(main())
