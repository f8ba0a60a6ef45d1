"""Reads an answered call's body: content and reasoning apart, whatever field they came in, usage, and what is wrong."""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

Outcome = Literal[
    "ok",
    "empty",
    "truncated",
    "filtered",
    "bad_answer",
    "overloaded",
    "unreadable",
    "server",
    "rate_limited",
    "bad_request",
    "refused",
]

THINK = re.compile(r"^\s*<think>(.*?)(?:</think>|\Z)", re.DOTALL)
UNSTORABLE = re.compile("[\ud800-\udfff\x00]")
REFUSED_CODES = ("401", "402", "403", "404", "invalid_api_key", "insufficient_quota", "model_not_found")
FINISHES: dict[str, Outcome] = {
    "stop": "ok",
    "length": "truncated",
    "content_filter": "filtered",
    "insufficient_system_resource": "overloaded",
}


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the endpoint counts them; None where it does not tell."""

    prompt: int | None = None
    cached: int | None = None
    completion: int | None = None
    reasoning: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One complete answer; everything but `ok` is stored and not used. `problem` says what an unusable one was."""

    outcome: Outcome
    content: str
    reasoning: str
    finish: str
    served_model: str
    fingerprint: str | None = None
    usage: Usage = field(default_factory=Usage)
    latency_ms: int = 0
    problem: str = ""


def read_answer(body: bytes, latency_ms: int = 0) -> Answer:
    """Return the answer in a body that came with status 200, whatever it holds.

    A body that is no JSON object is `unreadable`; an error that a proxy dressed up as a success has the outcome its
    code stands for.
    """
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        # Python's own reader takes lone surrogates, which orjson refuses; they are cleaned away below.
        try:
            data = json.loads(body)
        except (ValueError, RecursionError) as unread:
            flaw = "not valid UTF-8" if isinstance(unread, UnicodeDecodeError) else "no complete JSON"
            return _no_answer("unreadable", f"the answer is {flaw}: {_excerpt(body)!r}", latency_ms)
    if not isinstance(data, dict):
        problem = f"the answer is not a JSON object but begins {_excerpt(body)!r}"
        return _no_answer("unreadable", problem, latency_ms)
    error = data.get("error")
    if error:
        return _no_answer(*sort_error(error), latency_ms)
    usage = read_usage(data.get("usage"))
    served = _text(data.get("model"))
    fingerprint = _text(data.get("system_fingerprint")) or None
    choices = data.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        return Answer("bad_answer", "", "", "", served, fingerprint, usage, latency_ms)
    content, reasoning = split_reasoning(message)
    finish = _text(choice.get("finish_reason")) or "stop"
    outcome = FINISHES.get(finish, "bad_answer")
    if message.get("refusal") and not content:
        outcome = "filtered"
    elif outcome == "ok" and not content:
        outcome = "empty"
    return Answer(outcome, content, reasoning, finish, served, fingerprint, usage, latency_ms)


def split_reasoning(message: dict[str, Any]) -> tuple[str, str]:
    """Return (content, reasoning) from whichever field a server uses; a tag later in the text is left alone."""
    content = _text(message.get("content"))
    reasoning = ""
    for name in ("reasoning_content", "reasoning", "reasoning_details", "thinking"):
        reasoning = _text(message.get(name))
        if reasoning:
            break
    tagged = THINK.match(content)
    if tagged:
        content = content[tagged.end() :]
        reasoning = reasoning or tagged.group(1)
    elif "</think>" in content and not reasoning:
        # The template prefilled the opening tag, so only the closing one comes back.
        reasoning, _, content = content.partition("</think>")
    return content.strip(), reasoning.strip()


def read_usage(usage: object) -> Usage:
    """Return the token counts, with the names of OpenAI and of DeepSeek."""
    if not isinstance(usage, dict):
        return Usage()
    cached = _number(usage.get("prompt_cache_hit_tokens"))
    if cached is None:
        cached = _detail(usage, "prompt_tokens_details", "cached_tokens")
    reasoning = _detail(usage, "completion_tokens_details", "reasoning_tokens")
    return Usage(
        _number(usage.get("prompt_tokens")),
        cached,
        _number(usage.get("completion_tokens")),
        reasoning,
    )


def sort_error(error: object) -> tuple[Outcome, str]:
    """Return the outcome and the words of a body with an `error`."""
    code, message = "", _text(error)
    if isinstance(error, dict):
        code, message = _text(error.get("code")), _text(error.get("message"))
    problem = f"error in the answer: {code} {' '.join(message.split())[:200]}"
    if code in REFUSED_CODES:
        return "refused", problem
    if code in ("400", "413", "context_length_exceeded"):
        return "bad_request", problem
    if code in ("429", "rate_limit_exceeded") or "rate limit" in message.lower():
        return "rate_limited", problem
    return "server", problem


def _no_answer(outcome: Outcome, problem: str, latency_ms: int) -> Answer:
    return Answer(outcome, "", "", "", "", latency_ms=latency_ms, problem=problem)


def _excerpt(body: bytes) -> str:
    return " ".join(body[:80].decode("utf-8", "replace").split())


def _text(value: object) -> str:
    if isinstance(value, list):
        parts = [part.get("text") or part.get("summary") for part in value if isinstance(part, dict)]
        value = "".join(part for part in parts if isinstance(part, str))
    if value is None:
        return ""
    return UNSTORABLE.sub("", value if isinstance(value, str) else str(value))


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _detail(usage: dict[str, Any], group: str, name: str) -> int | None:
    details = usage.get(group)
    return _number(details.get(name)) if isinstance(details, dict) else None
