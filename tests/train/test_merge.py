"""A merged model says what base and adapter say together, and stands alone."""

from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from taxonomy.refusal import InputError, Refusal
from train.merge import merge_adapter
from train.template import load_speech, read_template

IDS = torch.tensor([[1, 400, 23, 77, 512, 600, 3, 2]])


@pytest.fixture(scope="module")
def adapter(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an adapter with weights of its own, and the tokenizer with our template beside it."""
    folder = tmp_path_factory.mktemp("adapter")
    torch.manual_seed(3)
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32),
        LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    for name, weight in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=0.1)
    model.save_pretrained(folder)
    load_speech(AutoTokenizer.from_pretrained(tiny)).tokenizer.save_pretrained(folder)
    return folder


def say(model: torch.nn.Module) -> torch.Tensor:
    """Return the scores of a line of tokens."""
    with torch.no_grad():
        scores: torch.Tensor = model.eval()(IDS).logits
    return scores


def test_the_merged_model_gives_the_scores_of_base_and_adapter(tiny: Path, adapter: Path, tmp_path: Path) -> None:
    base = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    alone = say(base)
    together = say(PeftModel.from_pretrained(base, adapter))
    merge_adapter(adapter, tmp_path / "merged")
    merged = say(AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype=torch.float32))
    again = say(AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype=torch.float32))
    assert (together - alone).abs().max() > 0.1
    assert (merged - together).abs().max() < 1e-5
    assert torch.equal(merged, again)


def test_tokenizer_and_template_go_along_and_nothing_of_the_adapter(adapter: Path, tmp_path: Path) -> None:
    merged = tmp_path / "models" / "merged"
    merge_adapter(adapter, merged, "bfloat16")
    assert AutoTokenizer.from_pretrained(merged).chat_template == read_template()
    assert not list(merged.glob("adapter*"))
    assert (merged / "generation_config.json").is_file()
    model = AutoModelForCausalLM.from_pretrained(merged, dtype="auto")
    assert model.dtype == torch.bfloat16


def test_a_folder_that_is_there_is_left_as_it_is(adapter: Path, tmp_path: Path) -> None:
    (tmp_path / "merged").mkdir()
    with pytest.raises(InputError, match="is there already and is left as it is"):
        merge_adapter(adapter, tmp_path / "merged")
    assert list((tmp_path / "merged").iterdir()) == []
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="its folder cannot be made"):
        merge_adapter(adapter, tmp_path / "file" / "merged")


def test_what_is_no_adapter_is_refused(tiny: Path, adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no adapter_config"):
        merge_adapter(tiny, tmp_path / "merged")
    with pytest.raises(InputError, match="there is no such folder"):
        merge_adapter(tmp_path / "gone", tmp_path / "merged")
    with pytest.raises(InputError, match="is not there; name where it is with --base"):
        merge_adapter(adapter, tmp_path / "merged", base=str(tmp_path / "gone"))
    assert list(tmp_path.iterdir()) == []


def test_a_base_of_another_size_is_refused_and_leaves_nothing(tiny: Path, adapter: Path, tmp_path: Path) -> None:
    config = AutoModelForCausalLM.from_pretrained(tiny).config
    config.hidden_size, config.num_attention_heads, config.num_key_value_heads = 32, 2, 2
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "small")
    with pytest.raises(Refusal, match="does not fit"):
        merge_adapter(adapter, tmp_path / "merged", base=str(tmp_path / "small"))
    assert {path.name for path in tmp_path.iterdir()} == {"small"}
