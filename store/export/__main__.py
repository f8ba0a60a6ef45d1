"""Writes a training set: python -m store.export --mix FILE --out DIR [--dry-run] [--gate]; --verify DIR checks one."""

import json
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from store.db import DEFAULT_URL, choose_url, open_db
from store.mix import Mix, find_mix, list_splits, load_mix
from taxonomy.command import Parser, run_main
from taxonomy.refusal import InputError
from taxonomy.source import show_path


def build_parser() -> Parser:
    """Return the flags."""
    from store.export.shapes import SHAPES

    parser = Parser("store.export", description=__doc__)
    parser.add_argument("--mix", metavar="FILE", help="a YAML file, or the name of one in configs/mix")
    parser.add_argument("--out", metavar="DIR", help="a folder that does not exist yet")
    parser.add_argument("--dry-run", action="store_true", help="show how many are left at each filter; write nothing")
    parser.add_argument("--verify", metavar="DIR", type=Path, help="check that an export is what its manifest says")
    parser.add_argument("--gate", action="store_true", help="fail where a bound for a release is broken")
    parser.add_argument("--format", default="", metavar="NAMES", help=f"beside Parquet, of {','.join(SHAPES)}")
    parser.add_argument("--tokenizer", metavar="PATH", type=Path, help="a tokenizer.json, to count tokens")
    parser.add_argument("--push", metavar="REPO", help="upload the folder to this data set on the Hub, privately")
    parser.add_argument("--public", action="store_true", help="push to a data set that everybody sees")
    parser.add_argument("--db", metavar="URL", help=f"default $DATABASE_URL, else {DEFAULT_URL}")
    parser.add_argument("--json", action="store_true", help="the manifest as the last line of stdout")
    return parser


def check_flags(flags: Namespace) -> None:
    """Raise InputError for flags that do not go together."""
    if flags.verify is not None:
        if flags.mix or flags.out or flags.dry_run or flags.gate or flags.format:
            raise InputError("--verify DIR goes alone or with --push; leave the other flags out")
    elif not flags.mix:
        raise InputError("--mix FILE is missing; name a mix such as multi_turn, or --verify DIR")
    elif not flags.dry_run and not flags.out:
        raise InputError("--out DIR is missing; name the folder to write, or --dry-run to see what it would hold")
    if flags.push and flags.dry_run:
        raise InputError("--push uploads what is written, and --dry-run writes nothing; leave one out")
    if flags.public and not flags.push:
        raise InputError("--public is about --push; name the data set, or leave it out")


def tell(lines: Iterable[str]) -> None:
    """Print some lines."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def list_lines(manifest: dict[str, Any]) -> list[str]:
    """Return the funnel and the counts in words."""
    lines = []
    for step in manifest["funnel"]:
        lines.append(f"{step['left']:>10,}  {step['filter']}")
        lines += [f"{-count:>10,}    {why}" for why, count in step["gone"].items() if count]
    return [*lines, *(f"note: {note}" for note in manifest["notes"])]


def dry_run(db: Connection, mix: Mix) -> dict[str, Any]:
    """Return the funnel of a mix; nothing is kept."""
    from store.export.draw import draw
    from store.export.manifest import tell_funnel
    from store.mix import SPLITS

    with tempfile.TemporaryDirectory() as folder:
        drawn = draw(db, mix, Path(folder))
        counted = dict(drawn.scratch.ask("SELECT split, count(*) FROM slips WHERE gone = 0 GROUP BY split"))
        drawn.scratch.close()
    splits = {name: counted.get(SPLITS.index(name), 0) for name in reversed(list_splits(mix))}
    return {"funnel": tell_funnel(drawn), "notes": drawn.notes, "counts": {"split": splits}}


def export(db: Connection, mix: Mix, target: Path, flags: Namespace) -> dict[str, Any]:
    """Write an export and return its manifest; raises InputError where nothing is left to write."""
    from store.export.card import write_card
    from store.export.draw import draw
    from store.export.folder import filled_folder
    from store.export.gate import check_gate, measure_set
    from store.export.manifest import make_manifest, write_manifest
    from store.export.shapes import load_shapes
    from store.export.tokens import load_tokenizer
    from store.export.write import write_rows

    shapes, tokens = load_shapes(flags.format), load_tokenizer(flags.tokenizer)
    with filled_folder(target) as folder:
        work = folder / "work"
        work.mkdir()
        drawn = draw(db, mix, work)
        written = write_rows(db, drawn, folder, shapes, tokens)
        drawn.scratch.close()
        for path in work.iterdir():
            path.unlink()
        work.rmdir()
        if not written.rows:
            last = next((step.name for step in drawn.funnel if not step.left), "a pair of replies")
            raise InputError(f"mix {mix.name!r}: of {drawn.seen:,} none is left after {last!r}; --dry-run shows why")
        measured = measure_set(db, drawn, written)
        if flags.gate:
            check_gate(measured)
        write_card(folder, drawn, written, measured)
        told = {"characters": written.characters, "learned_characters": written.learned, "tokens": written.tokens}
        manifest = make_manifest(drawn, folder, written.shards, written.counts, told | {"diversity": measured.told()})
        write_manifest(folder, manifest)
    return manifest


def main() -> int:
    """Write, try or check an export."""
    flags = build_parser().parse_args()
    check_flags(flags)
    if flags.verify is not None:
        from store.export.manifest import verify

        manifest, target = verify(flags.verify), flags.verify
        tell([f"{show_path(target)}: {len(manifest['files'])} files as they were written, {manifest['rows']:,} rows"])
    else:
        from store.export.folder import choose_folder
        from store.export.reading import frozen

        target = choose_folder(flags.out) if flags.out else Path()
        mix = load_mix(find_mix(flags.mix))
        engine = open_db(choose_url(flags.db), create=False)
        try:
            with frozen(engine) as db:
                manifest = dry_run(db, mix) if flags.dry_run else export(db, mix, target, flags)
        finally:
            engine.dispose()
        tell([*list_lines(manifest), f"splits: {join_counts(manifest['counts']['split'])}"])
        if not flags.dry_run:
            tell([f"written to {show_path(target)}: {manifest['rows']:,} rows"])
    if flags.push:
        from store.export.push import push

        tell([push(target, manifest, flags.push, is_public=flags.public)])
    if flags.json:
        tell([json.dumps(manifest, ensure_ascii=False)])
    return 0


def join_counts(counts: dict[str, int]) -> str:
    """Return counts in one line."""
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"


if __name__ == "__main__":
    run_main(main)
