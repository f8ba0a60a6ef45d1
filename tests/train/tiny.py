"""Builds a model of Qwen2's architecture small enough to train in seconds, with a tokenizer of Qwen2.5's own kind."""

import importlib.util
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""By which Qwen2.5's tokenizer cuts a text before merging."""
SPECIAL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
    "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip
ADDED = (
    "<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>",
    "<|repo_name|>", "<|file_sep|>",
)  # fmt: skip
"""The tokens that Qwen2.5 adds to its vocabulary, in the order of their ids; those of ADDED are not special."""
MERGED = 768
"""Bytes and merges at most; the texts below give 632."""

TALKS = (
    "system user assistant tool",
    "You are a counselor. Listen first, and ask one question at a time.",
    "<think>\nShe sounds tired. I name the feeling before anything else.\n</think>\n\nThat sounds like a lot to carry.",
    "I have not slept well since the exams began, and I keep thinking that I will fail.",
    "What goes through your mind when you lie awake?",
    "你是一位心理咨询师。先倾听，一次只问一个问题。",
    "<think>\n来访者很疲惫，我先回应情绪，再慢慢了解发生了什么。\n</think>\n\n听起来这段时间你真的很不容易。",
    "最近我总是睡不好，一想到考试就很焦虑。",
    "能和我说说，最难受的是什么时候吗？",
)


def list_texts() -> Iterator[str]:
    """Yield what the merges are learned from."""
    for _ in range(50):
        yield from TALKS
    for number in range(200):
        yield f"Day {number}: I felt {number % 10} of 10, slept {number % 9} hours. 第{number}天，心情{number % 10}分。"


def set_cutting(tokenizer: "Tokenizer") -> None:
    """Have a tokenizer compose and cut a text into words as Qwen2.5's does."""
    from tokenizers import Regex, decoders, normalizers, pre_tokenizers

    cut = pre_tokenizers.Split(Regex(PATTERN), behavior="isolated")
    as_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([cut, as_bytes])
    tokenizer.decoder = decoders.ByteLevel()


def wrap_tokens(tokenizer: "Tokenizer") -> "PreTrainedTokenizerFast":
    """Return byte-level merges as Qwen2.5's tokenizer: its cutting, its added tokens, its chat template."""
    from tokenizers import AddedToken
    from transformers import PreTrainedTokenizerFast

    set_cutting(tokenizer)
    tokenizer.add_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in ADDED])
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>", model_max_length=131072,
        clean_up_tokenization_spaces=False,
    )  # fmt: skip
    wrapped.chat_template = read_original_template()
    return wrapped


def read_original_template() -> str:
    """Return the chat template that Qwen2.5 was released with, as TRL carries it."""
    found = importlib.util.find_spec("trl")
    assert found is not None
    assert found.origin is not None
    return (Path(found.origin).parent / "chat_templates" / "qwen2_5.jinja").read_text(encoding="utf-8")


def train_tokenizer(texts: Iterable[str] | None = None, merged: int = MERGED) -> "PreTrainedTokenizerFast":
    """Return a tokenizer with merges of its own, learned from the texts above or from others."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    set_cutting(tokenizer)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=merged, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(list_texts() if texts is None else texts, trainer)
    return wrap_tokens(tokenizer)


def make_tiny(folder: Path, texts: Iterable[str] | None = None, merged: int = MERGED) -> Path:
    """Write model and tokenizer into a folder that does not exist yet, whole or not at all; returns it.

    It samples as the released Qwen2.5-0.5B-Instruct does.
    """
    import torch
    from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM

    made = folder.with_name(f".{folder.name}")
    shutil.rmtree(made, ignore_errors=True)
    tokenizer = train_tokenizer(texts, merged)
    tokenizer.save_pretrained(made)
    end, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
    config = Qwen2Config(
        vocab_size=(len(tokenizer) + 63) // 64 * 64, hidden_size=64, intermediate_size=176, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=4096, rms_norm_eps=1e-6,
        tie_word_embeddings=True, use_sliding_window=False, bos_token_id=pad, eos_token_id=end, pad_token_id=pad,
        dtype="float32",
    )  # fmt: skip
    state = torch.get_rng_state()
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(config)
    torch.set_rng_state(state)
    model.generation_config = GenerationConfig(
        bos_token_id=pad, pad_token_id=pad, eos_token_id=[end, pad], do_sample=True, repetition_penalty=1.1,
        temperature=0.7, top_p=0.8, top_k=20,
    )  # fmt: skip
    model.save_pretrained(made)
    made.rename(folder)
    return folder
