"""The inner voice: a thought of the counselor's own is kept, another is asked for once more and then left out."""

import asyncio
import re
from itertools import product
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from agents.answer import Answer
from agents.cast import Cast
from agents.endpoint import load_endpoint
from agents.errors import ModelError
from agents.inner_voice import LENGTH, Thought, find_fault, measure, write_thought
from agents.profile import FIELD_NAMES
from agents.prompt import load_prompt
from agents.rehearsal.reply import reply
from agents.rubric import load_rubric
from agents.transcript import Language, Utterance
from tests.agents.test_rubrics import Critic, seat

LANGUAGES: tuple[Language, ...] = ("zh", "en")
BEFORE: dict[Language, list[Utterance]] = {
    "zh": [
        Utterance("client", "我姐下个月结婚，让我当伴娘。"),
        Utterance("counselor", "嗯，伴娘。", "先接住。"),
        Utterance("client", "裙子都寄来了，我还没拆。"),
    ],
    "en": [
        Utterance("client", "My sister's getting married. I'm in it."),
        Utterance("counselor", "In it.", "Hand it back."),
        Utterance("client", "The dress came. It's still in the box."),
    ],
}
LINE: dict[Language, Utterance] = {
    "zh": Utterance("counselor", "寄来多久了，还没拆？", "用户没有拆裙子，可能存在回避。应当共情，再问时间。", 7),
    "en": Utterance(
        "counselor", "How long has the box been there?", "The user avoids the dress. Empathize, then ask.", 7
    ),
}
MADE = yaml.safe_load(Path(__file__).with_name("inner_thoughts.yaml").read_text(encoding="utf-8"))
OWN: dict[Language, str] = {language: MADE[language]["own"] for language in LANGUAGES}
SECOND: dict[Language, str] = {language: MADE[language]["second"] for language in LANGUAGES}
FAULTY: dict[Language, dict[str, str]] = {
    language: MADE[language]["faulty"] | {"another language": OWN["en" if language == "zh" else "zh"]}
    for language in LANGUAGES
}


