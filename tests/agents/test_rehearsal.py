"""The rehearsal model: pure answers on every road, sound lines, faults, variety."""

import asyncio
import json
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from random import Random
from typing import Any

import httpx2
import orjson
import pytest

from agents.cast import ROLES
from agents.profile import FIELD_NAMES, ClientProfile
from agents.rehearsal.app import create_app
from agents.rehearsal.faults import FAULTS
from agents.rehearsal.phrases import load_phrases
from agents.rehearsal.reply import Reply, reply
from agents.transcript import Language

LANGUAGES: tuple[Language, ...] = ("zh", "en")
SCENES = {
    "zh": (
        "宿舍与同学关系",
        "论文与科研",
        "负荷与加班",
        "裁员与失业",
        "分手失恋",
        "育儿与亲子",
        "睡眠与身体信号",
        "独居与漂泊",
    ),
    "en": (
        "Dorm and classmates",
        "Thesis and research",
        "Workload and overtime",
        "Layoff",
        "Breakup",
        "Parenting",
        "Sleep",
        "Living alone",
    ),
}
FEELINGS = {
    "zh": ("焦虑", "悲伤", "低落", "愤怒", "羞耻", "内疚", "耗竭"),
    "en": ("Anxiety", "Sadness", "Despondency", "Anger", "Shame", "Guilt", "Exhaustion"),
}
STYLES = ("plain", "terse", "rambling", "bodily", "guarded", "ironic")
HEADS = {
    "zh": ("你是来访者，照下面这个人说话。", "你是心理咨询师，说话短，用来访者的词。", "请开口。"),
    "en": (
        "You are the client described here.",
        "You are a counselor. Speak plainly and briefly.",
        "You may begin.",
    ),
}
STAGES = {
    "zh": {
        "exploring": "现在进入探索阶段。",
        "working": "现在进入工作阶段。",
        "closing": "现在进入收尾阶段。",
    },
    "en": {
        "exploring": "Stage: exploring.",
        "working": "Stage: working.",
        "closing": "Stage: closing.",
    },
}
BANNED = ("听起来", "我理解", "我能理解", "我明白", "It sounds like", "I hear you", "I understand")
ENDS = re.compile(r"[。！？!?….\n]+")


def make_body(role: str, parts: list[tuple[str, str]], seed: int = 1, **more: Any) -> dict[str, Any]:
    messages: list[dict[str, str]] = []
    for speaker, text in parts:
        if messages and messages[-1]["role"] == speaker:
            messages[-1]["content"] += "\n\n" + text
        else:
            messages.append({"role": speaker, "content": text})
    return {"model": f"rehearsal-{role}", "messages": messages, "seed": seed, **more}


def make_profile(number: int, language: Language, risk: str = "none") -> ClientProfile:
    scene = SCENES[language][number % len(SCENES[language])]
    feeling = FEELINGS[language][number % len(FEELINGS[language])]
    age = 16 + number % 50
    words = (
        f"情绪：{feeling}\n场景：{scene}\n年龄：{age}\n性别：女\n说话：{STYLES[number % 6]}\n风险：{risk}"
        if language == "zh"
        else f"Feeling: {feeling}\nScene: {scene}\n"
        f"Age: {age}\nGender: female\nStyle: {STYLES[number % 6]}\nRisk: {risk}"
    )
    head = "为来访者写一份档案。" if language == "zh" else "Write the profile of a client."
    answer = reply(make_body("intake", [("system", head), ("user", words)], number))
    return ClientProfile.model_validate_json(answer.content)


