"""A mix file says what it means: whatever is wrong in it is one line with its place and the remedy."""

from pathlib import Path
from typing import Any

import pytest

from store.licences import is_permissive, name_licence
from store.mix import SHIPPED, find_mix, load_mix
from taxonomy.refusal import InputError
from tests.store.export.stored import make_mix, write_mix

TALKS = {"name": "talks", "store": {}}
GENERAL = {"name": "general", "files": ["a.jsonl"], "licence": "mit", "language": "zh", "about": "questions"}


@pytest.mark.parametrize(
    ("changes", "place", "told"),
    [
        ({"sourcess": []}, "sourcess", "unknown key 'sourcess' (did you mean 'sources'?)"),
        ({"dedup": "naer"}, "naer", "unknown value 'naer' (did you mean 'near'?); choose 'none', 'exact' or 'near'"),
        ({"sources": [{**TALKS, "weight": 0}]}, "weight", "sources[0] (talks).weight: should be greater than 0, not 0"),
        ({"sources": [{**TALKS, "weight": -3}]}, "weight", "greater than 0"),
        ({"sources": [{**TALKS, "weight": float("inf")}]}, "weight", "a number is wanted"),
        ({"sources": [{**TALKS, "weight": 1, "count": 5}]}, "count", "give a weight or a count, not both"),
        ({"sources": [{**TALKS, "weight": 1}, GENERAL]}, "sources", "source 'general' has no weight and others have"),
        ({"sources": [TALKS, TALKS]}, "sources", "two sources are called 'talks'"),
        ({"sources": [{"name": "talks"}]}, "{", "source 'talks': give either store or files"),
        ({"sources": [{**GENERAL, "licence": None}]}, "{", "files need licence, language and about"),
        ({"sources": [{"name": "talks", "store": {"standing": "waiting"}}]}, "standing", "unknown value 'waiting'"),
        ({"sources": []}, "sources", "sources"),
        ({"rows": 10}, "rows", "rows is shared out by weights and no source has one"),
        ({"split": {"train": 0.9}}, "train", "the shares of split add up to 0.9; make it 1"),
        ({"caps": {"cell": 0}}, "cell", "caps.cell"),
        ({"kind": "preferences", "sources": [GENERAL]}, "sources", "preferences come from the store alone"),
        ({"name": "../x"}, "name", "name"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(tmp_path: Path, changes: Any, place: str, told: str) -> None:
    path = write_mix(tmp_path, **changes)
    with pytest.raises(InputError) as refused:
        load_mix(path)
    file, line, _ = str(refused.value).split(":", 2)
    assert file == str(path)
    assert place in path.read_text(encoding="utf-8").splitlines()[int(line) - 1]
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_shipped_mix_is_found_by_its_name_and_bears_it() -> None:
    names = sorted(path.stem for path in SHIPPED.glob("*.yaml"))
    assert names == ["multi_turn", "preference", "reasoning", "rehearsal", "xinjing_80_20"]
    assert [load_mix(find_mix(name)).name for name in names] == names
    with pytest.raises(InputError, match=r"unknown mix 'multiturn' \(did you mean 'multi_turn'\?\)"):
        find_mix("multiturn")


def test_the_seed_projects_blend_is_80_to_20_with_raw_reasoning() -> None:
    mix = load_mix(find_mix("xinjing_80_20"))
    assert [source.weight for source in mix.sources] == [80, 20]
    assert mix.reasoning == "raw"


@pytest.mark.parametrize(
    ("told", "name", "permissive"),
    [
        ("CC BY 4.0", "cc-by-4.0", True),
        ("Apache License 2.0", "apache-2.0", True),
        ("MIT License", "mit", True),
        ("CC0", "cc0-1.0", True),
        ("CC BY-NC 4.0", "cc-by-nc-4.0", False),
        ("cc-by-sa-4.0", "cc-by-sa-4.0", False),
        ("CC-BY-ND-4.0", "cc-by-nd-4.0", False),
        ("gpl-3.0", "gpl-3.0", False),
        (None, "unknown", False),
        ("", "unknown", False),
    ],
)
def test_a_licence_has_one_name_and_only_those_that_ask_for_credit_alone_are_permissive(
    tmp_path: Path, told: str | None, name: str, permissive: bool
) -> None:
    assert name_licence(told) == name
    assert is_permissive(name) is permissive
    assert make_mix(tmp_path).allows(told) is permissive
    assert make_mix(tmp_path, licences=[name.upper()]).allows(told)
