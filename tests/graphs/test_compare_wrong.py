"""What cannot be compared is told in one line with its exit code, before anything is kept; what stopped goes on."""

from pathlib import Path

import pytest

from agents.rehearsal.app import create_app
from agents.rehearsal.faults import STOPPING
from tests.graphs.test_compare import OTHER, QUESTIONS, compare, write_models, write_questions
from tests.witness import serve

ASKED = ["--models", "rehearsal,other.yaml", "--questions", "ask.yaml"]


@pytest.mark.parametrize(
    ("flags", "code", "line"),
    [
        (["--questions", "ask.yaml"], 2, "a comparison needs two models or more"),
        (["--models", "rehearsal", "--questions", "ask.yaml"], 2, "a comparison needs two models or more"),
        (["--models", "rehearsal,rehearsal", "--questions", "ask.yaml"], 2, "rehearsal is named twice"),
        (["--models", "rehearsal,same.yaml", "--questions", "ask.yaml"], 2, "are one model, or have one name"),
        (["--models", "rehearsal,rehersal", "--questions", "ask.yaml"], 2, "did you mean 'rehearsal'?"),
        (["--models", "rehearsal,other.yaml"], 2, "--questions: name a question set or more"),
        (["--models", "rehearsal,other.yaml", "--questions", "absent.yaml"], 2, "absent.yaml: there is no such file"),
        (["--models", "rehearsal,other.yaml", "--questions", "stdy.zh"], 2, "did you mean 'study.zh'?"),
        (["--models", "rehearsal,other.yaml", "--questions", "bad.yaml"], 2, "bad.yaml:5: unknown key 'lif'"),
        (["--models", "rehearsal,other.yaml", "--questions", "ask.yaml", "--language", "en"], 2, "in 'en'"),
        (["--models", "rehearsal,other.yaml", "--questions", "ask.yaml", "ask.yaml"], 2, "choose another"),
        (["--models", "rehearsal,other.yaml", "--questions", "ask.yaml", "--sessions", "-1"], 2, "at least 0"),
        (["--models", "rehearsal,other.yaml", "--questions", "ask.yaml", "--rubric", "mood"], 2, "unknown rubric"),
        (["--models", "rehearsal,other.yaml", "--questions", "ask.yaml", "--rubric", "panas"], 2, "--rubric panas"),
        (["--models", "rehearsal,other.yaml", "--questions", "ask.yaml", "--out", "ask.yaml"], 2, "is no folder"),
        (["--models", "rehearsal,deepseek", "--questions", "ask.yaml", "--yes"], 4, "API_KEY"),
        (["--models", "rehearsal,other.yaml", "--questions", "ask.yaml", "--judge", "judge.yaml"], 2, "--judge"),
        ([*ASKED, "--recipe", "session"], 2, "add --sessions N"),
        ([*ASKED, "--sessions", "2", "--recipe", "sesion"], 2, "did you mean 'session'?"),
        ([*ASKED, "--sessions", "2", "--recipe", "smile"], 2, "--recipe smile: it plays no sessions on the map"),
        (["--resume"], 1, "factory.db"),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_its_code(
    tmp_path: Path, flags: list[str], code: int, line: str
) -> None:
    write_models(tmp_path, "other")
    shipped = (Path(__file__).parents[2] / "configs" / "models" / "rehearsal.yaml").read_text(encoding="utf-8")
    (tmp_path / "same.yaml").write_text(shipped.replace("name: rehearsal", "name: twin"), encoding="utf-8")
    (tmp_path / "judge.yaml").write_text(OTHER.format(name="other") + "max_tokens: 9\n", encoding="utf-8")
    write_questions(tmp_path)
    (tmp_path / "bad.yaml").write_text(QUESTIONS.replace("{id: door, life:", "{id: door, lif:"), encoding="utf-8")
    told = compare(tmp_path, *flags)
    assert (told.code, told.err.splitlines()[-1]) == (code, told.err.strip())
    assert line in told.err
    assert not (tmp_path / "factory.db").exists()


@pytest.mark.parametrize("fault", STOPPING)
def test_an_endpoint_that_refuses_ends_it_with_one_line_and_it_goes_on_when_it_is_mended(
    tmp_path: Path, fault: str
) -> None:
    with serve(create_app()) as port, serve(create_app(fault_rate=1.0, faults=[fault])) as shut:
        one, other = write_models(tmp_path, "one", "other")
        text = one.read_text(encoding="utf-8")
        for path, number in ((one, port), (other, shut)):
            address = f"http://127.0.0.1:{number}/v1"
            path.write_text(text.replace("asgi://rehearsal", address).replace("one", path.stem), encoding="utf-8")
        told = compare(tmp_path, "--models", f"{one},{other}", "--questions", write_questions(tmp_path))
        assert told.code == 4
        assert len([line for line in told.out.splitlines() if line.startswith("stopped: ")]) == 1
        assert "Traceback" not in told.err
        assert "python -m graphs.compare --resume 1" in told.out
        other.write_text(other.read_text(encoding="utf-8").replace(str(shut), str(port)), encoding="utf-8")
        assert compare(tmp_path, "--resume").code == 0


def test_a_resumed_comparison_keeps_its_settings_and_its_models(tmp_path: Path) -> None:
    (other,) = write_models(tmp_path, "other")
    flags = ("--models", f"rehearsal,{other}", "--questions", write_questions(tmp_path), "--max-calls", 5)
    assert compare(tmp_path, *flags).code == 3
    for flag, value in (("--models", "a,b"), ("--sessions", 3), ("--language", "en"), ("--judge", "rehearsal")):
        told = compare(tmp_path, "--resume", flag, value)
        assert (told.code, f"leave out {flag}" in told.err) == (2, True)
    assert "that is no comparison; choose one of 1" in compare(tmp_path, "--resume", 7).err
    other.write_text(OTHER.format(name="other") + "temperature: 1.5\n", encoding="utf-8")
    changed = compare(tmp_path, "--resume")
    assert (changed.code, "the endpoint other has changed since it began" in changed.err) == (2, True)
