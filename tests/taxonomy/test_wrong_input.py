"""Whatever is wrong in a file that a person wrote is told in one line: file, line, what to do."""

import os
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, model_validator

from taxonomy.reading import InputError, WrongValue, read_yaml
from taxonomy.schema import load_taxonomy

TEXT = Path("taxonomy/emotions.yaml").read_text(encoding="utf-8")
FIRST_CELLS = "{study: [S01, S10, S12, S05]"


def find_line(part: str) -> int:
    return TEXT[: TEXT.index(part)].count("\n") + 1


def refuse(path: Path) -> str:
    with pytest.raises(InputError) as raised:
        load_taxonomy(path)
    message = str(raised.value)
    assert "\n" not in message
    assert raised.value.exit_code == 2
    return message.removeprefix(f"{path}:")


def refuse_text(folder: Path, data: str | bytes) -> str:
    path = folder / "emotions.yaml"
    path.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    return refuse(path)


@pytest.mark.parametrize(
    ("old", "new", "shift", "told"),
    [
        ("    en: Anxiety\n", "    en: Anxiety\n    en: Fear\n", 1, "the key 'en' stands twice"),
        ("    en: Anxiety\n", "    en: no\n", 0, "'no' without quotes means false"),
        ("    en: Anxiety\n", "    en:\n", 0, "a text is wanted, not nothing"),
        ("    en: Anxiety\n", "    en: 12\n", 0, "a text is wanted, not 12; put it in quotes"),
        ("    en: Anxiety\n", "    en: ''\n", 0, "one line of text is wanted, not ''"),
        (
            "    en: Anxiety\n",
            "    en: 焦虑\n    eng: x\n",
            1,
            "unknown key 'eng' (did you mean 'en'?)",
        ),
        ("    en: Anxiety\n", "    en: a: b\n", 0, "a ': ' where none can stand"),
        ("    en: Anxiety\n", "\ten: Anxiety\n", 0, "a tab is used for indentation"),
        ("    en: Anxiety\n", "    en: @home\n", 0, "a text cannot start with '@'"),
        ("    en: Anxiety\n", "    en: &a Anxiety\n", 0, "anchors (&name) and aliases (*name)"),
        ("    en: Anxiety\n", "    en: !!str Anxiety\n", 0, "the tag"),
        ("    en: Anxiety\n", "    en: A\x00B\n", 0, "the character '\\x00' cannot stand in YAML"),
        ("    en: Anxiety\n", "    on: Anxiety\n", 0, "the key 'on' without quotes means true"),
        ("  - id: fear\n", "  - id: anxiety\n", 0, "id 'anxiety' stands twice"),
        ("    zh: 恐惧不安\n", "    zh: 焦虑\n", 0, "zh '焦虑' stands twice"),
        ("    family: anxiety\n", "    family: anxeity\n", 0, "(did you mean 'anxiety'?)"),
        (FIRST_CELLS, "{study: [S01, S99]", 0, "unknown scene in a cell of 'anticipatory_anxiety'"),
        (FIRST_CELLS, "{study: [S01, W01]", 0, "scene 'W01' belongs to 'work', not 'study'"),
        (FIRST_CELLS, "{study: [S01, S01]", 0, "x 'S01' stands twice"),
        (FIRST_CELLS, "{studies: [S01]", 0, "unknown life scene 'studies'"),
        ("version: 1\n", "version: one\n", 0, "version: a whole number is wanted, not 'one'"),
        ("version: 1\n", "version: yes\n", 0, "version: a whole number is wanted, not true"),
        ("version: 1\n", "version: '1'\n", 0, "version: a whole number is wanted, not '1'"),
        ("version: 1\n", "version: 1\nfamilis: 2\n", 1, "(did you mean 'families'?)"),
        ("ages: [14, 28]", "ages: [28, 14]", 0, "write the youngest first"),
        ("ages: [14, 28]", "ages: [14]", 0, "a value is missing in scenes[0] (S01).ages"),
        ("ages: [14, 28]", "ages: fourteen", 0, "a list is wanted, not 'fourteen'"),
        (
            "  - id: active\n",
            "  - id: actve\n",
            0,
            "unknown value 'actve' (did you mean 'active'?)",
        ),
    ],
)
def test_a_wrong_entry_is_told_with_its_line(tmp_path: Path, old: str, new: str, shift: int, told: str) -> None:
    message = refuse_text(tmp_path, TEXT.replace(old, new, 1))
    assert message.startswith(f"{find_line(old) + shift}: "), message
    assert told in message


def test_a_missing_label_is_told_at_the_entry_that_lacks_it(tmp_path: Path) -> None:
    message = refuse_text(tmp_path, TEXT.replace("    en: Anxiety\n", "", 1))
    assert message == f"{find_line('  - id: anxiety')}: 'en' is missing in families[0] (anxiety); add it"