def play_session(number: int, language: Language, risk: str = "none") -> tuple[ClientProfile, list[Reply]]:
    """Play a session as the flagship recipe does; the lines begin with the client's."""
    draw = Random(number)
    profile = make_profile(number, language, risk)
    client_head, counselor_head, opening = HEADS[language]
    colon = "：" if language == "zh" else ": "
    values = profile.model_dump()
    fields = [f"- {label}{colon}{values[key]}" for key, label in FIELD_NAMES[language].items() if values[key]]
    client = [("system", "\n".join([client_head, *fields])), ("user", opening)]
    counselor = [("system", counselor_head)]
    planned = draw.randint(8, 20)
    stages = {2: "exploring", planned // 2: "working", planned - 3: "closing"}
    lines = []
    for exchange in range(planned):
        said = reply(make_body("client", client, number))
        counselor.append(("user", said.content))
        if exchange in stages:
            counselor.append(("user", STAGES[language][stages[exchange]]))
        answered = reply(make_body("counselor", counselor, number))
        counselor.append(("assistant", answered.content))
        client += [("assistant", said.content), ("user", answered.content)]
        lines += [said, answered]
    return profile, lines


@pytest.fixture(scope="module", params=LANGUAGES)
def sessions(
    request: pytest.FixtureRequest,
) -> tuple[Language, list[tuple[ClientProfile, list[Reply]]]]:
    return request.param, [play_session(number, request.param) for number in range(100)]


def mask(text: str, profile: ClientProfile) -> str:
    said = [str(value) for value in profile.model_dump().values()]
    pieces = {piece.strip() for value in said for piece in re.split(r"[，。；,.;“”\"]+", value)}
    for piece in sorted(pieces, key=len, reverse=True):
        if len(piece) > 2:
            text = text.replace(piece, "■")
    return unicodedata.normalize("NFKC", text)


def test_counselor_lines_are_sound(
    sessions: tuple[Language, list[tuple[ClientProfile, list[Reply]]]],
) -> None:
    language, played = sessions
    lines = [line for _, said in played for line in said[1::2]]
    assert all(line.reasoning and line.content for line in lines)
    assert not [line.content for line in lines if line.content.startswith(BANNED)]
    assert not [line.content for line in lines if re.search(r"\d|建议|研究|首先|其次|\n", line.content)]
    stacked = sum(line.content.count("？") + line.content.count("?") > 1 for line in lines)
    assert 0 < stacked < 0.05 * len(lines)
    longest = 140 if language == "zh" else 480
    assert max(len(line.content) for line in lines) <= longest
    if language == "zh":
        assert all(40 <= len(line.reasoning) <= 130 for line in lines)


def test_clients_answer_briefly_at_times_and_hardly_thank(
    sessions: tuple[Language, list[tuple[ClientProfile, list[Reply]]]],
) -> None:
    language, played = sessions
    lines = [line.content for _, said in played for line in said[0::2]]
    short = sum(len(line) <= 8 if language == "zh" else len(line.split()) <= 3 for line in lines)
    assert 0.08 < short / len(lines) < 0.4
    assert sum("谢" in line or "thank" in line.lower() for line in lines) < 0.05 * len(lines)


def test_the_innermost_layer_comes_late_or_never(
    sessions: tuple[Language, list[tuple[ClientProfile, list[Reply]]]],
) -> None:
    _, played = sessions
    told = 0
    for profile, said in played:
        early = " ".join(line.content for line in said[:10:2])
        assert profile.hidden[2:12] not in early
        told += any(profile.hidden[2:10] in line.content for line in said)
    assert told < 0.7 * len(played)


def test_no_line_wears_out(
    sessions: tuple[Language, list[tuple[ClientProfile, list[Reply]]]],
) -> None:
    language, played = sessions
    count: Counter[str] = Counter()
    grams = []
    for profile, said in played:
        lines = [mask(line.content, profile) for line in said]
        count.update({sentence.strip() for line in lines[1::2] for sentence in ENDS.split(line)} - {""})
        grams.append({line[at : at + 5] for line in lines for at in range(len(line) - 4)})
    assert count.most_common(1)[0][1] <= 8, count.most_common(5)
    shared = max(len(a & b) / min(len(a), len(b)) for a, b in combinations(grams, 2))
    assert shared < (0.5 if language == "zh" else 0.62)


def test_the_counselor_says_nothing_twice(
    sessions: tuple[Language, list[tuple[ClientProfile, list[Reply]]]],
) -> None:
    _, played = sessions
    for _, said in played:
        lines = [line.content for line in said[1::2] if len(line.content) > 12]
        assert len(lines) - len(set(lines)) <= 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_risk_is_hinted_at_in_the_middle_and_answered_with_listed_numbers_only(
    language: Language,
) -> None:
    whisper = (
        "现在是危机。热线：12356（每日不少于18小时）" if language == "zh" else "This is a crisis. Lines: 988 (24/7)"
    )
    number = "12356" if language == "zh" else "988"
    profile = make_profile(3, language, "active")
    assert profile.risk
    hint = "其实我想过不想活了。" if language == "zh" else "I've thought of wanting to die."
    parts = [("system", HEADS[language][1]), ("user", hint), ("user", whisper)]
    told = ""
    for turn in range(11):
        said = reply(make_body("counselor", parts))
        if turn == 0:
            assert (
                re.search("自杀|死", said.content)
                if language == "zh"
                else "suicide" in said.content or "kill" in said.content
            )
        told += said.content
        answer = "我姐吧，可我不想吓着她。" if language == "zh" else "My sister, maybe, but I don't want to scare her."
        parts += [("assistant", said.content), ("user", answer)]
    assert set(re.findall(r"\d{3,}", told)) == {number}
    assert "我姐" not in told
    assert "你姐" in told or "your sister" in told


def test_a_profile_fits_its_cell() -> None:
    for language in LANGUAGES:
        profile = make_profile(1, language)
        assert profile.age == 17
        assert profile.risk == ""
        assert profile.gender in ("女", "female")


@pytest.mark.parametrize("language", LANGUAGES)
def test_stage_chooses_only_among_the_moves_it_is_offered(language: Language) -> None:
    label = ("来访者：", "咨询师：") if language == "zh" else ("Client: ", "Counselor: ")
    head = "判断会谈的阶段。" if language == "zh" else "Judge the stage of the session."
    for moves in (["stay"], ["stay", "advance"], ["stay", "end"], ["stay", "advance", "step_back"]):
        for seed in range(20):
            parts = [
                ("system", head),
                ("user", label[0] + "嗯。"),
                ("user", label[1] + "后来呢？"),
                ("user", f"moves: {moves}"),
            ]
            chosen = json.loads(reply(make_body("stage", parts, seed)).content)
            assert chosen["move"] in moves
            assert chosen["reason"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_risk_is_read_from_the_clients_words_and_quoted(language: Language) -> None:
    label = "来访者：" if language == "zh" else "Client: "
    head = "读来访者的话里有没有危险。" if language == "zh" else "Read the client's words for danger."
    line = (
        "也没啥，有时候想，睡过去就好了。" if language == "zh" else "Well, sometimes I'd rather not wake up, you know."
    )
    read = json.loads(reply(make_body("risk", [("system", head), ("user", label + line), ("user", "?")])).content)
    assert (read["kind"], read["level"]) == ("self_harm", "passive")
    assert read["quote"] in line


def test_an_unknown_form_is_filled_by_its_schema() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"enum": ["x"]}}}
    form = {"type": "json_schema", "json_schema": {"name": "Strange", "schema": schema}}
    body = {
        "model": "rehearsal",
        "messages": [{"role": "user", "content": "hi"}],
        "response_format": form,
    }
    assert json.loads(reply(body).content) == {"a": 1, "b": "x"}


