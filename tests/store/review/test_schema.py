"""Whatever is sent to the API by its own schema, right or wrong, is answered in one line and never by a failure."""

import re
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as draw
from schemathesis.generation import GenerationMode

from store.db import Database
from tests.store.review.talks import keep_talks
from tests.store.review.visit import Visitor, open_page

FEW, MANY = 15, 400
KEYS = ["emotion", "run", "text", "date_from", "score_from", "rubric", "sort", "standing", "queue", "x"]
VALUES = ["1", "0", "99999999999", "zh", "失眠", "random-7", "2026-11-21", "nan"]
QUERIES = draw.dictionaries(draw.sampled_from(KEYS), draw.text(max_size=12) | draw.sampled_from(VALUES), max_size=3)
PLACES = draw.none() | draw.integers(0, 4)
"""A talk of the first run, or what the schema makes of it."""
PAGES = [
    "/queue",
    "/dialogues",
    "/dialogues/1/0",
    "/dialogues/1/99",
    "/pairs",
    "/adjudicate",
    "/progress",
    "/bulk",
    "/guide",
    "/labels.csv",
]
BODIES = [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"word": "\\ud800"}', b"[" * 50_000, b"1" * 9_000]


@pytest.fixture
def visitor(engine: Database) -> Visitor:
    """Return somebody's browser before four talks."""
    keep_talks(engine, 4, change=lambda position: {"is_crisis": position == 3})
    return Visitor(open_page(engine, overlap=0.5), "ann")


def list_operations(app: FastAPI) -> list[tuple[str, str]]:
    """Return method and path of everything the API offers."""
    schema = app.openapi()
    return [(method, path) for path, methods in schema["paths"].items() for method in methods]


def send_cases(visitor: Visitor, examples: int) -> dict[int, int]:
    """Send so many cases of each operation and return how often each status came; fails on a 5xx or a long answer."""
    app: Any = visitor.client.app
    schema = schemathesis.openapi.from_dict(app.openapi())
    seen: dict[int, int] = {}
    for method, path in list_operations(app):
        operation = schema[path][method.upper()]
        cases = operation.as_strategy(generation_mode=GenerationMode.POSITIVE) | operation.as_strategy(
            generation_mode=GenerationMode.NEGATIVE
        )

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(case=cases, query=QUERIES, place=PLACES)
        def send(case: Any, query: dict[str, str], place: int | None) -> None:
            if place is not None and "run" in case.path_parameters:
                case.path_parameters |= {"run": 1, "position": place}
            told = case.as_transport_kwargs(base_url="http://127.0.0.1:8321")
            content = {"json": told["json"]} if "json" in told else {"content": told.get("data") or b""}
            headers = {**visitor.headers, **told.get("headers", {})}
            answer = visitor.client.request(told["method"], told["url"], params=query, headers=headers, **content)
            seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
            assert answer.status_code < 500, answer.text
            if answer.status_code >= 400:
                assert re.fullmatch(r"[^\n]{1,1200}", answer.json()["error"]), answer.text

        send()
    return seen


def test_the_schema_names_every_route_of_the_api(visitor: Visitor) -> None:
    app: Any = visitor.client.app
    assert sorted(list_operations(app)) == [
        ("get", "/api/dialogues/{run}/{position}"),
        ("post", "/api/bulk"),
        ("post", "/api/dialogues/{run}/{position}/lease"),
        ("post", "/api/dialogues/{run}/{position}/release"),
        ("post", "/api/dialogues/{run}/{position}/say"),
        ("post", "/api/dialogues/{run}/{position}/undo"),
        ("post", "/api/next"),
    ]


def test_a_few_of_all_requests_the_schema_allows_or_forbids_are_answered(visitor: Visitor) -> None:
    seen = send_cases(visitor, FEW)
    assert sum(seen.values()) >= 6 * FEW
    assert seen.get(422, 0) > 0
    assert seen.get(404, 0) > 0


@pytest.mark.slow
def test_many_of_all_requests_the_schema_allows_or_forbids_are_answered(visitor: Visitor) -> None:
    seen = send_cases(visitor, MANY)
    assert sum(seen.values()) >= 6 * MANY


@pytest.mark.slow
def test_many_requests_are_answered_by_each_kind_of_database(database: Database) -> None:
    keep_talks(database, 4, change=lambda position: {"is_crisis": position == 3})
    assert sum(send_cases(Visitor(open_page(database), "ann"), MANY // 2).values()) >= 3 * MANY


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_a_body_that_is_no_line_of_ours_is_refused_in_one_line(visitor: Visitor, body: bytes) -> None:
    answer = visitor.client.post("/api/dialogues/1/0/say", content=body, headers=visitor.headers)
    assert 400 <= answer.status_code < 500
    assert "\n" not in answer.json()["error"]


def send_pages(visitor: Visitor, examples: int) -> dict[int, int]:
    """Load pages with queries right and wrong and return how often each status came; fails on a 5xx."""
    seen: dict[int, int] = {}

    @settings(max_examples=examples, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
    @given(path=draw.sampled_from(PAGES), query=QUERIES)
    def load(path: str, query: dict[str, str]) -> None:
        answer = visitor.client.get(path, params=query)
        seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, answer.text

    load()
    return seen


def test_pages_answer_whatever_their_address_asks(visitor: Visitor) -> None:
    seen = send_pages(visitor, 4 * FEW)
    assert seen.get(200, 0) > FEW
    assert seen.get(400, 0) > 0


@pytest.mark.slow
def test_pages_answer_many_addresses(visitor: Visitor) -> None:
    assert send_pages(visitor, 2 * MANY).get(200, 0) > MANY // 4
