"""A command answers a mistake with one line on stderr and the exit code that belongs to it."""

import subprocess
import sys

import pytest

from taxonomy.command import InputError, Parser, Refusal, run_main


def make_parser() -> Parser:
    parser = Parser("graphs.run", description="Runs sessions.")
    parser.add_argument("--recipe", default="session")
    parser.add_argument("--count", type=int)
    parser.add_argument("--language", choices=["zh", "en"])
    return parser


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--recipi", "x"], "graphs.run: unknown flag '--recipi'; did you mean '--recipe'?"),
        (["--rec", "x"], "graphs.run: unknown flag '--rec'; did you mean '--recipe'?"),
        (["--zzz=sk-1"], "graphs.run: unknown flag '--zzz'; see python -m graphs.run --help"),
        (["x"], "graphs.run: unexpected argument 'x'; see python -m graphs.run --help"),
        (["--count", "ten"], "graphs.run: --count: invalid int value: 'ten'; see"),
        (["--language", "fr"], "graphs.run: --language: invalid choice: 'fr' (choose from"),
        (["--count"], "graphs.run: --count: expected one argument"),
    ],
)
def test_a_wrong_flag_is_one_line_with_a_suggestion(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        make_parser().parse_args(arguments)
    lines = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert len(lines) == 1
    assert lines[0].startswith(told)


def test_a_subcommand_answers_under_its_own_name(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser("store.db")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("upgrade").add_argument("--db")
    with pytest.raises(SystemExit):
        parser.parse_args(["upgrade", "--dbs", "x"])
    assert "unknown flag '--dbs'; did you mean '--db'?" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        parser.parse_args(["upgrade", "--db"])
    assert capsys.readouterr().err.startswith("store.db upgrade: --db: expected one argument")


class EndpointRefused(Refusal):
    exit_code = 4


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("emotions.yaml:3: wrong\nsecond line"), 2),
        (EndpointRefused("the endpoint refused"), 4),
        (Refusal("failed"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_an_expected_error_is_one_line_and_its_exit_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    def main() -> int:
        raise error

    with pytest.raises(SystemExit) as ended:
        run_main(main)
    assert ended.value.code == code
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_unexpected_error_keeps_its_traceback() -> None:
    def main() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_main(main)


def test_a_finished_command_hands_its_code_on() -> None:
    with pytest.raises(SystemExit) as ended:
        run_main(lambda: 3)
    assert ended.value.code == 3


def test_a_reader_that_has_gone_leaves_no_traceback() -> None:
    code = (
        "import sys; from taxonomy.command import run_main\n"
        "def main():\n"
        "    while True: print('line' * 1000)\n"
        "run_main(main)"
    )
    command = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert command.stdout
    assert command.stderr
    command.stdout.readline()
    command.stdout.close()
    assert command.stderr.read() == b""
    command.stderr.close()
    assert command.wait() == 1


def test_the_command_module_loads_nothing_heavy() -> None:
    code = "import sys, taxonomy.command; print({'yaml', 'pydantic'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"
