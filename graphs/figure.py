"""Draws a recipe as a Mermaid figure that reads as the method runs, and keeps the figures of a page up to date."""

import re
from collections.abc import Mapping, Sequence

from langchain_core.runnables.graph import Edge

from graphs.recipe import Recipe

START, END = "__start__", "__end__"
SECTION = re.compile(r"^## (\w+)(?:: .*)?$", re.MULTILINE)
FIGURE = re.compile(r"^```mermaid\n.*?^```\n", re.MULTILINE | re.DOTALL)

Ways = Mapping[tuple[str, bool], Sequence[str]]


def draw(recipe: Recipe) -> str:
    """Return the figure of a recipe with its switches as they are when nobody sets them.

    Nodes that stand side by side share a line; a dashed arrow is a way that is not always taken.
    """
    edges = recipe.build(recipe.switches()).compile().get_graph().edges
    order = list_in_order(edges)
    ways = collect_ways(edges, order)
    named = {START: f"seed([{recipe.units[0]}])", END: "stored([stored])"}
    named |= {node: f"{node}[{node.replace('_', ' ')}]" if "_" in node else node for node in order if node not in named}
    lines, told = ["flowchart TD"], set[str]()

    def name(node: str) -> str:
        if node in told:
            return named[node].partition("[")[0].partition("(")[0]
        told.add(node)
        return named[node]

    for sources, is_conditional, targets in join_siblings(ways):
        arrow = "-.->" if is_conditional else "-->"
        lines.append(f"    {' & '.join(map(name, sources))} {arrow} {' & '.join(map(name, targets))}")
    return "\n".join(lines) + "\n"


def list_in_order(edges: Sequence[Edge]) -> list[str]:
    """Return the nodes as a session comes to them, the end last."""
    order, waiting = [START], [START]
    while waiting:
        source = waiting.pop(0)
        for edge in edges:
            if edge.source == source and edge.target not in order:
                order.append(edge.target)
                waiting.append(edge.target)
    return sorted(order, key=lambda node: node == END)


def collect_ways(edges: Sequence[Edge], order: Sequence[str]) -> Ways:
    """Return where each node leads, apart for ways that are always taken and ways that are not."""
    ways: dict[tuple[str, bool], list[str]] = {}
    for source in order:
        for target in order:
            for edge in edges:
                if (edge.source, edge.target) == (source, target):
                    ways.setdefault((source, edge.conditional), []).append(target)
    return ways


def join_siblings(ways: Ways) -> list[tuple[list[str], bool, Sequence[str]]]:
    """Return the lines of a figure: nodes that are come to from the same and lead to the same, together."""
    lines: dict[tuple[frozenset[str], bool, tuple[str, ...]], list[str]] = {}
    for (source, is_conditional), targets in ways.items():
        before = frozenset(other for (other, _), others in ways.items() if source in others)
        lines.setdefault((before, is_conditional, tuple(targets)), []).append(source)
    return [(sources, is_conditional, targets) for (_, is_conditional, targets), sources in lines.items()]


def insert_figures(page: str, figures: Mapping[str, str]) -> str:
    """Return a page in which each section named after a recipe ends with its figure, in place of the one it had."""
    parts = SECTION.split(page)
    written = [parts[0]]
    headings = SECTION.finditer(page)
    for heading, name, body in zip(headings, parts[1::2], parts[2::2], strict=True):
        if name in figures:
            body = f"{FIGURE.sub('', body).rstrip()}\n\n```mermaid\n{figures[name]}```\n\n"
        written += [heading[0], body]
    return "".join(written).rstrip() + "\n"
