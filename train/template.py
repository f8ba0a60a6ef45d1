"""Gives a Qwen2.5 tokenizer our chat template, and cuts messages into tokens just as the rendered template would be.

Serving must agree with training. `per_turn`, `tree` and `last` show no thought of an earlier reply, and the template
leaves them out by itself. `all_turns` shows them all: whoever serves a model trained so must send each thought back,
led within the content as <think>...</think>, with `chat_template_kwargs: {"preserve_thinking": true}`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from taxonomy.refusal import InputError
from taxonomy.source import show_path
from train.shards import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

START, END, PAD = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
NOT_QWEN = "this tokenizer is not Qwen2.5's"
REMEDY = "name a Qwen2.5 model"
SAMPLE = (
    Message("system", "Listen.\n"),
    Message("user", "\n 我睡不着 <|im_end|>"),
    Message("assistant", "  Hm. ", "He is tired."),
    Message("user", "Yes."),
    Message("assistant", "What keeps you awake?", "I ask."),
)
"""A talk by which a tokenizer is tried: cut into messages, it must give the tokens of the whole."""


class Body(NamedTuple):
    """What a reply says after its header: bare, and with its thought before it where it has one."""

    bare: str
    thoughtful: str | None


@dataclass(frozen=True, slots=True)
class Speech:
    """A tokenizer that carries our template, and the tokens that stand between what is said."""

    tokenizer: "PreTrainedTokenizerBase"
    start: int
    """<|im_start|>"""
    end: int
    """<|im_end|>"""
    pad: int
    """<|endoftext|>"""
    header: list[int]
    """<|im_start|>assistant and a newline: the generation prompt."""
    newline: list[int]
    """What stands between <|im_end|> and the next <|im_start|>."""

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each text by itself."""
        encoded: list[list[int]] = self.tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
        return encoded


@cache
def read_template() -> str:
    """Return the template's text."""
    return (resources.files("train") / "templates" / "qwen2_5_reasoning.jinja").read_text(encoding="utf-8")


def write_plain(text: str) -> str:
    """Return a text in which nothing is a token of the format; the template does the same."""
    return text.replace("<|", "< |")


def shape_body(message: Message) -> Body:
    """Return what a reply says, as the template writes it."""
    *led, said = write_plain(message.content).split("</think>")
    bare = said.lstrip()
    thought = ""
    if message.reasoning is not None:
        thought = write_plain(message.reasoning).strip()
    elif led:
        thought = led[0].split("<think>")[-1].strip()
    return Body(bare, f"<think>\n{thought}\n</think>\n\n{bare}" if thought else None)


def load_tokenizer(model: str | Path, revision: str | None = None) -> "PreTrainedTokenizerBase":
    """Return the tokenizer in a model's folder, or of a model on the Hub; raises InputError."""
    from transformers import AutoTokenizer

    path = Path(model)
    if not path.is_dir() and (path.is_absolute() or len(path.parts) != 2 or str(model).startswith(".")):
        raise InputError(f"{show_path(path)}: there is no such model folder; check the path")
    if path.is_dir() and not (path / "tokenizer_config.json").is_file():
        raise InputError(
            f"{show_path(path)}: holds no tokenizer; name the folder of a model with tokenizer_config.json"
        )
    try:
        return AutoTokenizer.from_pretrained(str(model), revision=revision or "main")
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = " ".join(str(error).split())[:160]
        where = "is no folder, and the Hub gave no such model" if not path.is_dir() else "its tokenizer cannot be read"
        raise InputError(f"{show_path(path)}: {where} ({what}); check the path") from None


def load_speech(tokenizer: "PreTrainedTokenizerBase") -> Speech:
    """Put our template into a tokenizer, which is then saved with the model; raises InputError where it is not Qwen's.

    What is cut by hand and what the rendered template gives are compared on a sample, so that a tokenizer that would
    train on other tokens than it serves is refused before any row is made.
    """
    special = set(tokenizer.all_special_tokens) | {
        token.content for token in tokenizer.added_tokens_decoder.values() if token.special
    }
    for token in (START, END, PAD):
        if token not in special:
            raise InputError(f"{NOT_QWEN}: {token} is no special token of it; {REMEDY}")
    tokenizer.chat_template = read_template()
    ids: Any = tokenizer.convert_tokens_to_ids([START, END, PAD])
    start, end, pad = ids
    encode = Speech(tokenizer, start, end, pad, [], []).encode
    word, newline = encode(["assistant\n", "\n"])
    speech = Speech(tokenizer, start, end, pad, [start, *word], newline)
    if join_sample(speech) != render_sample(speech):
        raise InputError(f"{NOT_QWEN}: a talk cut into messages gives other tokens than the whole; {REMEDY}")
    return speech


def join_sample(speech: Speech) -> list[int]:
    """Return the tokens of the sample talk, message by message."""
    from train.targets.segments import encode_talk

    joined: list[int] = []
    for number, said in enumerate(encode_talk(SAMPLE, speech), 1):
        body = said.thoughtful if number == len(SAMPLE) and said.thoughtful else said.bare
        joined += [*said.opening, *body, *speech.newline]
    return joined


def render_sample(speech: Speech) -> list[int]:
    """Return the tokens of the sample talk as the template renders it."""
    return render(speech, SAMPLE)


def render(speech: Speech, messages: Sequence[Message], *, opens: bool = False, keeps: bool = False) -> list[int]:
    """Return the tokens of messages as a server gets them from the template; with `opens`, the header of a reply too.

    `keeps` says that thoughts of earlier replies are shown.
    """
    told: Any = [{"role": each.role, "content": each.content, "reasoning_content": each.reasoning} for each in messages]
    rendered: Any = speech.tokenizer.apply_chat_template(
        told, tokenize=True, add_generation_prompt=opens, return_dict=False, preserve_thinking=keeps
    )
    return list(rendered)
