"""Sets a report on one HTML page that asks for nothing from anywhere, and writes it whole or not at all."""

import os
import tempfile
import time
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from store.report.figures import Report
from store.report.sections import list_parts
from store.report.svg import clean
from store.report.words import Words
from taxonomy.refusal import InputError
from taxonomy.schema import Taxonomy
from taxonomy.source import show_path

TEMPLATE = "report.html.j2"


@cache
def load_environment() -> Environment:
    """Return the templates' environment: every text is escaped, a missing value raises."""
    folder = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["clean"] = clean
    environment.filters["drawn"] = Markup
    return environment


def choose_words(report: Report, asked: str | None) -> Words:
    """Return the words asked for, else Chinese where every dialogue is."""
    languages = {spoken.language for spoken in report.spoken}
    return Words(asked or report.selection.asked.language or ("zh" if languages == {"zh"} else "en"))


def render(report: Report, taxonomy: Taxonomy, words: Words, made_at: float | None = None) -> str:
    """Return the page."""
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(made_at))
    return (
        load_environment()
        .get_template(TEMPLATE)
        .render(
            words=words,
            made=words.say("made", when=made),
            report=report,
            filters=list_filters(report, words),
            spent=list_spent(report),
            parts=list_parts(report, taxonomy, words),
        )
    )


def list_filters(report: Report, words: Words) -> str:
    """Return what was asked for, in words."""
    asked = report.selection.asked
    told = (("filter_run", asked.run), ("filter_recipe", asked.recipe), ("filter_language", asked.language))
    return " · ".join(words.say(key, value=value) for key, value in told if value is not None)


def list_spent(report: Report) -> str:
    """Return what all calls cost, by currency; currencies are never added up."""
    sums: dict[str, float] = {}
    for cost in report.costs:
        if cost.unpriced < cost.calls:
            sums[cost.currency] = sums.get(cost.currency, 0.0) + cost.price
    return " + ".join(f"{price:,.2f} {currency}" for currency, price in sorted(sums.items()))


def write_page(path: Path, page: str, flag: str = "--html") -> None:
    """Write a page so that its path holds either the old file or the whole new one; raises InputError.

    `flag` is where the path was told.
    """
    try:
        number, kept = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except (OSError, ValueError) as error:
        raise unwritable(path, error, flag) from None
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(page)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(kept).chmod(0o666 & ~umask)
        Path(kept).replace(path)
    except BaseException as error:
        Path(kept).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise unwritable(path, error, flag) from None
        raise


def unwritable(path: Path, error: OSError | ValueError, flag: str) -> InputError:
    """Return the refusal for a path that cannot be written."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return InputError(
        f"{flag} {show_path(path)}: cannot be written ({why}); name a file in a folder that you may write"
    )
