"""Keeps what of the code shapes a comparison's figures, and tells what of it has changed when it goes on."""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

from agents.checks.version import checks_version
from agents.rubric import Rubric, list_rubrics, load_rubric
from agents.single_answer import CRISIS_RUBRIC
from graphs.compare.plan import Contest
from graphs.league.plan import measure_scale
from graphs.provenance import list_prompt_hashes
from store.comparisons import Comparison
from store.league.scores import Scale
from taxonomy.refusal import InputError

MOST_NAMED = 3
"""Changed prompts or rubrics that are told by name."""


def describe_making(contest: Contest) -> dict[str, Any]:
    """Return what is stored beside the hashes of the prompts: the rubrics that judge word for word, the rest by hash.

    A recipe's own critic may ask by a rubric that the comparison does not name, so every rubric has its hash.
    """
    judging = {*contest.answer_rubrics, *contest.session_rubrics, CRISIS_RUBRIC}
    return {
        "rubrics": {name: dump(load_rubric(name)) for name in sorted(judging)},
        "rubric_hashes": hash_rubrics(),
        "checks": checks_version(),
        "source": find_source(contest),
    }


def dump(rubric: Rubric) -> dict[str, Any]:
    """Return a rubric as it is stored."""
    return rubric.model_dump(mode="json", exclude_defaults=True)


def hash_rubrics() -> dict[str, str]:
    """Return the hash of every rubric that ships."""
    return {
        name: blake2b(load_rubric(name).model_dump_json().encode(), digest_size=6).hexdigest()
        for name in list_rubrics()
    }


def find_source(contest: Contest) -> str | None:
    """Return what the sessions are played from: the map's file and its hash; None without sessions."""
    return next((job.units.source for job in contest.jobs.values()), None)


def find_rubric(settings: Mapping[str, Any], name: str) -> Rubric:
    """Return a rubric as it was when the comparison began."""
    kept = settings.get("rubrics", {}).get(name)
    return Rubric.model_validate(kept) if kept else load_rubric(name)


def measure_kept(settings: Mapping[str, Any], name: str) -> Scale:
    """Return the scale of a rubric as it was when the comparison began: the scores that are stored are on it."""
    return measure_scale(find_rubric(settings, name))


def has_changed(settings: Mapping[str, Any], name: str) -> bool:
    """Tell whether a rubric is another one than when the comparison began."""
    return find_rubric(settings, name) != load_rubric(name)


def check_making(contest: Contest, comparison: Comparison) -> None:
    """Raise InputError where what is left would be asked, judged or checked in another way than what is done."""
    changed = list(list_changes(contest, comparison))
    if changed:
        raise InputError(
            f"--resume {comparison.run}: changed since it began: {'; '.join(changed)}."
            f" Start a new comparison, or {name_way_back(comparison.git_commit)}"
        )


def list_changes(contest: Contest, comparison: Comparison) -> Iterator[str]:
    """Yield what has changed since the comparison began."""
    settings = comparison.settings
    for kind, was, now in (
        ("prompt", comparison.prompts, list_prompt_hashes()),
        ("rubric", settings.get("rubric_hashes", {}), hash_rubrics()),
    ):
        names = [name for name, told in sorted(was.items()) if now.get(name) != told]
        if names:
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            yield f"{kind}{'s' if len(names) > 1 else ''} {', '.join(names[:MOST_NAMED])}{more}"
    if settings.get("checks", checks_version()) != checks_version():
        yield "the checks"
    source = find_source(contest)
    if settings.get("source", source) != source:
        yield f"the map ({settings['source']} is {source})"


def name_way_back(commit: str | None) -> str:
    """Return how to come back to the code that the comparison began with."""
    if commit is None:
        return "go back to the code it began with"
    named = commit.rstrip("+")[:12]
    return f"go back to its changes on {named}" if commit.endswith("+") else f"check out {named}, which it began with"
