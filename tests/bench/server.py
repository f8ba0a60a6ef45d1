"""A chat-completions server that costs almost nothing itself: python -m tests.bench.server [--latency 0.2] [--sigma 1].

It answers by the role in the model's name from a fixed set of lines. How long the n-th request takes and whether it
fails is drawn by n, the same for every engine. It is the witness of a run: GET /stats tells what was answered,
repeated and in flight, and GET /set?latency=0.2 forgets all that and changes how it behaves.
"""

import argparse
import asyncio
import json
import math
import time
from collections import Counter
from hashlib import blake2b
from random import Random
from urllib.parse import parse_qsl

import orjson
import uvloop

from agents.critic import load_rubric
from agents.message import Message
from agents.tokens import PrefixMeter

LINES = {
    "client": "最近{}总是睡不好，一躺下脑子里就开始转白天的事，第{}件想完又想下一件。",
    "counselor": "听起来{}这件事一直压在你心里，第{}次说到它的时候，你的声音轻了一些。能多说说那一刻吗？",
}
REASONING = (
    "她说到{}时停了一下，先不急着往下问。她提过睡眠和白天的事，我想先把这份累接住，再看看是什么让她放不下第{}件事。" * 3
)
TOPICS = ("考试", "工作", "家里", "导师", "搬家", "面试", "朋友", "体检")


class Bench:
    """What the server knows: how it is to behave, and what it has seen."""

    def __init__(self, flags: argparse.Namespace) -> None:
        self.set(flags)

    def set(self, flags: argparse.Namespace) -> None:
        """Begin anew with other flags."""
        self.flags = flags
        self.meter = PrefixMeter()
        self.asked: Counter[bytes] = Counter()
        self.answered: Counter[bytes] = Counter()
        self.prompt = self.cached = self.number = 0
        self.in_flight = self.most_in_flight = 0
        self.busy_s = 0.0
        self.changed_at = time.perf_counter()
        self.started_at = 0.0

    def count(self, step: int) -> None:
        """Note that a request came in (1) or went out (-1)."""
        now = time.perf_counter()
        if step > 0:
            self.started_at = self.started_at or now
        self.busy_s += self.in_flight * (now - self.changed_at)
        self.changed_at = now
        self.in_flight += step
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def answer(self, body: bytes) -> tuple[float, int, bytes]:
        """Return (seconds to wait, status, body) for a request."""
        digest = blake2b(body, digest_size=12).digest()
        draw = Random(self.number)
        self.number += 1
        self.asked[digest] += 1
        flags = self.flags
        wait = flags.latency * (math.exp(flags.sigma * draw.gauss(0, 1)) if flags.sigma else 1.0)
        fate = draw.random()
        if fate < flags.errors:
            return wait, 500, b'{"error":{"message":"internal error"}}'
        if fate < flags.errors + flags.limits:
            return wait, 429, b'{"error":{"message":"rate limit reached"}}'
        self.answered[digest] += 1
        asked = orjson.loads(body)
        role = asked["model"].rpartition("-")[2]
        tokens, cached = 1000, 0
        if flags.measure:
            tokens, cached = self.meter.add(role, [Message(m["role"], m["content"]) for m in asked["messages"]])
            self.prompt += tokens
            self.cached += cached
        return wait, 200, complete(role, asked["model"], digest, tokens, cached)

    def stats(self) -> bytes:
        """Return what was seen so far."""
        self.count(0)
        return orjson.dumps(
            {
                "asked": self.asked.total(),
                "answered": self.answered.total(),
                "repeated": self.answered.total() - len(self.answered),
                "most_in_flight": self.most_in_flight,
                "mean_in_flight": self.busy_s / max(self.changed_at - self.started_at, 1e-9),
                "cache_share": self.cached / self.prompt if self.prompt else 0.0,
            }
        )


def complete(role: str, model: str, digest: bytes, tokens: int, cached: int) -> bytes:
    """Return the completion of a role, fixed by the request."""
    topic, number = TOPICS[digest[0] % len(TOPICS)], int.from_bytes(digest[1:5], "big")
    message = {"role": "assistant", "content": ""}
    if role == "critic":
        items = [{"id": item.id, "score": load_rubric("session").high, "quote": ""} for item in RUBRIC.items]
        message["content"] = json.dumps({"items": items, "reason": "听得出来她被接住了。"}, ensure_ascii=False)
    else:
        message["content"] = LINES[role].format(topic, number)
    if role == "counselor":
        message["reasoning_content"] = REASONING.format(*(topic, number) * 3)
    usage = {"prompt_tokens": tokens, "completion_tokens": 200, "prompt_tokens_details": {"cached_tokens": cached}}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return orjson.dumps(
        {"id": "bench", "object": "chat.completion", "created": 0, "model": model, "choices": [choice], "usage": usage}
    )


RUBRIC = load_rubric("session")


class Connection(asyncio.Protocol):
    """One connection: requests come one after the other, each answered after its latency."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self.buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 : head.find(b"\r\n", at) % (len(head) + 1)]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            body, self.buffer = self.buffer[end + 4 : end + 4 + length], self.buffer[end + 4 + length :]
            if head.startswith(b"get"):
                query = head.split(b" ")[1].decode().partition("?")[2]
                if query:
                    words = [f"--{name}={value}" if value else f"--{name}" for name, value in parse_qsl(query, True)]
                    self.bench.set(read_flags(words))
                self.send(200, self.bench.stats(), 0)
                continue
            self.bench.count(1)
            wait, status, answer = self.bench.answer(body)
            if wait:
                asyncio.get_running_loop().call_later(wait, self.send, status, answer, -1)
            else:
                self.send(status, answer, -1)

    def send(self, status: int, body: bytes, step: int) -> None:
        if step:
            self.bench.count(step)
        if not self.transport.is_closing():
            head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            self.transport.write(head.encode() + body)


async def serve(flags: argparse.Namespace) -> None:
    """Serve for ever; the port is printed once it is open."""
    bench = Bench(flags)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(bench), "127.0.0.1", flags.port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def read_flags(words: list[str] | None = None) -> argparse.Namespace:
    """Return how the server is to behave."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--sigma", type=float, default=0.0, help="spread of the latency, lognormal")
    parser.add_argument("--errors", type=float, default=0.0, help="share of requests answered with 500")
    parser.add_argument("--limits", type=float, default=0.0, help="share of requests answered with 429")
    parser.add_argument("--measure", action="store_true", help="measure how much of each prompt was sent before")
    return parser.parse_args(words)


def main() -> None:
    """Read the flags and serve."""
    uvloop.run(serve(read_flags()))


if __name__ == "__main__":
    main()
