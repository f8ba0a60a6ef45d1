"""A recipe: a published method as a graph, with its switches and what it promises."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from langgraph.graph import StateGraph
from pydantic import BaseModel, ConfigDict

from agents.brief import Brief
from agents.cast import Role
from agents.transcript import Language
from store.records import Kind
from taxonomy.plan import SessionPlan

UnitKind = Literal["cell", "text", "dialogue"]
"""What a recipe runs on; a scenario is a cell told as a story, so what runs on cells runs on scenarios."""


class NoSwitches(BaseModel):
    """The switches of a recipe that has none."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One method.

    `units` are the kinds of seed it runs on, the natural one first; `heads` names the prompt that leads each role's
    requests; `start` gives the state it begins with beside the shared one; `estimate` the calls by role a plan takes;
    `makes` what it leaves, a talk or something else; `find_idle` the roles that nobody plays with the switches as they
    are; `find_unfit` why a text cannot be its seed; `speaks` the language it writes in whatever its seed's is, if any.
    """

    name: str
    summary: str
    paper: str
    units: tuple[UnitKind, ...]
    heads: Mapping[Role, str]
    blind_counselor: bool
    switches: type[BaseModel]
    start: Callable[[Any], dict[str, Any]]
    build: Callable[[Any], StateGraph[Any, Any, Any, Any]]
    estimate: Callable[[SessionPlan, Any], Mapping[Role, float]]
    makes: Kind = "talk"
    find_idle: Callable[[Any], Container[Role]] = lambda _: ()
    find_unfit: Callable[[Brief], str | None] = lambda _: None
    speaks: Callable[[Any], Language | None] = lambda _: None

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles it plays."""
        return tuple(self.heads)
