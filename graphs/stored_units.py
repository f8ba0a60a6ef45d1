"""Units of input that stand in the database: the scenarios of cells, whole dialogues, and ingested texts."""

from array import array
from collections.abc import Callable
from dataclasses import replace
from hashlib import blake2b
from typing import cast

from agents.brief import Brief, brief_scenario
from agents.transcript import Language, Utterance
from graphs.units import Unit
from store.db import Database
from store.formats.seeds import SkippedRow
from store.inputs import StoredSeed, list_inputs, list_seeds, read_scenario, read_seed
from store.judging import read_dialogue
from store.records import Kind, SeedRecord
from taxonomy.plan import Planner
from taxonomy.refusal import InputError, suggest
from taxonomy.schema import Taxonomy

KINDS: dict[str, Kind] = {"scenarios": "scenario", "dialogues": "talk"}
"""Records that --stored can name, and the kind that each stands for."""
SEEDS = "seeds"
NAMES = (*KINDS, SEEDS)


class StoredUnits:
    """What --stored names: scenarios or dialogues that nobody has rejected, one a session."""

    def __init__(self, taxonomy: Taxonomy, engine: Database, named: str, seed: int, language: Language | None) -> None:
        self._name, self._run = read_stored(named)
        self._ids = list_inputs(engine, KINDS[self._name], self._run, language)
        if not self._ids:
            raise InputError(f"--stored {named}: {self._name_nothing(language)}")
        digest = blake2b(" ".join(self._ids).encode(), digest_size=8).hexdigest()
        self.source = f"{named} {digest}"
        self._taxonomy, self._engine = taxonomy, engine
        self._planner = Planner(taxonomy, seed)

    def size(self) -> int:
        return len(self._ids)

    def round(self) -> int:
        return len(self._ids)

    def unit(self, position: int) -> Unit:
        make = self._make_from_scenario if self._name == "scenarios" else self._make_from_dialogue
        return make(position, self._ids[position])

    def _make_from_scenario(self, position: int, id: str) -> Unit:
        """Cell, person and risk are the scenario's; all else is dealt by the plan."""
        told = read_scenario(self._engine, id)
        risk, age, gender = (told.plan[name] for name in ("risk", "age", "gender"))
        plan = self._planner.session_for_cell(position, told.cell, risk, age, gender)
        language = cast(Language, told.language)
        brief = brief_scenario(self._taxonomy, plan, language, told.parts)
        seed = SeedRecord("scenario", *told.cell, text=brief.text, row_id=id)
        return Unit(plan, brief, language, seed, id)

    def _make_from_dialogue(self, position: int, id: str) -> Unit:
        held = read_dialogue(self._engine, id)
        if held is None:
            raise InputError(f"dialogue {id} is no longer in this database")
        lines = tuple(Utterance(line.speaker, line.text) for line in held.utterances)  # type: ignore[arg-type]
        # What came up in the talk, or was planned for it, is as grave in whatever is made of it.
        plan = replace(self._planner.session_for_text(position), risk=held.risk_tier)  # type: ignore[arg-type]
        return Unit(plan, Brief("", lines=lines), cast(Language, held.language), SeedRecord("dialogue", row_id=id), id)

    def _name_nothing(self, language: Language | None) -> str:
        of_run = f" of run {self._run}" if self._run is not None else ""
        spoken = f" in {language}" if language is not None else ""
        how = "; python -m graphs.run --recipe scenarios writes them" if self._name == "scenarios" else ""
        return f"this database has none{of_run}{spoken} that nobody has rejected{how}"


class StoredSeeds:
    """The ingested texts that a recipe can run on, one a session; of all only their numbers are held."""

    def __init__(
        self,
        taxonomy: Taxonomy,
        engine: Database,
        named: str,
        seed: int,
        language: Language | None,
        find_unfit: Callable[[Brief], str | None],
    ) -> None:
        """Look through the seeds; `find_unfit` says why a text cannot be used."""
        _, run = read_stored(named)
        self.skipped: list[SkippedRow] = []
        self._engine, self._planner, self._ids = engine, Planner(taxonomy, seed), array("q")
        for held in list_seeds(engine, run, language):
            reason = find_unfit(brief_seed(held))
            if reason is None:
                self._ids.append(held.id)
            else:
                self.skipped.append(SkippedRow(held.file, held.row, reason))
        if not self._ids:
            spoken = f" in {language}" if language is not None else ""
            why = f": {self.skipped[0].reason}" if self.skipped else ""
            how = "python -m store.ingest FILE --as seeds brings some in"
            raise InputError(
                f"--stored {named}: this database has none{spoken} that this recipe can run on{why}; {how}"
            )
        self.source = f"{named} {blake2b(self._ids.tobytes(), digest_size=8).hexdigest()}"

    def size(self) -> int:
        return len(self._ids)

    def round(self) -> int:
        return len(self._ids)

    def unit(self, position: int) -> Unit:
        held = read_seed(self._engine, self._ids[position])
        seed = SeedRecord("text", text=held.text, file=held.file, row=held.row, row_id=held.row_id, id=held.id)
        plan = self._planner.session_for_text(position)
        return Unit(plan, brief_seed(held), cast(Language, held.language), seed)


def brief_seed(held: StoredSeed) -> Brief:
    """Put an ingested text into a recipe's words."""
    return Brief(held.text, fields=held.fields)


def read_stored(named: str) -> tuple[str, int | None]:
    """Return what --stored names and of which run; raises InputError for what cannot be."""
    name, colon, run = named.partition(":")
    if name not in NAMES:
        raise InputError(f"--stored {named!r}: unknown{suggest(name, NAMES)}; choose one of {', '.join(NAMES)}")
    if colon and not run.isdecimal():
        raise InputError(f"--stored {named!r}: name a run by its number, as in {name}:3")
    return name, int(run) if colon else None
