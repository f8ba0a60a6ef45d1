"""The gateway against a real server on this machine that misbehaves on demand."""

import asyncio
import gzip
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Any

import pytest

from agents.answer import Answer, read_answer
from agents.endpoint import Endpoint
from agents.errors import ModelError
from agents.faults import read_wait
from agents.gateway import GateClosed, Gateway, RetryPolicy
from agents.price import price_of

GOOD = json.dumps({"model": "s", "choices": [{"finish_reason": "stop", "message": {"content": "嗯。"}}]}).encode()
QUICK = RetryPolicy(tries=3, first_wait=0.01, longest_wait=0.2, longest_told=1.0)
KEY = "canary-key-0123456789"


def respond(status: int, body: bytes, *headers: str) -> bytes:
    """Return a whole HTTP response."""
    lines = [f"HTTP/1.1 {status} X", "content-type: application/json", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Server:
    """Answers each request with the next reply of a list, the last one for ever; remembers what it was sent."""

    def __init__(self, *replies: bytes, hold_s: float = 0.0, blanks_s: float = 0.0) -> None:
        self.replies = list(replies)
        self.hold_s, self.blanks_s = hold_s, blanks_s
        self.bodies: list[bytes] = []
        self.headers: list[str] = []
        self.at_once = self.most_at_once = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(
                    int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length:")
                )
                self.headers.append(head)
                self.bodies.append(await reader.readexactly(length))
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                await asyncio.sleep(self.hold_s)
                self.at_once -= 1
                reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
                if self.blanks_s:
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
                    ends = time.monotonic() + self.blanks_s
                    while time.monotonic() < ends:
                        writer.write(b"\n")
                        await writer.drain()
                        await asyncio.sleep(0.02)
                writer.write(reply)
                await writer.drain()
                if b"content-length: 900\r\n" in reply or b"SSH" in reply:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def meet(
    server: Server,
    act: Callable[[Gateway, Endpoint], Awaitable[Any]],
    concurrency: int = 8,
    policy: RetryPolicy = QUICK,
    **quirks: Any,
) -> Any:
    """Run something with a gateway and an endpoint at the server."""

    async def run() -> Any:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        fields = {
            "name": "here",
            "base_url": f"http://127.0.0.1:{port}/v1",
            "model": "m",
            "api_key_env": "HERE_API_KEY",
        }
        gateway = Gateway({"HERE_API_KEY": KEY}, concurrency, policy)
        try:
            return await act(gateway, Endpoint.model_validate(fields | quirks))
        finally:
            await gateway.aclose()
            listening.close()

    return asyncio.run(run())


def send(server: Server, **quirks: Any) -> Answer:
    """Send one request to the server."""
    answer: Answer = meet(server, lambda gateway, endpoint: gateway.send(endpoint, b'{"model":"m"}'), **quirks)
    return answer


def test_the_bytes_on_the_wire_are_the_ones_given() -> None:
    server = Server(respond(200, GOOD))
    assert send(server).content == "嗯。"
    assert server.bodies == [b'{"model":"m"}']
    assert "content-type: application/json" in server.headers[0].lower()


@pytest.mark.parametrize(
    "fault",
    [
        respond(429, b'{"error":{"message":"slow"}}', "retry-after: 0"),
        respond(500, b"<html>oops</html>"),
        respond(503, b"overloaded"),
        b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        respond(200, b"x" * 5_000_000),
        respond(200, gzip.compress(b" " * 10_000_000), "content-encoding: gzip"),
    ],
    ids=["429", "500", "503", "cut", "another protocol", "too large", "gzip bomb"],
)
def test_a_fault_that_may_pass_is_tried_again(fault: bytes) -> None:
    server = Server(fault, respond(200, GOOD))
    assert send(server).outcome == "ok"
    assert len(server.bodies) == 2


def test_a_fault_that_stays_is_named_after_the_last_try() -> None:
    server = Server(respond(503, b"overloaded"))
    with pytest.raises(ModelError, match=r"here answered 503: overloaded \(3 tries\)") as told:
        send(server)
    assert told.value.kind == "server"
    assert len(server.bodies) == 3


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "refused"), (402, "refused"), (404, "refused"), (400, "bad_request")]
)
def test_what_no_repetition_mends_is_final_at_once(status: int, kind: str) -> None:
    server = Server(respond(status, f'{{"error":"bad key {KEY}"}}'.encode()))
    with pytest.raises(ModelError) as told:
        send(server)
    assert told.value.kind == kind
    assert told.value.exit_code == (4 if kind == "refused" else 1)
    assert len(server.bodies) == 1
    assert KEY not in str(told.value)


