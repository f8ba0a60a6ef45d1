"""A run spends no more than it may, over all of its parts, and says so before it starts."""

from pathlib import Path
from typing import Any

import pytest

from agents.budget import read_cost
from agents.rehearsal.app import create_app
from tests.graphs.conftest import Factory, read_rows
from tests.witness import serve, write_endpoint

PRICED = "prices: {input: 4, cached_input: 1, output: 16}\ncurrency: CNY\n"
SHORT = ("--recipe", "interactive", "--set", "exchanges=3", "--count", 8)


def run(factory: Factory, folder: Path, *flags: object, more: str = PRICED, app: Any = None) -> Any:
    """Run some short sessions on a priced endpoint."""
    with serve(app or create_app()) as port:
        model = write_endpoint(folder, port)
        model.write_text(model.read_text("utf-8") + more, encoding="utf-8")
        return factory("--json", *(("--model", model) if "--resume" not in flags else ()), *flags)


def spent() -> float:
    """Return what the ledger says was spent."""
    total: float = read_rows("SELECT sum(price) FROM calls")[0][0]
    return total


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_run_stops_when_its_calls_are_used_up_and_goes_on_with_more(
    factory: Factory, tmp_path: Path, concurrency: int
) -> None:
    first = run(factory, tmp_path, *SHORT, "--max-calls", 20, "--concurrency", concurrency)
    assert first.code == 3
    assert "--max-calls 20" in first.out
    assert first.summary["left"] > 0
    assert 20 <= read_rows("SELECT count(*) FROM calls")[0][0] <= 20 + concurrency - 1
    again = run(factory, tmp_path, "--resume")
    assert (again.code, again.summary["calls"]) == (3, 0)
    last = run(factory, tmp_path, "--resume", "--max-calls", 500)
    assert (last.code, last.summary["left"]) == (0, 0)
    assert read_rows("SELECT count(*) FROM calls")[0][0] == 8 * 7


def test_a_run_stops_when_its_money_is_used_up_and_counts_what_its_parts_spent(
    factory: Factory, tmp_path: Path
) -> None:
    first = run(factory, tmp_path, *SHORT, "--max-cost", "0.03CNY", "--concurrency", 2)
    assert first.code == 3
    assert "--max-cost 0.03 CNY" in first.out
    dearest = read_rows("SELECT max(price) FROM calls")[0][0]
    assert 0.03 <= spent() <= 0.03 + 2 * dearest
    second = run(factory, tmp_path, "--resume", "--max-cost", "0.05 cny", "--concurrency", 2)
    assert second.code == 3
    assert 0.05 <= spent() <= 0.05 + 2 * dearest
    assert second.summary["cost"]["CNY"] < 0.03


def test_answers_that_do_not_tell_their_usage_are_counted_by_their_length(factory: Factory, tmp_path: Path) -> None:
    app = create_app(fault_rate=1.0, faults=("no_usage",))
    told = run(factory, tmp_path, *SHORT, "--max-cost", "0.02CNY", "--concurrency", 1, app=app)
    assert told.code == 3
    assert spent() >= 0.02
    assert read_rows("SELECT count(*) FROM calls WHERE prompt_tokens IS NOT NULL")[0][0] == 0


def test_what_cannot_be_held_to_a_limit_is_refused(factory: Factory, tmp_path: Path) -> None:
    told = run(factory, tmp_path, *SHORT, "--max-cost", "5CNY", more="")
    assert told.code == 2
    assert "has no prices" in told.err
    told = run(factory, tmp_path, *SHORT, "--max-cost", "5USD")
    assert told.code == 2
    assert "priced in CNY" in told.err
    assert not (tmp_path / "factory.db").exists()


@pytest.mark.parametrize("amount", ["5", "CNY", "0CNY", "5EUR", "5 CNY a day"])
def test_an_amount_that_is_none_is_refused(factory: Factory, amount: str) -> None:
    told = factory("--max-cost", amount)
    assert told.code == 2
    assert "write an amount with its currency, such as 5CNY" in told.err
    assert factory("--max-calls", 0).code == 2


def test_a_dry_run_says_how_far_a_budget_goes(factory: Factory, tmp_path: Path) -> None:
    flags = (*SHORT, "--dry-run", "--max-cost", "0.05CNY", "--max-calls", 14)
    told = run(factory, tmp_path, *[flag for flag in flags if flag != "--json"])
    assert told.code == 0
    assert "--max-calls 14 is enough for about 2 of 8 sessions" in told.out
    assert "--max-cost 0.05 CNY is enough for about" in told.out
    assert not (tmp_path / "factory.db").exists()


def test_a_dear_run_starts_with_a_limit_in_place_of_a_yes(factory: Factory, tmp_path: Path) -> None:
    dear = PRICED.replace("4", "4000")
    assert run(factory, tmp_path, *SHORT, more=dear).code == 2
    assert run(factory, tmp_path, *SHORT, "--max-cost", "0.01CNY", more=dear).code == 3


def test_amounts_are_read_with_their_currency() -> None:
    assert str(read_cost("5CNY")) == "5 CNY"
    assert str(read_cost(" 0.80 usd ")) == "0.8 USD"
