"""The faults an endpoint can have, played on demand, so that the handling of each can be tested."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

Send = Callable[[dict[str, Any]], Awaitable[None]]
Completion = dict[str, Any]

JSON = b"application/json"
HTML = b"text/html; charset=utf-8"
PAGE = b"<html><body><h1>upstream error</h1></body></html>"
DRIP_PAUSE = 0.005
KEEP_ALIVE_PAUSE = 0.01
HANG_SECONDS = 3600.0


async def send_body(
    send: Send,
    body: bytes,
    status: int = 200,
    kind: bytes = JSON,
    headers: tuple[tuple[bytes, bytes], ...] = (),
    length: int | None = None,
) -> None:
    """Send one answer in one piece; `length` may lie about its size."""
    size = str(len(body) if length is None else length).encode()
    fixed = [(b"content-type", kind), (b"content-length", size), *headers]
    await send({"type": "http.response.start", "status": status, "headers": fixed})
    await send({"type": "http.response.body", "body": body})


async def send_error(send: Send, status: int, message: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    """Send an error as OpenAI-compatible endpoints word it."""
    body = orjson.dumps({"error": {"message": message, "type": "rehearsal", "code": str(status)}})
    await send_body(send, body, status, JSON, headers)


async def _send_slowly(send: Send, pieces: list[bytes], pause: float) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", JSON)]})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(pause)
    await send({"type": "http.response.body", "body": b""})


async def _rate_limited(send: Send, completion: Completion) -> None:
    await send_error(send, 429, "rate limit reached", ((b"retry-after", b"1"),))


async def _rate_limited_bare(send: Send, completion: Completion) -> None:
    await send_error(send, 429, "concurrency limit of 8 reached")


async def _server_error(send: Send, completion: Completion) -> None:
    await send_error(send, 500, "internal error")


async def _unavailable(send: Send, completion: Completion) -> None:
    await send_body(send, PAGE, 503, HTML)


async def _refused(send: Send, completion: Completion) -> None:
    await send_error(send, 401, "invalid key")


async def _hang(send: Send, completion: Completion) -> None:
    await asyncio.sleep(HANG_SECONDS)


async def _keep_alive(send: Send, completion: Completion) -> None:
    await _send_slowly(send, [*[b"\n"] * 5, orjson.dumps(completion)], KEEP_ALIVE_PAUSE)


async def _html(send: Send, completion: Completion) -> None:
    await send_body(send, PAGE, 200, HTML)


async def _truncated(send: Send, completion: Completion) -> None:
    body = orjson.dumps(completion)
    await send_body(send, body[: len(body) // 2])


async def _cut(send: Send, completion: Completion) -> None:
    body = orjson.dumps(completion)
    await send_body(send, body[: len(body) // 2], length=len(body))


async def _bad_utf8(send: Send, completion: Completion) -> None:
    body = orjson.dumps(completion)
    await send_body(send, body.replace(b'"content":"', b'"content":"\xff\xfe', 1))


async def _surrogate(send: Send, completion: Completion) -> None:
    body = orjson.dumps(completion)
    await send_body(send, body.replace(b'"content":"', b'"content":"\\ud83d', 1))


async def _drip(send: Send, completion: Completion) -> None:
    body = orjson.dumps(completion)
    await _send_slowly(send, [body[at : at + 64] for at in range(0, len(body), 64)], DRIP_PAUSE)


async def _error_with_200(send: Send, completion: Completion) -> None:
    await send_body(send, orjson.dumps({"error": {"message": "overloaded", "code": 503}}))


async def _oversized(send: Send, completion: Completion) -> None:
    _message(completion)["content"] += "。" * 2_000_000
    await send_body(send, orjson.dumps(completion))


async def _gzip_bomb(send: Send, completion: Completion) -> None:
    body = gzip.compress(orjson.dumps(completion) + b" " * 20_000_000, compresslevel=1)
    await send_body(send, body, headers=((b"content-encoding", b"gzip"),))


async def _stream(send: Send, completion: Completion) -> None:
    chunk = b"data: " + orjson.dumps({"choices": [{"delta": {"content": "嗯"}}]}) + b"\n\n"
    await send_body(send, chunk * 3, kind=b"text/event-stream")


async def _redirect(send: Send, completion: Completion) -> None:
    await send_body(send, b"", 307, headers=((b"location", b"http://127.0.0.1:9/elsewhere"),))


def _changed(change: Callable[[Completion], None]) -> "Fault":
    async def play(send: Send, completion: Completion) -> None:
        change(completion)
        await send_body(send, orjson.dumps(completion))

    return play


def _message(completion: Completion) -> dict[str, Any]:
    message: dict[str, Any] = completion["choices"][0]["message"]
    return message


def _empty(completion: Completion) -> None:
    _message(completion)["content"] = ""


def _spaces(completion: Completion) -> None:
    _message(completion)["content"] = " \n \n"


def _no_choices(completion: Completion) -> None:
    completion["choices"] = []


def _null_choices(completion: Completion) -> None:
    completion["choices"] = None


def _length(completion: Completion) -> None:
    content = _message(completion)["content"]
    _message(completion)["content"] = content[: len(content) // 2]
    completion["choices"][0]["finish_reason"] = "length"


def _filtered(completion: Completion) -> None:
    _message(completion)["content"] = ""
    completion["choices"][0]["finish_reason"] = "content_filter"


def _unknown_finish(completion: Completion) -> None:
    completion["choices"][0]["finish_reason"] = "tool_calls"


def _overloaded(completion: Completion) -> None:
    completion["choices"][0]["finish_reason"] = "insufficient_system_resource"


def _no_usage(completion: Completion) -> None:
    del completion["usage"]


def _extra_keys(completion: Completion) -> None:
    completion["provider"] = {"name": "?", "trace": [None, 1, "x"]}
    _message(completion)["annotations"] = []


def _open_think(completion: Completion) -> None:
    message = _message(completion)
    message["content"] = f"<think>\n{message['content']}"


def _nul(completion: Completion) -> None:
    _message(completion)["content"] += "\x00"


def _think(completion: Completion) -> None:
    message = _message(completion)
    thought = message.pop("reasoning_content", None) or "…"
    message["content"] = f"<think>\n{thought}\n</think>\n\n{message['content']}"


Fault = Callable[[Send, Completion], Awaitable[None]]
FAULTS: dict[str, Fault] = {
    "rate_limited": _rate_limited,
    "rate_limited_bare": _rate_limited_bare,
    "server_error": _server_error,
    "unavailable": _unavailable,
    "refused": _refused,
    "hang": _hang,
    "keep_alive": _keep_alive,
    "drip": _drip,
    "html": _html,
    "truncated": _truncated,
    "cut": _cut,
    "bad_utf8": _bad_utf8,
    "surrogate": _surrogate,
    "error_with_200": _error_with_200,
    "empty": _changed(_empty),
    "spaces": _changed(_spaces),
    "no_choices": _changed(_no_choices),
    "null_choices": _changed(_null_choices),
    "length": _changed(_length),
    "filtered": _changed(_filtered),
    "think": _changed(_think),
    "open_think": _changed(_open_think),
    "unknown_finish": _changed(_unknown_finish),
    "no_resource": _changed(_overloaded),
    "no_usage": _changed(_no_usage),
    "extra_keys": _changed(_extra_keys),
    "nul": _changed(_nul),
    "stream": _stream,
    "oversized": _oversized,
    "gzip_bomb": _gzip_bomb,
    "redirect": _redirect,
}
STOPPING = ("refused", "redirect")
"""What ends a run: no repetition mends it for any session."""
PASSING = tuple(name for name in FAULTS if name not in (*STOPPING, "hang", "filtered"))
"""What a retry may get over; the others end a run, a call or a session: only when named."""
