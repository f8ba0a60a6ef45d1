"""Which of two answers is better, asked of a judge who is not told whose they are; an unreadable word is no verdict."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from agents.cast import Cast
from agents.critic import UNREAD
from agents.errors import ModelError
from agents.prompt import load_prompt

Choice = Literal["first", "second", "same"]
BREAK = re.compile(r"\s*[\n\r\v\f\x85\u2028\u2029]\s*")
TAGGED = re.compile(r"<(think|thinking|reasoning)>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
TAG = re.compile(r"</?\s*(?:think|thinking|thought|reasoning|answer|response|final)\s*/?>", re.IGNORECASE)
TAIL = r"(?:[\w.-]*\w)?"
VERSIONED = r"(?:claude|gemini|grok|llama|mistral|mixtral|yi|kimi|phi|gemma|ernie|baichuan|hunyuan|minimax|abab)"
WORDS = (
    r"(?:claude|gemini|grok|llama|mistral|yi|kimi|ernie|bard|copilot|gemma|phi|moonshot|minimax)(?![\w'])"
    r"|豆包|百川|混元|星火|元宝|文心|通义|盘古|小度|腾讯|百度|字节跳动|阿里巴巴|谷歌|微软|华为|科大讯飞|商汤"
)
"""Models that are everyday words or people's names too, and makers that are anybody's employer."""
EMPLOYERS = r"(?:google|meta|microsoft|alibaba(?: cloud)?|tencent|baidu|bytedance|xai|zhipu)(?![\w'])"
MAKERS = re.compile(
    rf"(?:chat)?gpt(?:-?\d{TAIL})?\b|qwen{TAIL}|deepseek{TAIL}|chatglm{TAIL}|\bglm-\d{TAIL}"
    rf"|\b{VERSIONED}(?:[ -]?v?\d+\.\d{TAIL}|-[\w.-]*\d{TAIL}|\d{TAIL})"
    r"|\bclaude (?:opus|sonnet|haiku)\b|\bgemini (?:pro|flash|ultra)\b|\bernie bot\b|\bmixtral\b"
    r"|\b(?:openai|anthropic|baichuan|hunyuan|internlm\w*|internthinker|zhipu ?ai|01\.ai|moonshot ai|stepfun)\b"
    r"|\b(?:emollm|soulchat|mechat|mindchat|psychat|cpsycoun[a-z]?|xinjing(?:-?lm)?)\b"
    r"|通义千问|千问|文心一言|智谱(?:清言|华章|AI)?|深度求索|阿里云|月之暗面|零一万物|讯飞星火|书生[·・]?浦语|阶跃星辰|腾讯元宝|心镜"
    r"|(?:豆包|百川|混元|星火|文心|通义|盘古)(?:大(?:语言)?模型|语言模型|模型|智能)",
    # A name ends where Chinese begins.
    re.IGNORECASE | re.ASCII,
)
"""Names by which a model gives itself away, wherever they stand."""
INTRODUCED = re.compile(
    r"(?:我是|我叫|我名叫|我的名字[是叫]|也叫|叫我|这里是|作为|身为|由|出自)"
    rf"(?:一[个款名]|来自|你的|您的|AI|人工智能|助手|[ ，、“\"「（(]){{0,3}}(?P<zh>{WORDS})"
    r"|\b(?:I am|I['’]m|my name is|my name['’]s|call me|this is|here is)\s+(?:an?\s+|the\s+)?"
    rf"(?:AI\s+|assistant\s+|model\s+)?[\"“]?(?P<en>{WORDS})"
    rf"|\b(?:made|built|trained|created|developed|run|powered) by\s+(?P<by>{WORDS}|{EMPLOYERS})"
    r"|\bas (?:an?\s+|the\s+)?(?:AI\s+|model\s+)?[\"“]?"
    rf"(?P<role>{WORDS})(?=[\"”]?(?:[,;:]|\s+I\b))",
    re.IGNORECASE | re.ASCII,
)
"""The same of words that mean something else too: only where the speaker says who it is or who made it."""
HIDDEN = "…"
FIXED = re.compile(r"[\w./:-]*[0-9./:-][\w./:-]*")
"""What can only be a model's name; one that is a plain word is left, for it gives nothing away and may be meant."""


class Preference(BaseModel):
    """What the judge answers; the reason comes first, so that the word follows from it."""

    model_config = ConfigDict(extra="forbid")

    reason: str
    better: Literal["A", "B", "same"]


@dataclass(frozen=True, slots=True)
class Preferred:
    """A judge's word on two answers in one order; None where it could not be read, with the reason in `unscored`."""

    choice: Choice | None
    reason: str
    unscored: str = ""
    call: int | None = None


CHOICES: dict[str, Choice] = {"A": "first", "B": "second", "same": "same"}


def hide_speaker(text: str, names: Iterable[str]) -> str:
    """Return an answer without what tells whose it is: thoughts, tags around it, names of models and their makers."""
    return INTRODUCED.sub(_hide_name, hide_names(TAG.sub("", TAGGED.sub("", text)), names)).strip()


def hide_names(text: str, names: Iterable[str]) -> str:
    """Return a text without names that only models have; what may be a word or a person stands."""
    for name in sorted({name for name in names if FIXED.fullmatch(name)}, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", HIDDEN, text, flags=re.IGNORECASE | re.ASCII)
    return MAKERS.sub(HIDDEN, text)


def _hide_name(match: re.Match[str]) -> str:
    """Return what leads to the name, and the name no more; it stands last."""
    return match[0].removesuffix(match[match.lastgroup or 0]) + HIDDEN


async def prefer(cast: Cast, question: str, first: str, second: str) -> Preferred:
    """Ask for a preference; the answers are given as they may be shown, in this order."""
    head = load_prompt("compare/judge", cast.language)
    values = {"question": indent(question), "first": indent(first), "second": indent(second)}
    ask = load_prompt("compare/judge_ask", cast.language).render(**values)
    thread = [*cast.open_thread(head.render()), cast.ask_last(ask)]
    try:
        said, call = await cast.fill("critic", head.hash, thread, Preference)
    except ModelError as error:
        if error.kind not in UNREAD:
            raise
        return Preferred(None, "", str(error))
    return Preferred(CHOICES[said.better], said.reason, call=call)


def indent(text: str) -> str:
    """Return a text of which only the first line begins at the margin, so that none of it can pass for a heading."""
    return BREAK.sub("\n  ", text.strip())
