"""Accounts for what a comparison took: a row for each purpose and a sum over all calls; what nobody told is unknown."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple, get_args

from agents.cast import Role
from graphs.compare.figures import Standings
from graphs.compare.layout import Table
from graphs.compare.words import Say
from store.comparison_calls import Amount, Purpose, Took, add_up

ORDER = ("took_answer", "took_score", "took_pair", "took_counselor", "took_role", "took_judging", "took_other")
"""The rows in the order in which their calls are made."""
ROLES: tuple[Role, ...] = get_args(Role)
ROLE_WORDS: Mapping[str, str] = {
    "intake": "role_intake",
    "client": "role_client",
    "stage": "role_stage",
    "memory": "role_memory",
    "risk": "role_risk",
    "counselor": "role_counselor",
    "inner_voice": "role_inner_voice",
    "critic": "role_critic",
    "planner": "role_planner",
    "adviser": "role_adviser",
    "writer": "role_writer",
    "editor": "role_editor",
    "assessor": "role_assessor",
}


class Row(NamedTuple):
    """What calls of one purpose took: `name` is the model's or the role's, "" where the purpose says it all."""

    key: str
    name: str
    took: Took


def list_account(standings: Standings) -> list[Row]:
    """Return the rows; each call of the comparison is in one of them."""
    parts: dict[tuple[str, str], list[Took]] = defaultdict(list)
    for label in standings.contest.models:
        parts["took_answer", label] = []
    for purpose, took in standings.calls.items():
        parts[name_row(purpose)].append(took)
    places = [*standings.contest.models, *ROLES, ""]
    ordered = sorted(parts.items(), key=lambda part: (ORDER.index(part[0][0]), places.index(part[0][1])))
    return [Row(key, name, add_up(took)) for (key, name), took in ordered]


def name_row(purpose: Purpose) -> tuple[str, str]:
    """Return the row that a purpose belongs to: a role that is no model's own is one row for all models."""
    if purpose.kind == "session":
        is_counselor = purpose.role == "counselor"
        return ("took_counselor", purpose.model) if is_counselor else ("took_role", purpose.role)
    if purpose.kind == "other":
        return "took_other", purpose.role
    return f"took_{purpose.kind}", purpose.model if purpose.kind == "answer" else ""


def sum_judging(standings: Standings) -> Took:
    """Return what judging took, of the answers and of the sessions when they had ended."""
    return add_up(took for purpose, took in standings.calls.items() if purpose.kind in ("score", "pair", "judging"))


def set_took(standings: Standings, say: Say) -> list[Table]:
    """Return what all calls took, by purpose and together."""
    account = list_account(standings)
    head = ["", *map(say, ("calls", "prompt_tokens", "answer_tokens", "reasoning_tokens", "cost", "latency"))]
    rows = [[show_purpose(row, say), *show_took(row.took, say)] for row in account]
    rows.append([say("took_all"), *show_took(add_up(row.took for row in account), say)])
    return [Table(say("part_took"), say("took_told"), head, rows)]


def show_purpose(row: Row, say: Say) -> str:
    """Return what a row is called."""
    if row.key not in ("took_role", "took_other"):
        return say(row.key, name=row.name)
    key = "took_critic" if (row.key, row.name) == ("took_role", "critic") else row.key
    return say(key, name=say(ROLE_WORDS[row.name]))


def show_took(took: Took, say: Say) -> list[str]:
    """Return the cells of what some calls took."""
    amounts = (took.prompt_tokens, took.completion_tokens, took.reasoning_tokens)
    return [
        f"{took.calls:,}",
        *(show_amount(amount, took.calls, say) for amount in amounts),
        show_cost(took, say),
        say("none") if took.median_latency is None else f"{took.median_latency:.1f}",
    ]


def show_amount(amount: Amount, calls: int, say: Say) -> str:
    """Return a sum of tokens: what no call told is unknown, and what some did not tell is a least."""
    if not amount.untold:
        return f"{amount.sum:,}"
    if amount.untold == calls:
        return say("unknown")
    return say("at_least", amount=f"{amount.sum:,}", count=f"{amount.untold:,}")


def show_cost(took: Took, say: Say) -> str:
    """Return what has a price, by currency; currencies are never added up."""
    if not took.calls:
        return say("none")
    if took.unpriced == took.calls:
        return say("no_price")
    told = " + ".join(f"{price:,.4f} {currency}" for currency, price in sorted(took.price.items()))
    return say("at_least_priced", cost=told, count=f"{took.unpriced:,}") if took.unpriced else told
