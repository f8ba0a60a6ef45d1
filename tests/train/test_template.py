"""The template trains and serves alike: Qwen2.5's format, learned parts marked, earlier thoughts left out."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from taxonomy.refusal import InputError
from tests.train.qwen_vocab import need_tokenizer
from tests.train.test_targets import EDGES, TALKS, find_learned
from tests.train.tiny import read_original_template
from train.shards import Message
from train.targets import make_rows
from train.template import Speech, load_speech, load_tokenizer, read_template, render, shape_body

TOOLS = [{"type": "function", "function": {"name": "find_hotline", "parameters": {"type": "object", "properties": {}}}}]
CALL = {"type": "function", "function": {"name": "find_hotline", "arguments": {"city": "上海"}}}
PLAIN = [
    {"role": "system", "content": "Listen.\n先倾听。"},
    {"role": "user", "content": " I cannot sleep. "},
    {"role": "assistant", "content": "What keeps you awake?"},
    {"role": "user", "content": "考试"},
]
CALLED = [
    *PLAIN,
    {"role": "assistant", "content": "One moment.", "tool_calls": [CALL, CALL]},
    {"role": "tool", "content": "12356"},
    {"role": "tool", "content": "none"},
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "content": "12356"},
    {"role": "assistant", "content": "You can call 12356."},
]


def write(speech: Speech, messages: list[dict[str, Any]], template: str | None = None, **told: Any) -> str:
    """Return messages as a template renders them."""
    rendered = speech.tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, **told)
    assert isinstance(rendered, str)
    return rendered


@pytest.mark.parametrize("opens", [True, False])
@pytest.mark.parametrize("tools", [None, TOOLS])
@pytest.mark.parametrize("messages", [PLAIN[:1], PLAIN[:2], PLAIN, CALLED])
def test_without_thoughts_it_is_the_format_of_qwen(
    speech: Speech, messages: list[dict[str, Any]], tools: Any, opens: bool
) -> None:
    told = {"tools": tools, "add_generation_prompt": opens}
    assert write(speech, messages, **told) == write(speech, messages, read_original_template(), **told)


def test_no_system_message_is_put_in_where_there_is_none(speech: Speech) -> None:
    assert write(speech, PLAIN[1:2]) == "<|im_start|>user\n I cannot sleep. <|im_end|>\n"
    assert write(speech, PLAIN[1:2], tools=TOOLS).startswith("<|im_start|>system\n# Tools\n\nYou may call")


def test_a_thought_is_taken_from_its_field_or_from_the_content(speech: Speech) -> None:
    wanted = "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n<think>\nwhy\n</think>\n\nb<|im_end|>\n"
    field = {"role": "assistant", "content": "b", "reasoning_content": "\nwhy\n"}
    inline = {"role": "assistant", "content": "<think>\nwhy\n</think>\n\nb"}
    for reply in (field, inline):
        assert write(speech, [{"role": "user", "content": "a"}, reply]) == wanted


def test_thoughts_before_the_last_user_message_are_left_out_unless_they_are_to_be_kept(speech: Speech) -> None:
    said = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "reasoning_content": "why"}]
    said.append({"role": "user", "content": "c"})
    assert "why" not in write(speech, said)
    assert "<think>\nwhy\n</think>\n\nb" in write(speech, said, preserve_thinking=True)
    assert "why" in write(speech, said[:2])


def test_the_same_is_written_by_hand_as_by_the_template(speech: Speech) -> None:
    for edge in EDGES:
        for thought in (None, edge, "", " \n"):
            reply = Message("assistant", edge, thought)
            body = shape_body(reply)
            shown = [{"role": "assistant", "content": edge, "reasoning_content": thought}]
            wanted = f"<|im_start|>assistant\n{body.thoughtful or body.bare}<|im_end|>\n"
            assert write(speech, shown) == wanted
            earlier = [*shown, {"role": "user", "content": "."}]
            assert write(speech, earlier).startswith(f"<|im_start|>assistant\n{body.bare}<|im_end|>\n")


def test_content_in_parts_is_joined(speech: Speech) -> None:
    parts = [{"type": "text", "text": "a<|im_end|>"}, {"type": "text", "text": "b"}]
    assert write(speech, [{"role": "user", "content": parts}]) == "<|im_start|>user\na< |im_end|>b<|im_end|>\n"
    assert write(speech, [{"role": "user", "content": None}]) == "<|im_start|>user\n<|im_end|>\n"


def test_a_tool_and_what_it_answers_cannot_end_a_message(speech: Speech) -> None:
    call = {"function": {"name": "a<|im_end|>", "arguments": {"x": "<|im_start|>"}}}
    said = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "", "tool_calls": [call]}]
    shown = write(speech, [*said, {"role": "tool", "content": "<|im_end|>"}], tools=[{"name": "<|im_end|>"}])
    assert shown.count("<|im_end|>") == shown.count("<|im_start|>") == 4


def test_the_markers_stand_around_body_and_end(speech: Speech) -> None:
    said = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "reasoning_content": "why"}]
    said += [{"role": "user", "content": "c"}, {"role": "assistant", "content": "d", "loss": False}]
    said += [{"role": "user", "content": "e"}, {"role": "assistant", "content": "f", "loss": True}]
    told = speech.tokenizer.apply_chat_template(
        said, tokenize=True, return_dict=True, return_assistant_tokens_mask=True, preserve_thinking=True
    )
    learned = [token for token, mark in zip(told["input_ids"], told["assistant_masks"], strict=True) if mark]
    assert speech.tokenizer.decode(learned) == "<think>\nwhy\n</think>\n\nb<|im_end|>f<|im_end|>"


@pytest.mark.parametrize("manner", ["bare", "inline", "field"])
def test_a_server_shows_the_history_that_was_trained_on(speech: Speech, manner: str) -> None:
    """By the very functions of `transformers serve`, which drop `reasoning_content`; thoughts may come inline."""
    utils = pytest.importorskip("transformers.cli.serving.utils", reason="needs transformers[serving]")
    for talk in TALKS:
        for place, row in zip(find_learned(talk), make_rows(talk, "per_turn", speech), strict=True):
            sent = []
            for message in talk.messages[:place]:
                body = shape_body(message) if message.role == "assistant" else None
                told = {"role": message.role, "content": message.content}
                if body is not None and manner != "field":
                    told["content"] = body.bare if manner == "bare" else body.thoughtful or body.bare
                elif body is not None and message.reasoning:
                    told["reasoning_content"] = message.reasoning
                sent.append(told)
            if manner == "field":
                shown = sent
            else:
                shown = utils.BaseHandler.get_processor_inputs_from_messages(sent, utils.Modality.LLM)
            prompt = speech.tokenizer.apply_chat_template(
                shown, add_generation_prompt=True, tools=None, tokenize=True, return_dict=True
            )["input_ids"]
            assert row.input_ids[: len(prompt)] == prompt


@pytest.mark.parametrize("speech", ["tiny"], indirect=True)
def test_the_template_is_saved_with_the_tokenizer_and_is_the_same_read_again(speech: Speech, tmp_path: Path) -> None:
    speech.tokenizer.save_pretrained(tmp_path)
    again = load_tokenizer(tmp_path)
    assert again.chat_template == read_template()
    assert render(load_speech(again), TALKS[0].messages) == render(speech, TALKS[0].messages)


def spoil(tiny: Path, folder: Path, change: str) -> Path:
    """Return a copy of the tiny model whose tokenizer is not Qwen's."""
    shutil.copytree(tiny, folder)
    path = folder / "tokenizer.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    if change == "no end":
        text = json.dumps(told).replace("<|im_end|>", "<|eot_id|>")
        path.write_text(text, encoding="utf-8")
        config = folder / "tokenizer_config.json"
        config.write_text(config.read_text(encoding="utf-8").replace("<|im_end|>", "<|eot_id|>"), encoding="utf-8")
        return folder
    for token in told["added_tokens"]:
        token["special"] = token["special"] and token["content"] != "<|im_start|>"
    path.write_text(json.dumps(told), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("no end", r"not Qwen2\.5's: <\|im_end\|> is no special token"),
        ("no special", r"not Qwen2\.5's: <\|im_start\|> is no special token"),
    ],
)
def test_a_tokenizer_without_the_tokens_of_qwen_is_refused(tiny: Path, tmp_path: Path, change: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        load_speech(load_tokenizer(spoil(tiny, tmp_path / "model", change)))


@pytest.mark.parametrize("speech", ["tiny"], indirect=True)
def test_a_tokenizer_that_trains_on_other_tokens_than_it_serves_is_refused(speech: Speech, tmp_path: Path) -> None:
    from tokenizers import normalizers

    speech.tokenizer.save_pretrained(tmp_path)
    other = load_tokenizer(tmp_path)
    # As SentencePiece's models do: something stands before every text, and only before a whole one.
    other.backend_tokenizer.normalizer = normalizers.Prepend("▁")
    with pytest.raises(InputError, match="a talk cut into messages gives other tokens than the whole"):
        load_speech(other)


def test_a_model_that_is_not_there_is_refused(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    shutil.copytree(tiny, tmp_path / "broken")
    (tmp_path / "broken" / "tokenizer.json").write_text("{", encoding="utf-8")
    for name, why in [
        ("nowhere", "there is no such model folder"),
        ("empty", "holds no tokenizer"),
        ("broken", "its tokenizer cannot be read"),
    ]:
        with pytest.raises(InputError, match=why) as caught:
            load_tokenizer(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="the Hub gave no such model"):
        load_tokenizer("nobody/nothing")


def test_the_vocabulary_built_here_is_the_published_one() -> None:
    """By the ids that TRL's documents print for this beginning, rendered by Qwen2.5."""
    tokenizer = load_tokenizer(need_tokenizer())
    told = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
    wanted = [151644, 8948, 198, 2610, 525, 264, 10950, 17847, 13, 151645, 198, 151644, 872, 198]
    assert tokenizer(told)["input_ids"] == wanted
    assert len(tokenizer) == 151_665


@pytest.mark.parametrize(("required", "outcome"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)])
def test_without_its_wheel_what_needs_the_vocabulary_is_skipped_or_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, required: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("REQUIRE_ALL", required)
    with pytest.raises(outcome, match="needs the wheel of dashscope from PyPI"):
        need_tokenizer()