def test_retry_after_is_waited_out() -> None:
    server = Server(respond(429, b"{}", "retry-after: 0.35"), respond(200, GOOD))
    started = time.monotonic()
    send(server)
    assert time.monotonic() - started >= 0.35


@pytest.mark.parametrize(
    ("told", "expected"),
    [("3", 3.0), ("0.5", 0.5), ("120", 120.0), ("soon", None), ("", None), ("-1", None), ("1e9", None)],
)
def test_a_retry_after_is_read_as_seconds(told: str, expected: float | None) -> None:
    assert read_wait({"retry-after": told}) == expected


def test_a_retry_after_is_read_as_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 28 <= (read_wait({"retry-after": later}) or 0) <= 30
    assert read_wait({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0


def test_a_wait_that_is_told_is_cut_to_what_is_sensible() -> None:
    policy = RetryPolicy()
    assert policy.wait(0, 120.0, Random(1)) == 120
    assert policy.wait(0, 86_400.0, Random(1)) == policy.longest_told
    assert sum(policy.wait(attempt, None, Random(1)) for attempt in range(policy.tries - 1)) < 120


def test_a_redirect_does_not_carry_the_key_elsewhere() -> None:
    elsewhere = Server(respond(200, GOOD))

    async def run(gateway: Gateway, endpoint: Endpoint) -> None:
        other = await asyncio.start_server(elsewhere.serve, "127.0.0.1", 0)
        port = other.sockets[0].getsockname()[1]
        server.replies = [respond(307, b"", f"location: http://127.0.0.1:{port}/v1/chat/completions")]
        try:
            with pytest.raises(ModelError, match="redirects elsewhere"):
                await gateway.send(endpoint, b"{}")
        finally:
            other.close()

    server = Server(b"")
    meet(server, run)
    assert elsewhere.bodies == []


def test_blank_lines_for_ever_do_not_defeat_the_deadline() -> None:
    server = Server(GOOD, blanks_s=5.0)
    with pytest.raises(ModelError, match=r"did not answer within 0\.1 s"):
        send(server, deadline_s=0.1)


def test_a_refused_connection_says_that_nobody_is_there() -> None:
    async def run() -> None:
        gateway = Gateway({}, 1, QUICK)
        endpoint = Endpoint(name="nobody", base_url="http://127.0.0.1:9/v1", model="m")
        try:
            with pytest.raises(ModelError, match=r"nobody at http://127\.0\.0\.1:9/v1 cannot be reached") as told:
                await gateway.send(endpoint, b"{}")
            assert told.value.kind == "unreachable"
        finally:
            await gateway.aclose()

    asyncio.run(run())


def test_an_endpoint_that_never_answers_stops_the_run() -> None:
    server = Server(respond(503, b"starting"))
    patient = RetryPolicy(tries=1_000, first_wait=0.01, longest_wait=0.02, never_up=0.3)

    async def run(gateway: Gateway, endpoint: Endpoint) -> list[ModelError]:
        calls = (gateway.send(endpoint, b"{}") for _ in range(20))
        ended = await asyncio.gather(*calls, return_exceptions=True)
        return [error for error in ended if isinstance(error, ModelError)]

    errors = meet(server, run, policy=patient)
    assert len(errors) == 20
    assert {(error.kind, error.stops_run, error.exit_code) for error in errors} == {("down", True, 4)}
    assert "here has not answered once in 0.3 s; here answered 503: starting" in str(errors[0])
    assert len(server.bodies) < 60, "in an outage one call at a time is enough"


def test_an_outage_that_passes_costs_no_session() -> None:
    server = Server(respond(200, GOOD))
    patient = RetryPolicy(tries=9, first_wait=0.01, longest_wait=0.05)

    async def run(gateway: Gateway, endpoint: Endpoint) -> list[Any]:
        await gateway.send(endpoint, b"{}")
        server.replies = [respond(502, b"gone")] * 40 + [respond(200, GOOD)]
        calls = (gateway.send(endpoint, b"{}") for _ in range(30))
        return await asyncio.gather(*calls, return_exceptions=True)

    assert all(isinstance(ended, Answer) for ended in meet(server, run, concurrency=30, policy=patient))


def test_a_host_that_cannot_be_trusted_stops_the_run() -> None:
    async def run() -> None:
        async def speak_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(respond(400, b"plain text spoken here"))
            await writer.drain()
            writer.close()

        listening = await asyncio.start_server(speak_plainly, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        gateway = Gateway({}, 1, QUICK)
        try:
            await gateway.send(Endpoint(name="safe", base_url=f"https://127.0.0.1:{port}/v1", model="m"), b"{}")
        finally:
            await gateway.aclose()
            listening.close()

    with pytest.raises(ModelError, match=r"safe: .*SSL.*; correct its base_url") as told:
        asyncio.run(run())
    assert told.value.stops_run


def test_the_lowest_rank_goes_first() -> None:
    server = Server(respond(200, GOOD), hold_s=0.02)

    async def run(gateway: Gateway, endpoint: Endpoint) -> None:
        async def hand_over(answer: Answer) -> Answer:
            return answer

        calls = (gateway.send_and_keep(endpoint, b"%d" % rank, hand_over, rank=rank) for rank in (0, 7, 3, 5, 1))
        await asyncio.gather(*calls)

    meet(server, run, concurrency=1)
    assert server.bodies == [b"0", b"1", b"3", b"5", b"7"]


def test_a_call_that_waits_for_a_retry_ends_when_the_gate_closes() -> None:
    server = Server(respond(503, b"{}", "retry-after: 60"))

    async def run(gateway: Gateway, endpoint: Endpoint) -> float:
        started = time.monotonic()
        asyncio.get_running_loop().call_later(0.1, gateway.close_gate)
        with pytest.raises(GateClosed):
            await gateway.send(endpoint, b"{}")
        return time.monotonic() - started

    assert meet(server, run) < 5


def test_no_more_calls_are_in_flight_than_allowed() -> None:
    server = Server(respond(200, GOOD), hold_s=0.02)

    async def run(gateway: Gateway, endpoint: Endpoint) -> None:
        await asyncio.gather(*(gateway.send(endpoint, b"{}") for _ in range(20)))

    meet(server, run, concurrency=3)
    assert server.most_at_once == 3
    server.most_at_once = 0
    meet(server, lambda gateway, endpoint: run(gateway, endpoint.model_copy(update={"concurrency": 2})))
    assert server.most_at_once == 2


def test_a_call_that_waits_for_a_retry_leaves_its_slot() -> None:
    server = Server(respond(503, b"{}", "retry-after: 0.2"), respond(200, GOOD))

    async def run(gateway: Gateway, endpoint: Endpoint) -> float:
        waiting = asyncio.create_task(gateway.send(endpoint, b"first"))
        await asyncio.sleep(0.05)
        started = time.monotonic()
        await gateway.send(endpoint, b"second")
        taken = time.monotonic() - started
        await waiting
        return taken

    assert meet(server, run, concurrency=1) < 0.15


def test_a_closed_gate_sends_nothing_more() -> None:
    server = Server(respond(200, GOOD))

    async def run(gateway: Gateway, endpoint: Endpoint) -> None:
        gateway.close_gate()
        with pytest.raises(GateClosed):
            await gateway.send(endpoint, b"{}")

    meet(server, run)
    assert server.bodies == []


def test_a_call_costs_what_its_tokens_cost() -> None:
    endpoint = Endpoint.model_validate(
        {
            "name": "e",
            "base_url": "https://h.test/v1",
            "model": "m",
            "currency": "CNY",
            "prices": {"input": 4, "cached_input": 1, "output": 16},
        }
    )
    answer = json.dumps(
        {
            "choices": [{"finish_reason": "stop", "message": {"content": "x"}}],
            "usage": {"prompt_tokens": 1000, "prompt_cache_hit_tokens": 600, "completion_tokens": 100},
        }
    )
    assert price_of(endpoint, read_answer(answer.encode()).usage) == pytest.approx((400 * 4 + 600 + 100 * 16) / 1e6)
    assert price_of(endpoint, read_answer(GOOD).usage) is None
