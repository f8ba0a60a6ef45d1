"""What tells a judge whose words they are is taken out; everyday words and people's names are not."""

import pytest

from agents.pairwise import hide_names, hide_speaker

NAMES = ["rehearsal-tuned", "rehearsal-tuned-counselor", "base"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("我是豆包，你慢慢说。", "我是…，你慢慢说。"),
        ("我是由百度开发的文心大模型。", "我是由…开发的…。"),
        ("作为混元，我陪你聊。", "作为…，我陪你聊。"),
        ("我叫Kimi，由月之暗面开发。", "我叫…，由…开发。"),
        ("我是百川大模型。", "我是…。"),
        ("我是零一万物的Yi-34B-Chat。", "我是…的…。"),
        ("这里是书生·浦语和EmoLLM。", "这里是…和…。"),
        ("我是rehearsal-tuned-counselor，心镜。", "我是…，…。"),
        ("I'm Claude, and I am listening.", "I'm …, and I am listening."),
        ("I am Grok.", "I am …."),
        ("As Gemini, I can't feel it.", "As …, I can't feel it."),
        ("I was made by Google.", "I was made by …."),
        ("My name is Ernie, call me Yi.", "My name is …, call me …."),
        ("Claude 3.5 Sonnet and ERNIE-4.0, Llama-3-8B and InternLM2.", "… Sonnet and …, … and …."),
        ("I’m MiniMax, not Baichuan2-13B.", "I’m …, not …."),
    ],
)
def test_a_model_that_says_who_it_is_is_hidden(text: str, shown: str) -> None:
    assert hide_speaker(text, NAMES) == shown


@pytest.mark.parametrize(
    "text",
    [
        "早上起来吃个豆包，再出门走走。",
        "海纳百川，可你的心不是海。",
        "你的心里混元一片，像起了雾。",
        "你说文心班的同学都不理你。",
        "你在百度查了一夜，在腾讯上班的那个他没回。",
        "看看天上的星火和元宝。",
        "You told Claude about it, and Claude laughed.",
        "As Claude said, it takes two.",
        "Your Gemini horoscope said so; you grok it.",
        "Ernie and Yi are your friends, and you work at Google.",
        "You drew a llama. Gemma called you after the moonshot talk.",
        "I am meta about it: I'm sorry.",
    ],
)
def test_words_and_people_stand(text: str) -> None:
    assert hide_speaker(text, NAMES) == text


def test_in_a_clients_line_only_names_of_models_are_hidden() -> None:
    assert hide_names("我是豆包的妈妈，I'm Claude. rehearsal-tuned-counselor，你是ChatGPT吗？", NAMES) == (
        "我是豆包的妈妈，I'm Claude. …，你是…吗？"
    )
