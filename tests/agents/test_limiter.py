"""The limiter gives way to a burst of refusals, and not to the odd one."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agents.limiter import OUTAGE, Limiter


def meet(act: Callable[[Limiter], Awaitable[Any]], most: int = 64) -> Any:
    """Run something with a limiter."""

    async def run() -> Any:
        return await act(Limiter(most))

    return asyncio.run(run())


async def call(limiter: Limiter, fate: str, *, told_wait: float = 0.0, text: str = "") -> None:
    """Make one call with a fate."""
    entered = await limiter.enter()
    if fate == "answer":
        limiter.note_answer()
    elif fate == "refusal":
        limiter.note_refusal(entered, told_wait, text)
    else:
        limiter.note_fault()
    limiter.leave()


def test_a_burst_of_refusals_halves_the_limit_once() -> None:
    async def run(limiter: Limiter) -> float:
        entered = [await limiter.enter() for _ in range(64)]
        for place in entered:
            limiter.note_refusal(place, None, "slow down")
            limiter.leave()
        return limiter.limit

    assert meet(run) == 32


@pytest.mark.parametrize("early", range(1, 6))
def test_a_pause_that_ends_between_two_looks_at_the_clock_lets_the_call_go(
    monkeypatch: pytest.MonkeyPatch, early: int
) -> None:
    async def run(limiter: Limiter) -> int:
        limiter.pause(0.01)
        end = limiter._paused_until
        looks = iter([end - 1e-4] * early + [end + 1e-4] * 9)
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: next(looks))
        waiting = asyncio.ensure_future(limiter.enter())
        await asyncio.sleep(0)
        monkeypatch.undo()
        async with asyncio.timeout(2):
            await waiting
        return limiter.in_flight

    assert meet(run) == 1


def test_it_grows_back_by_steps_when_calls_are_answered() -> None:
    async def run(limiter: Limiter) -> list[int]:
        await call(limiter, "refusal")
        seen = [limiter.room]
        for _ in range(3):
            for _ in range(limiter.room):
                await call(limiter, "answer")
            seen.append(limiter.room)
        for _ in range(2_000):
            await call(limiter, "answer")
        return [*seen, limiter.room]

    first, second, third, fourth, last = meet(run)
    assert first == 32
    assert first < second < third < fourth < 64
    assert last == 64


@pytest.mark.parametrize("seed", range(20))
def test_five_refusals_in_a_hundred_do_not_slow_it_down(seed: int) -> None:
    async def run(limiter: Limiter) -> float:
        draw = random.Random(seed)
        for _ in range(10):
            await call(limiter, "answer")
        rooms = []
        for _ in range(2_000):
            await call(limiter, "refusal" if draw.random() < 0.05 else "answer", told_wait=5.0)
            rooms.append(limiter.room)
        return sum(rooms) / len(rooms)

    assert meet(run) > 62


def test_an_endpoint_with_fewer_places_is_met_with_about_as_many() -> None:
    async def run(limiter: Limiter) -> float:
        rooms = []
        for _ in range(400):
            places = [await limiter.enter() for _ in range(limiter.room)]
            for number, place in enumerate(places):
                if number < 10:
                    limiter.note_answer()
                else:
                    limiter.note_refusal(place, None, "")
                limiter.leave()
            rooms.append(len(places))
        return sum(rooms[50:]) / len(rooms[50:])

    assert 7 <= meet(run) <= 20


def test_a_limit_that_a_refusal_names_is_kept_to() -> None:
    async def run(limiter: Limiter) -> list[int]:
        await call(limiter, "refusal", text='{"error": "You have reached your concurrency limit of 39"}')
        rooms = [limiter.room]
        for _ in range(500):
            await call(limiter, "answer")
        return [*rooms, limiter.room]

    assert meet(run) == [39, 39]


@pytest.mark.parametrize("text", ["concurrency limit of 0", "concurrency limit of 9999", "limit of tokens: 12"])
def test_a_limit_that_makes_no_sense_is_not_believed(text: str) -> None:
    async def run(limiter: Limiter) -> int:
        for _ in range(20):
            await call(limiter, "answer")
        await call(limiter, "refusal", text=text)
        return limiter.room

    assert meet(run) == 64


def test_a_wait_told_in_a_burst_holds_for_all_calls_to_the_endpoint() -> None:
    async def run(limiter: Limiter) -> float:
        await call(limiter, "refusal", told_wait=0.15)
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(call(limiter, "answer") for _ in range(5)))
        return asyncio.get_running_loop().time() - began

    assert meet(run) >= 0.14


def test_in_an_outage_one_call_at_a_time_asks_whether_it_is_over() -> None:
    async def run(limiter: Limiter) -> tuple[int, int]:
        for _ in range(OUTAGE):
            await call(limiter, "fault")
        during = limiter.room
        await call(limiter, "answer")
        return during, limiter.room

    assert meet(run) == (1, 64)


def test_an_endpoint_is_not_given_up_while_a_call_may_still_be_answered() -> None:
    async def run(limiter: Limiter) -> tuple[float, float]:
        await limiter.enter()
        slow = await limiter.enter()
        limiter.note_fault()
        await asyncio.sleep(0.05)
        while_waiting = limiter.failing_s()
        limiter.leave()
        assert slow == 0
        return while_waiting, limiter.failing_s()

    while_waiting, alone = meet(run)
    assert while_waiting == 0
    assert alone >= 0.05


def test_one_that_is_cancelled_as_the_gate_closes_gives_nothing_back() -> None:
    async def run(limiter: Limiter) -> int:
        await limiter.enter()
        waiting = asyncio.create_task(limiter.enter())
        await asyncio.sleep(0)
        limiter.close(RuntimeError("closed"))
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return limiter.in_flight

    assert meet(run, most=1) == 1


def test_places_are_given_in_order_and_one_that_is_let_go_is_not_lost() -> None:
    async def run(limiter: Limiter) -> list[str]:
        order: list[str] = []

        async def wait(name: str) -> None:
            await limiter.enter()
            order.append(name)
            limiter.leave()

        await limiter.enter()
        tasks = [asyncio.create_task(wait(name)) for name in "abcd"]
        await asyncio.sleep(0)
        tasks[1].cancel()
        limiter.leave()
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert limiter.in_flight == 0
        return order

    assert meet(run, most=1) == ["c", "d"]


def test_closing_sends_away_who_waits() -> None:
    async def run(limiter: Limiter) -> list[str]:
        await limiter.enter()
        waiting = [asyncio.create_task(limiter.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        limiter.close(RuntimeError("closed"))
        return [str(ended) for ended in await asyncio.gather(*waiting, return_exceptions=True)]

    assert meet(run, most=1) == ["closed"] * 3