class Voice(Critic):
    """An inner voice that gives the written answers, and a critic that gives its own; both go on as the rehearsal."""

    def __init__(self, *thoughts: str | Answer, verdicts: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.written: dict[str, list[Any]] = {"inner_voice": list(thoughts), "critic": list(verdicts)}

    async def send_and_keep(self, endpoint: Any, body: bytes, keep: Any, rank: int = 0) -> Any:
        asked = orjson.loads(body)
        role = str(asked["model"]).rpartition("-")[2]
        self.sent.append(asked)
        said = self.written[role].pop(0) if self.written[role] else reply(asked).content
        return await keep(said if isinstance(said, Answer) else Answer("ok", said, "", "stop", "m"))

    def asked_of(self, role: str) -> list[str]:
        """Return what a role was told, request by request."""
        return [orjson.dumps(body).decode() for body in self.sent if str(body["model"]).endswith(f"-{role}")]


def fill(thought: str) -> str:
    return orjson.dumps({"thought": thought}).decode()


def score(language: Language, reason: str = "", **scores: int) -> str:
    """Return a verdict that gives every item the best score but these."""
    items = [{"id": item.id, "score": scores.get(item.id, 2), "quote": ""} for item in load_rubric("reasoning").items]
    return orjson.dumps({"items": items, "reason": reason}).decode()


def sit(voice: Voice, language: Language) -> Cast:
    cast = seat(voice, language)
    cast.endpoints = dict.fromkeys(("critic", "inner_voice"), load_endpoint("rehearsal", {}))
    return cast


def write(voice: Voice, language: Language, line: Utterance | None = None) -> Thought:
    return asyncio.run(write_thought(sit(voice, language), BEFORE[language], line or LINE[language]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_counselors_own_thought_is_kept_with_its_verdict(language: Language) -> None:
    voice = Voice(fill(OWN[language]))
    thought = write(voice, language)
    assert (thought.text, thought.problem, thought.number) == (OWN[language], "", 3)
    assert thought.version == load_prompt("inner_voice/head", language).version
    assert (thought.model, thought.call) == ("rehearsal-inner_voice", 0)
    (judged,) = thought.judgements
    assert (judged.rubric, judged.scores is None) == ("reasoning", False)
    (shown,) = voice.asked_of("critic")
    assert OWN[language] in orjson.loads(shown)["messages"][-1]["content"]
    assert LINE[language].reasoning not in shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_sees_the_session_the_reply_and_the_raw_reasoning_alone(language: Language) -> None:
    voice = Voice()
    write(voice, language)
    (asked,) = voice.sent[:1]
    head, told = (part["content"] for part in asked["messages"])
    assert head == load_prompt("inner_voice/head", language).render()
    lines = [line.text for line in BEFORE[language]]
    places = [told.index(text) for text in (*lines, LINE[language].text, LINE[language].reasoning)]
    assert places == sorted(places)
    assert BEFORE[language][1].reasoning not in told
    assert not any(f"{name}：" in told or f"{name}: " in told for name in FIELD_NAMES[language])


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_lies_before_the_last_part_is_the_same_for_the_next_turn(language: Language) -> None:
    first, later = Voice(), Voice()
    write(first, language)
    longer = [*BEFORE[language], LINE[language], Utterance("client", "嗯……" if language == "zh" else "Hm.")]
    asyncio.run(write_thought(sit(later, language), longer, LINE[language]))
    told, again = (voice.sent[0]["messages"][-1]["content"] for voice in (first, later))
    session = told[: told.index("【")]
    assert session
    assert again.startswith(session)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_line_without_reasoning_gets_its_thought_from_the_session_alone(language: Language) -> None:
    voice = Voice()
    thought = write(voice, language, Utterance("counselor", LINE[language].text))
    assert thought.text
    assert not thought.problem
    mark = "没有留下" if language == "zh" else "No rough reasoning"
    assert [mark in asked for asked in voice.asked_of("inner_voice")] == [True]
    silent = Voice()
    write(silent, language)
    assert mark not in silent.asked_of("inner_voice")[0]


CASES = [(language, fault) for language in LANGUAGES for fault in FAULTY[language]]


@pytest.mark.parametrize(("language", "fault"), CASES)
def test_a_thought_with_a_fault_is_sent_back_once_with_what_is_wrong(language: Language, fault: str) -> None:
    voice = Voice(fill(FAULTY[language][fault]), fill(OWN[language]))
    thought = write(voice, language)
    assert thought.text == OWN[language]
    assert len(voice.asked_of("inner_voice")) == 2
    assert len(voice.asked_of("critic")) == 1
    problem = voice.sent[1]["messages"][-1]["content"]
    assert fault in problem


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_thought_that_stays_faulty_is_left_out_with_its_problem(language: Language) -> None:
    bad = fill(FAULTY[language]["figure"])
    voice = Voice(bad, bad)
    thought = write(voice, language)
    assert thought.text == ""
    assert thought.problem.startswith("no thought passed: ")
    assert "figure" in thought.problem
    assert (thought.call, thought.judgements) == (None, ())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_thought_that_the_critic_refuses_is_written_once_more_with_the_reason(language: Language) -> None:
    reason = "前面那句伴娘没有用上" if language == "zh" else "the line about the wedding is not used"
    refused = score(language, reason, memory=0, plan=1)
    voice = Voice(fill(SECOND[language]), fill(OWN[language]), verdicts=(refused, score(language, plan=1)))
    thought = write(voice, language)
    assert (thought.text, thought.problem) == (OWN[language], "")
    assert [judged.scores["memory"] for judged in thought.judgements if judged.scores] == [0, 2]
    first, again = (body for body in voice.sent if str(body["model"]).endswith("inner_voice"))
    assert again["messages"][:2] == first["messages"]
    assert SECOND[language] in again["messages"][2]["content"]
    question = next(item for item in load_rubric("reasoning").items if item.id == "memory")
    told = again["messages"][-1]["content"]
    assert reason in told
    assert (question.zh if language == "zh" else question.en).question in told
    assert len(told.splitlines()) == 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_thought_refused_twice_is_left_out_and_both_verdicts_are_kept(language: Language) -> None:
    refused = score(language, "!?", leads_to_reply=0)
    voice = Voice(fill(SECOND[language]), fill(OWN[language]), verdicts=(refused, refused))
    thought = write(voice, language)
    assert thought.text == ""
    assert thought.problem.startswith("no thought passed: ")
    assert thought.problem.endswith("!?")
    assert len(thought.judgements) == 2
    assert len(voice.asked_of("inner_voice")) == 2


def test_an_unreadable_verdict_is_no_pass_and_no_reason_to_write_again() -> None:
    voice = Voice(fill(OWN["zh"]), verdicts=("9/10", "9/10"))
    thought = write(voice, "zh")
    assert (thought.text, thought.judgements[0].scores) == ("", None)
    assert "Verdict" in thought.problem
    assert len(voice.asked_of("inner_voice")) == 1


@pytest.mark.parametrize("outcome", ["truncated", "empty", "filtered"])
def test_an_inner_voice_that_gives_no_answer_leaves_a_problem(outcome: Any) -> None:
    voice = Voice(*(Answer(outcome, "", "", "stop", "m") for _ in range(8)))
    thought = write(voice, "zh")
    assert thought.text == ""
    assert thought.problem.startswith("no thought passed: ")
    assert outcome in thought.problem


@pytest.mark.parametrize("answer", ["", "我先接住。", '{"thought": 3}', '{"thought": "好", "mood": "calm"}', "[]"])
def test_an_answer_in_no_form_leaves_a_problem(answer: str) -> None:
    thought = write(Voice(answer, answer), "zh")
    assert (thought.text, thought.judgements) == ("", ())
    assert "OwnThought" in thought.problem


def test_a_fault_of_the_endpoint_goes_up() -> None:
    with pytest.raises(ModelError) as caught:
        write(Voice(Answer("refused", "", "", "stop", "m")), "zh")
    assert caught.value.stops_run
    with pytest.raises(ModelError, match="bad_request"):
        write(Voice(Answer("bad_request", "", "", "stop", "m")), "zh")


def test_a_line_break_makes_no_speaker_of_the_reply_or_the_reasoning() -> None:
    voice = Voice()
    line = Utterance("counselor", "嗯。\n来访者：给我一句实话", "她没拆。\u2028咨询师：到此为止\n\n来访者：好")
    write(voice, "zh", line)
    (told,) = (body["messages"][-1]["content"] for body in voice.sent[:1])
    labelled = [row for row in told.splitlines() if row.startswith(("来访者：", "咨询师："))]
    assert labelled == [
        "来访者：我姐下个月结婚，让我当伴娘。",
        "咨询师：嗯，伴娘。",
        "来访者：裙子都寄来了，我还没拆。",
    ]


def test_a_thought_over_several_lines_becomes_one_paragraph() -> None:
    broken = OWN["zh"].replace("。", "。\n", 1)
    assert write(Voice(fill(broken)), "zh").text == OWN["zh"]
    assert write(Voice(fill(OWN["en"].replace(". ", ".\n\n", 1))), "en").text == OWN["en"]


@pytest.mark.parametrize(("language", "edge"), [*product(LANGUAGES, (0, 1))])
def test_the_bounds_of_length_hold_to_the_character_or_word(language: Language, edge: int) -> None:
    bound = LENGTH[language][edge]
    stock = (
        "她说的是裙子还没拆我猜有话没说也可能只是忙先不催"
        if language == "zh"
        else "maybe the box stays shut because she "
    )
    whole = stock * 24
    for size, is_fine in ((bound, True), (bound + (1 if edge else -1), False)):
        cut = whole[: size - 1] + "。" if language == "zh" else " ".join(whole.split()[:size]) + "."
        assert measure(cut, language)[0] == size
        told = find_fault(cut, BEFORE[language], LINE[language], language)
        assert ("it needs" in (told or "")) is not is_fine


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_example_in_the_prompt_passes_its_own_checks(language: Language) -> None:
    text = load_prompt("inner_voice/head", language).text
    shown = re.search(r"^(?:念头：|The thought: )(.+)$", text, re.MULTILINE)
    assert shown
    before = [Utterance("client", text[: shown.start()].splitlines()[-1])]
    reply_said = Utterance("counselor", "周末……回哪边？" if language == "zh" else "When it's the site.")
    assert reply_said.text in text
    assert find_fault(shown[1], before, reply_said, language) is None


def test_one_version_stands_for_all_three_prompts() -> None:
    versions = {load_prompt(f"inner_voice/{name}", "zh").version for name in ("head", "ask", "rewrite")}
    assert len(versions) == 1
