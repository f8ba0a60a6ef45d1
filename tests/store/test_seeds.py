"""Texts are read from a file, and a row that cannot be used is named."""

from pathlib import Path

import pytest

from store.formats.seeds import SeedFile, SeedText, SkippedRow, read_seeds
from taxonomy.refusal import InputError

DATA = Path(__file__).parents[3] / "shared" / "data"


def write(folder: Path, content: bytes | str) -> Path:
    """Write a file of texts."""
    path = folder / "posts.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_the_text_is_found_under_its_usual_names(tmp_path: Path) -> None:
    path = write(tmp_path, '{"id": "a", "text": "睡不着"}\n{"question": "why"}\n')
    assert list(read_seeds(path, None)) == [
        SeedText("posts.jsonl", 1, "a", "睡不着"),
        SeedText("posts.jsonl", 2, None, "why"),
    ]


def test_a_named_field_is_the_only_one_looked_at(tmp_path: Path) -> None:
    path = write(tmp_path, '{"story": "x", "text": "y"}\n{"text": "z"}')
    first, second = read_seeds(path, "story")
    assert isinstance(first, SeedText)
    assert first.text == "x"
    assert second == SkippedRow("posts.jsonl", 2, "no text in 'story'")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{broken", "not JSON"),
        ("[1]", "not a JSON object"),
        ('{"text": "   "}', "the text is empty"),
        ('{"text": 5}', "no text"),
        ('{"other": "x"}', "no text"),
    ],
)
def test_a_row_that_cannot_be_used_is_skipped_with_its_reason(tmp_path: Path, row: str, reason: str) -> None:
    (skipped,) = read_seeds(write(tmp_path, row), None)
    assert isinstance(skipped, SkippedRow)
    assert skipped.reason.startswith(reason)


def test_marks_and_line_ends_of_other_editors_do_no_harm(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + '{"text": "一\u2028行"}\r\n\r\n{"text": "a\\u0000\\ud800b"}'.encode()
    rows = list(read_seeds(write(tmp_path, content), None))
    assert [(row.row, row.text) for row in rows if isinstance(row, SeedText)] == [(1, "一\u2028行"), (3, "ab")]


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"", "empty"), (b"\n \n", "empty"), ('{"text": "中文"}'.encode("gbk"), "posts.jsonl:1: not UTF-8")],
)
def test_a_file_that_cannot_be_read_at_all_is_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        list(read_seeds(write(tmp_path, content), None))


def test_a_folder_and_a_missing_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a directory"):
        list(read_seeds(tmp_path, None))
    with pytest.raises(InputError, match="does not exist"):
        list(read_seeds(tmp_path / "none.jsonl", None))


@pytest.mark.parametrize(("name", "count"), [("self_descriptions_zh.jsonl", 400), ("counsel_chat_qa_en.jsonl", 815)])
def test_public_sets_are_read_when_they_are_at_hand(name: str, count: int) -> None:
    if not (DATA / name).exists():
        pytest.skip(f"needs {name} in shared/data beside the checkout")
    rows = list(read_seeds(DATA / name, None))
    assert len(rows) == count
    assert sum(isinstance(row, SeedText) for row in rows) >= 0.99 * count


def test_rows_are_read_when_they_are_wanted_from_where_they_stand(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + '{"text": "一"}\r\n\n{"other": 1}\n{"text": "\u2028三"}\n{"text": "四"}'.encode()
    path = write(tmp_path, content)
    file = SeedFile(path, None)
    assert [file.read(index) for index in range(len(file))] == [
        row for row in read_seeds(path, None) if isinstance(row, SeedText)
    ]
    assert [row.row for row in file.skipped] == [3]
    path.write_bytes(b"x" * 40)
    with pytest.raises(InputError, match="has changed"):
        file.read(2)