def test_no_bank_has_a_broken_line() -> None:
    for language in LANGUAGES:
        phrases = load_phrases(language)
        assert len(phrases.topics) > 15
        assert len(phrases.counselor) > 25
        assert set(phrases.doing) >= set(phrases.counselor) - {
            "welcome_q",
            "closing_q",
            "second_question",
        }


async def post(app: Any, body: dict[str, Any]) -> httpx2.Response:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://rehearsal") as client:
        return await client.post("/v1/chat/completions", content=orjson.dumps(body))


def test_usage_tells_what_repeats() -> None:
    app = create_app()
    body = make_body("counselor", [("system", "咨询师的规矩。" * 60), ("user", "睡不着。")])
    first = asyncio.run(post(app, body)).json()
    second = asyncio.run(post(app, body)).json()
    assert first["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    assert second["usage"]["prompt_tokens_details"]["cached_tokens"] % 64 == 0
    assert second["usage"]["prompt_tokens_details"]["cached_tokens"] > 0
    assert first["choices"] == second["choices"]
    assert first["system_fingerprint"] == "rehearsal-1"
    assert first["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "hang"])
def test_every_fault_can_be_played(fault: str) -> None:
    app = create_app(fault_rate=1.0, faults=(fault,))
    answer = asyncio.run(post(app, make_body("counselor", [("system", "你是咨询师。"), ("user", "睡不着，心慌。")])))
    sound = answer.status_code == 200
    if sound:
        try:
            message = answer.json()["choices"][0]
            sound = message["finish_reason"] == "stop" and bool(message["message"]["content"].strip())
            sound = (
                sound
                and "<think>" not in message["message"]["content"]
                and "\ud83d" not in message["message"]["content"]
            )
        except (ValueError, KeyError, IndexError, TypeError):
            sound = False
    # Slow, odd or large, and an answer all the same to a client that reads without limits.
    assert sound == (fault in ("keep_alive", "drip", "no_usage", "extra_keys", "nul", "oversized", "gzip_bomb"))


def test_faults_hit_the_same_requests_each_time() -> None:
    bodies = [make_body("counselor", [("system", "你是咨询师。"), ("user", f"第{n}回了。")]) for n in range(30)]
    rounds = []
    for _ in range(2):
        app = create_app(fault_rate=0.4, faults=("server_error",), seed=5)
        rounds.append([asyncio.run(post(app, body)).status_code for body in bodies * 2])
    assert rounds[0] == rounds[1]
    assert 500 in rounds[0]
    assert rounds[0][:30] != rounds[0][30:]


@pytest.fixture
def port() -> Iterator[int]:
    command = [sys.executable, "-m", "agents.rehearsal", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r":(\d+)/v1", process.stdout.readline())
        assert found is not None
        yield int(found.group(1))
    finally:
        process.terminate()
        process.wait(10)


def test_a_port_gives_byte_for_byte_what_the_process_gives(port: int) -> None:
    app = create_app()
    bodies = [
        make_body(role, [("system", "你是这里的人。"), ("user", "最近睡不着，我妈把门锁了。")], seed)
        for role in ("counselor", "inner_voice", "client", "intake", "memory", "risk", "stage", "critic")
        for seed in range(3)
    ]
    for body in bodies:
        served = httpx2.post(f"http://127.0.0.1:{port}/v1/chat/completions", content=orjson.dumps(body))
        assert served.content == asyncio.run(post(app, body)).content
    assert len(httpx2.get(f"http://127.0.0.1:{port}/v1/models").json()["data"]) == 1 + len(ROLES)
