"""Takes the pictures of the review page in docs/review: python -m tests.bench.screenshots [--out DIR].

It runs rehearsal sessions into a database of its own, has three people say something, and looks at the main pages.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Page, sync_playwright
from sqlalchemy import Engine, text

from store.cards import refresh_cards
from store.db import open_db
from store.review.settings import Settings
from store.reviews import Said, say
from tests.store.review.browser.conftest import Desk, serve
from tests.system_packages import find_program

MOST_BYTES = 300_000
ROOT = Path(__file__).parents[2]
SPREAD = text("UPDATE reviews SET created_at = created_at - 35 * ((SELECT max(id) FROM reviews) - id)")
"""As if the verdicts had been given in turn, half a minute apart."""
RUNS = (("session", 60), ("sudosys", 40))


class Picture(NamedTuple):
    """A page as it is shown: in a language and theme, so many pixels wide, after some keys."""

    name: str
    path: str
    language: str = "zh"
    theme: str = "light"
    width: int = 1440
    height: int = 900
    keys: tuple[str, ...] = ()


def list_pictures(talk: str, danger: str) -> list[Picture]:
    """Return the pictures; `talk` has a draft that was rewritten, `danger` a sign of danger."""
    return [
        Picture("dialogue", f"/dialogues/{talk}", keys=("j", "j", "t")),
        Picture("dialogue-dark", f"/dialogues/{talk}", "en", "dark", keys=("j", "j", "t")),
        Picture("dialogue-phone", f"/dialogues/{talk}", width=390, height=844),
        Picture("reject", f"/dialogues/{talk}", keys=("x", "2", "6")),
        Picture(
            "edit", f"/dialogues/{talk}", keys=("j", "j", "e", "Control+Home", "Delete", "Delete", "Delete", "Delete")
        ),
        Picture("danger", f"/dialogues/{danger}", "en"),
        Picture("list", "/dialogues"),
        Picture("list-phone", "/dialogues", "en", width=390, height=844),
        Picture("pair", "/pairs"),
        Picture("pair-phone", "/pairs", "en", "dark", 390, 844),
        Picture("adjudicate", "/adjudicate"),
        Picture("progress", "/progress", height=1300),
        Picture("progress-phone", "/progress", "en", "dark", 390, 844),
        Picture("guide", "/guide", "en"),
    ]


def fill(url: str) -> None:
    """Run rehearsal sessions of two recipes on the same cells."""
    for recipe, count in RUNS:
        command = [sys.executable, "-m", "graphs.run", "--taxonomy", "taxonomy/emotions.yaml", "--recipe", recipe]
        subprocess.run([*command, "--count", str(count), "--seed", "7", "--db", url], cwd=ROOT, check=True)


def speak(engine: Engine) -> tuple[str, str]:
    """Have three people judge some dialogues; returns one with a rewritten reply, and one with a sign of danger."""
    with engine.connect() as db:
        ids = list(db.execute(text("SELECT id FROM dialogues ORDER BY run_id, position")).scalars())
        asked = "SELECT dialogue_id FROM attempts WHERE attempt > 0 AND exchange <= 2 ORDER BY exchange, dialogue_id"
        talk = db.execute(text(f"{asked} LIMIT 1")).scalar_one()
        danger = db.execute(text("SELECT id FROM dialogues WHERE is_crisis ORDER BY position LIMIT 1")).scalar_one()
    for number, id in enumerate(id for id in ids[:30] if id not in (talk, danger)):
        who = ("甲", "乙", "丙")[number % 3]
        if number % 4:
            say(engine, Said(dialogue_id=id, reviewer=who, word="accept", wanted=2 if number < 3 else 1))
        else:
            reasons = ["boilerplate", "lecture_list_dump"][: 1 + number % 2]
            say(engine, Said(dialogue_id=id, reviewer=who, word="reject", reasons=reasons))
        if number < 2:
            about = {"dialogue_id": id, "reviewer": "丙", "wanted": 2}
            other = "reject" if number else "accept"
            reasons = ["boilerplate"] if number else []
            say(engine, Said(word=other, reasons=reasons, comment="收尾那句换谁都能说。" if number else "", **about))  # type: ignore[arg-type]
    say(engine, Said(dialogue_id=talk, reviewer="甲", word="flag", number=3, reasons=["boilerplate"]))
    say(
        engine,
        Said(dialogue_id=talk, reviewer="甲", word="comment", number=1, comment="这句接得住，也没有急着给建议。"),
    )
    with engine.connect().execution_options(writes=True) as db, db.begin():
        db.execute(SPREAD)
    refresh_cards(engine)
    return str(talk), str(danger)


def take(page: Page, picture: Picture, desk: Desk, out: Path) -> None:
    """Take one picture; raises ValueError where it is larger than a picture in a repository should be."""
    page.goto(f"{desk.url}{picture.path}")
    for key in picture.keys:
        page.keyboard.press(key)
    page.wait_for_timeout(150)
    file = out / f"{picture.name}.png"
    page.screenshot(path=file)
    size = file.stat().st_size
    print(f"{file.name:<22}{size:>9,} bytes")
    if size > MOST_BYTES:
        raise ValueError(f"{file}: {size:,} bytes; show less")


def main() -> None:
    """Fill a database, say something, and take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "review", help="default docs/review")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        url = f"sqlite:///{folder}/factory.db"
        fill(url)
        engine = open_db(url)
        talk, danger = speak(engine)
        browser = playwright.chromium.launch(executable_path=str(find_program("chromium")), args=["--no-sandbox"])
        with serve(engine, Settings(overlap=0.1)) as address:
            desk = Desk(engine, address, browser)
            for picture in list_pictures(talk, danger):
                size = {"width": picture.width, "height": picture.height}
                page = desk.sit_down("甲", picture.language, viewport=size, color_scheme=picture.theme)
                take(page, picture, desk, out)
            desk.close()
        browser.close()


if __name__ == "__main__":
    main()
