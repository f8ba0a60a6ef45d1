"""The keywords of a note: words that stand in it, each with what the person it is about would say aloud instead."""

import re
from collections.abc import Sequence
from functools import cache
from types import GenericAlias
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, create_model

from agents.cast import Cast
from agents.message import Message
from agents.prompt import load_prompt
from agents.transcript import Language

Kind = Literal["symptom", "history", "test", "treatment", "substance"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""The kinds of concept that the method keeps; illnesses are left out, for here nobody is given a name for what they
have."""
FEWEST = 3
"""Keywords of the shortest note; own choice."""
LONGEST: dict[Language, int] = {"zh": 16, "en": 48}
"""Characters of a keyword; own choice."""
SHORTEST: dict[Language, int] = {"zh": 2, "en": 3}
"""Letters below which words are found anywhere by chance."""
SENTENCE = re.compile(r"(?<=[。！？；!?;])\s*|(?<=[^\d\s]\.)\s+|\n+")
WRAP = re.compile(r"(?<![。！？；：!?;:.\s])[ \t]*\n(?!\s*\n)")
DOSE = re.compile(
    r"(?i)(?:\d|[一二两三四五六七八九十半])[\d.]*\s*(?:mcg|mg|ml|units?|tablets?|pills?|毫克|微克|毫升|片|粒|颗)"
)
LETTERS = re.compile(r"\w+")


class Keyword(BaseModel):
    """Words of the note, and the same in the mouth of the person it is about."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    quote: Annotated[str, Field(min_length=1)]
    plain: Annotated[str, Field(min_length=1)]


class Keywords(BaseModel):
    """What the planner answers about a note."""

    model_config = ConfigDict(extra="forbid")

    keywords: list[Keyword]


async def name_keywords(cast: Cast, note: str) -> tuple[list[Keyword], int]:
    """Ask for the keywords of a note, one for every two sentences at least; returns them and the number of the call.

    Each must stand in the note; what is too short to be found, holds a dose or came before is dropped.
    """
    head, ask = load_prompt("notechat/planner", cast.language), load_prompt("notechat/sentences", cast.language)
    sentences = cut_sentences(note)
    thread = [*cast.open_thread(head.render()), Message("user", ask.render(sentences=sentences))]
    form = shape_keywords(max(FEWEST, (len(sentences) + 1) // 2), LONGEST[cast.language])
    named, call = await cast.fill(
        "planner", head.hash, thread, form, lambda filled: find_keyword_fault(filled.keywords, note, cast.language)
    )
    kept: dict[str, Keyword] = {}
    for keyword in named.keywords:
        if is_usable(keyword.quote, cast.language):
            kept.setdefault(simplify(keyword.quote, cast.language), keyword)
    return list(kept.values()), call


@cache
def shape_keywords(fewest: int, longest: int) -> type[Keywords]:
    """Return the form of at least so many keywords, each of so many characters at most."""
    quote: Any = (str, Field(min_length=1, max_length=longest))
    keyword = create_model("Keyword", __base__=Keyword, quote=quote)
    keywords: Any = (GenericAlias(list, (keyword,)), Field(min_length=fewest))
    return create_model("Keywords", __base__=Keywords, keywords=keywords)


def find_keyword_fault(keywords: Sequence[Keyword], note: str, language: Language) -> str | None:
    """Return why keywords are not a note's own, or None."""
    usable = {number: one.quote for number, one in enumerate(keywords) if is_usable(one.quote, language)}
    if not usable:
        return "keywords: each is a dose or too short; take the words that tell what happened and how it is"
    for number, quote in usable.items():
        if not stands_in(quote, note, language):
            return f"keywords.{number}.quote: {quote!r} does not stand in the note; copy it letter by letter"
    return None


def is_usable(quote: str, language: Language) -> bool:
    """Tell whether words are long enough to be found, and no dose."""
    return len(simplify(quote, language).replace(" ", "")) >= SHORTEST[language] and not DOSE.search(quote)


def stands_in(words: str, text: str, language: Language) -> bool:
    """Tell whether words stand in a text, marks and case aside; English ones as whole words, and none too short."""
    wanted = simplify(words, language)
    if len(wanted.replace(" ", "")) < SHORTEST[language]:
        return False
    return wanted in simplify(text, language) if language == "zh" else f" {wanted} " in f" {simplify(text, language)} "


def is_said(keyword: Keyword, text: str, language: Language) -> bool:
    """Tell whether a text says a keyword, as the note does or as the person would."""
    return stands_in(keyword.quote, text, language) or stands_in(keyword.plain, text, language)


def simplify(text: str, language: Language) -> str:
    """Return the letters of a text that are compared: without a gap in Chinese, word by word in English."""
    return ("" if language == "zh" else " ").join(LETTERS.findall(text.replace("’", "'").casefold()))


def cut_sentences(note: str) -> list[str]:
    """Return the sentences of a note in their order; a line that breaks off within one goes on in the next."""
    return [sentence.strip() for sentence in SENTENCE.split(WRAP.sub(" ", note)) if sentence.strip()]
