"""No secret reaches the database, the terminal or a job's folder: neither what is asked for nor what is said last."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from store.db import Database, open_db
from store.jobs import add_job, end_job, find_job
from taxonomy.lines import parse_yaml
from taxonomy.refusal import InputError
from tests.databases import make_database
from tests.train.made_jobs import launch, make_shards, write_config
from train.job.command import World
from train.job.ending import Ending, judge_seen, judge_unseen
from train.job.folder import JobFolder
from train.job.log import mask
from train.job.order import Order, make_holder, make_row, verify_shards
from train.job.reason import find_reason, make_line
from train.job.secrets import check_config, check_words

HUB, KEY, VALUE = "hf_" + "A1b2C3d4E5f6", "sk-" + "live4567890123", "s3cretValue"


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """Yield an empty database on PostgreSQL, which takes no NUL."""
    address = request.getfixturevalue("postgres")
    engine = open_db(f"postgresql://factory@{address}/{make_database(address)}")
    yield engine
    engine.dispose()


def judge_both(folder: JobFolder, reason: Any) -> tuple[Ending, Ending]:
    """Return how a job is judged whose trainer wrote a reason, by who followed it and by who looks later."""
    folder.output.mkdir(exist_ok=True)
    folder.end.write_text(json.dumps({"state": "failed", "reason": reason}), encoding="utf-8")
    return (
        judge_seen(folder, 1, None, "mine.yaml", is_first=True),
        judge_unseen(folder, is_ours=True, was_here=True, silent_s=1),
    )


def test_secrets_in_the_trainers_own_reason_are_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", VALUE)
    said = f"RuntimeError: login {VALUE}, {HUB}, https://me:hunter22@host refused"
    for ending in judge_both(JobFolder(tmp_path, tmp_path / "model"), said):
        assert ending == Ending("failed", "RuntimeError: login ***, ***, https://me:***@host refused")


def test_a_secret_is_masked_before_the_reason_is_cut(tmp_path: Path) -> None:
    for ending in judge_both(JobFolder(tmp_path, tmp_path / "model"), "x" * 490 + f" {HUB}"):
        assert ending.reason == "x" * 490 + " ***"


def test_words_with_control_characters_are_stored_in_postgresql(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_shards(tmp_path / "shards")
    order = Order("mine.yaml", "", "model", World("plain", 1), [])
    job = add_job(database, make_row(order, verify_shards(tmp_path / "shards"), make_holder()))
    assert job is not None
    assert job.id is not None
    ending = judge_both(JobFolder(tmp_path, tmp_path / "model"), "no\0 room \x1b[31mleft\x1b[0m\ud800\n on\x07 it")[0]
    end_job(database, job, ending.state, ending.reason)
    assert find_job(database, job.id).reason == "no room left ? on it"


def test_the_last_words_are_one_line_that_any_terminal_takes() -> None:
    assert find_reason(["boom\0 \x1b[1mhere\x1b[0m\x9b", "\0\x07", "  a frame"]) == "boom here"
    assert make_line("一 二\t\x7f三") == "一 二 三"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model_init_kwargs:\n  token: abc\n", "mine.yaml: model_init_kwargs.token: secrets come"),
        ("token: abc", "token: secrets"),
        ("HF_TOKEN: abc", "HF_TOKEN: secrets"),
        ("wandb_key: abc", "wandb_key: secrets"),
        ("hub_token: [abc]", "hub_token: secrets"),
        ("apiKey: abc", "apiKey: secrets"),
        ("password: 12345678", "password: secrets"),
        ("lists:\n- some:\n    Client-Secret: abc", "lists.some.Client-Secret: secrets"),
        (f"seed: 1\n# HF_TOKEN={HUB}", "mine.yaml:2: holds what looks like a secret"),
        ("seed: 1\n# HF_TOKEN=abc", "mine.yaml:2: holds what looks like a secret"),
        ("run_name: https://me:pw@host", "mine.yaml:1: holds what looks like a secret"),
        (f"run_name: {KEY}", "mine.yaml:1: holds"),
        (f"run_name: the {VALUE} of mine", "mine.yaml:1: holds"),
    ],
)
def test_a_secret_in_a_configuration_is_refused_wherever_it_stands(
    text: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", VALUE)
    with pytest.raises(InputError) as caught:
        check_config(parse_yaml(text, "mine.yaml"), text, "mine.yaml")
    assert expected in str(caught.value)
    assert not any(word in str(caught.value) for word in (HUB, KEY, VALUE, "abc", ":pw@", "12345678"))


def test_what_only_sounds_like_a_secret_is_taken() -> None:
    text = (
        "eos_token: <|im_end|>\npad_token: '<|pad|>'\nhub_token:\npush_token: false\nmax_token: 512\nkey: ''\n"
        "model_name_or_path: hf-internal-testing/tiny-random\nrun_name: data/uk-sk-translation\n"
        "include_num_input_tokens_seen: 'no'\n"
    )
    check_config(parse_yaml(text, "mine.yaml"), text, "mine.yaml")
    check_words(["--eos_token=<|im_end|>", "--pad_token", "<pad>", "--model_init_kwargs", '{"eos_token": "x"}', "{"])


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--model_init_kwargs", '{"token": "abc"}'], "--model_init_kwargs"),
        (['--model_init_kwargs={"deep": [{"token": "abc"}]}'], "--model_init_kwargs"),
        (["--run_name", KEY], "--run_name"),
        (["--run_name", "https://me:pw@host"], "--run_name"),
        (["--model_name_or_path=https://me:pw@host/m"], "--model_name_or_path"),
        (["--HF-Token", "abc"], "--HF-Token"),
        (["--wandb_key=abc"], "--wandb_key"),
        ([VALUE], "a word"),
    ],
)
def test_a_secret_after_the_dashes_is_refused(words: list[str], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", VALUE)
    with pytest.raises(InputError, match="secrets come from the environment alone") as caught:
        check_words(words)
    assert str(caught.value).startswith(f"{name} after --: ")
    assert not any(word in str(caught.value) for word in (KEY, VALUE, "abc", ":pw@"))


def test_a_job_with_a_secret_is_refused_with_nothing_made(place: Path) -> None:
    told = launch(place, "--", "--model_init_kwargs", '{"token": "abc"}')
    assert (told.returncode, len(told.stderr.splitlines())) == (2, 1)
    assert "--model_init_kwargs after --: holds what looks like a secret" in told.stderr
    write_config(place, model_init_kwargs={"token": "abc"})
    told = launch(place)
    assert (told.returncode, len(told.stderr.splitlines())) == (2, 1)
    assert "train.yaml: model_init_kwargs.token: secrets come" in told.stderr
    assert sorted(path.name for path in place.iterdir()) == ["shards", "train.yaml"]


def test_names_of_the_hub_are_not_masked() -> None:
    assert mask("hf-internal-testing/tiny-random", []) == "hf-internal-testing/tiny-random"
    assert mask(f"{HUB} {KEY} Bearer a1b2c3d4e5", []) == "*** *** Bearer ***"