def test_shares_that_do_not_add_up_are_refused(tmp_path: Path) -> None:
    message = refuse_text(tmp_path, TEXT.replace("share: 0.03", "share: 0.3"))
    assert "add up to 1.27" in message


def test_only_the_first_error_is_told_and_the_others_are_counted(tmp_path: Path) -> None:
    message = refuse_text(tmp_path, TEXT.replace("    en: Anxiety\n", "    en: 1\n").replace(
        "version: 1\n", "version: x\n"))  # fmt: skip
    assert message.startswith(f"{find_line('version: 1')}: ")
    assert message.endswith("(and 1 more)")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "1: the file is empty"),
        (b"# nothing\n\n", "1: the file is empty"),
        (TEXT.replace("emotions", "感受", 1).encode("gbk", "replace"), "(it looks like GBK)"),
        (TEXT.encode("utf-16"), "1: the file is in UTF-16"),
        (b"version: 1\nname: caf\xe9\n", "2: the file is not in UTF-8; save"),
        (b"- a\n- b\n", "1: keys with values are wanted, not a list"),
        (b"hello\n", "1: keys with values are wanted, not 'hello'"),
        (b"a: [1, 2\nb: 3\n", "2: this is not YAML"),
        (b"a: 'b\nc: d\n", "1: what is opened here is never closed"),
        (b"version: 1\n---\nversion: 2\n", "2: a second document starts here"),
        (b"[" * 5000, "1: nested more than 40 levels deep"),
        (b"- " * 5000 + b"a", "1: nested more than 40 levels deep"),
        (b"? [a]\n: b\n", "1: a key must be a single word or text"),
    ],
)
def test_a_file_that_is_no_taxonomy_is_refused(tmp_path: Path, data: bytes, told: str) -> None:
    assert told in refuse_text(tmp_path, data)


def test_a_path_that_is_no_readable_file_is_refused(tmp_path: Path) -> None:
    assert "is a directory" in refuse(tmp_path)
    assert "there is no such file" in refuse(tmp_path / "nowhere.yaml")
    assert "cannot be read" in refuse(Path("nul\0.yaml"))
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    assert "symbolic links" in refuse(loop)
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    assert "is not a plain file" in refuse(pipe)


def test_a_huge_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as file:
        file.truncate(100 * 2**20)
    assert "is larger than 2 MB" in refuse(huge)


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf" + TEXT.encode(), TEXT.replace("\n", "\r\n").encode()])
def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "emotions.yaml"
    path.write_bytes(data)
    assert len(load_taxonomy(path).cells) == 480


class Price(BaseModel):
    model_config = ConfigDict(extra="forbid")

    input: float
    currency: Literal["CNY", "USD"]


class Endpoint(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: str
    api_key_env: Literal["A_KEY"] = "A_KEY"
    prices: dict[str, Price | None] = {}
    words: list[str] = []

    @model_validator(mode="after")
    def validate_words(self) -> "Endpoint":
        for index, word in enumerate(self.words):
            if word in self.words[:index]:
                raise WrongValue(f"word {word!r} stands twice; remove one", "words", index)
        return self


def read_endpoint(folder: Path, text: str) -> Endpoint:
    path = folder / "endpoint.yaml"
    path.write_text(text, encoding="utf-8")
    return read_yaml(path, Endpoint)


def test_words_and_numbers_mean_what_they_look_like(tmp_path: Path) -> None:
    endpoint = read_endpoint(
        tmp_path,
        "url: 12:30\nwords: [010, 1_000, 2024-01-01, 'no', 0x1F]\n"
        "prices: {a: {input: 1e-5, currency: CNY}, b: {input: 2, currency: USD}, c: }\n",
    )
    assert endpoint.url == "12:30"
    assert endpoint.words == ["010", "1_000", "2024-01-01", "no", "0x1F"]
    assert endpoint.prices["a"] == Price(input=1e-5, currency="CNY")
    assert endpoint.prices["c"] is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("url: a\nprices:\n  x:\n    inputs: 1\n", "4: unknown key 'inputs' (did you mean 'input'"),
        ("url: a\nprices:\n  x:\n    input: 1\n", "3: 'currency' is missing in prices.x"),
        ("url: a\nprices:\n  x: {input: 1, currency: EUR}\n", "choose 'CNY' or 'USD'"),
        ("url: a\nwords:\n  - b\n  - b\n", "4: word 'b' stands twice"),
        ("url: a\napi_key_env: sk-123\n", "2: api_key_env: unknown value (not shown)"),
    ],
)  # fmt: skip
def test_any_model_of_the_house_gets_its_lines(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError) as raised:
        read_endpoint(tmp_path, text)
    assert told in str(raised.value)
    assert "sk-123" not in str(raised.value)


def test_a_password_in_a_url_is_not_told(tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        read_endpoint(tmp_path, "url: a\nprices: https://me:secret@host/\n")
    assert "secret" not in str(raised.value)
    assert "https://***@host/" in str(raised.value)
