"""Endpoints are data, and a key goes nowhere but where its file says."""

from pathlib import Path

import pytest

from agents.endpoint import Endpoint, load_endpoint, read_key
from agents.errors import ModelError
from taxonomy.refusal import InputError

KEY = "canary-key-0123456789"


def write(folder: Path, **fields: object) -> str:
    """Write an endpoint file and return its path."""
    known: dict[str, object] = {"name": "e", "base_url": "https://h.test/v1", "model": "m"}
    path = folder / "e.yaml"
    path.write_text("\n".join(f"{key}: {value}" for key, value in (known | fields).items()), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"api_key_env": "PATH"}, "API_KEY"),
        ({"api_key_env": "X_API_KEY", "base_url": "http://example.org/v1"}, "https only"),
        ({"base_url": f"https://user:{KEY}@h.test/v1"}, "leave keys and passwords out"),
        ({"base_url": "ftp://h.test"}, "http or https"),
        ({"temprature": 1}, "temperature"),
        ({"prices": "{input: 1, cached_input: 1, output: 1}"}, "currency"),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused_with_its_line(
    tmp_path: Path, fields: dict[str, object], expected: str
) -> None:
    with pytest.raises(InputError, match=r"e\.yaml:\d+") as told:
        load_endpoint(write(tmp_path, **fields), {})
    assert expected in str(told.value)
    assert KEY not in str(told.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.1.2.3", "192.168.0.7"])
def test_a_key_may_go_over_http_to_this_machine_and_its_network(tmp_path: Path, host: str) -> None:
    path = write(tmp_path, base_url=f"http://{host}:8000/v1", api_key_env="X_API_KEY")
    assert load_endpoint(path, {}).api_key_env == "X_API_KEY"


def test_an_unknown_name_is_told_with_what_there_is() -> None:
    with pytest.raises(InputError, match="did you mean 'deepseek'"):
        load_endpoint("depseek", {})


def test_an_address_needs_no_file() -> None:
    endpoint = load_endpoint("http://127.0.0.1:8000/v1#my-model", {})
    assert (endpoint.base_url, endpoint.model, endpoint.api_key_env) == ("http://127.0.0.1:8000/v1", "my-model", None)
    assert load_endpoint("https://h.test/v1#m", {"OPENAI_API_KEY": KEY}).api_key_env == "PSYFOUNDRY_API_KEY"
    with pytest.raises(InputError, match="URL#MODEL"):
        load_endpoint("http://127.0.0.1:8000/v1", {})


def test_a_missing_key_names_its_variable() -> None:
    with pytest.raises(ModelError, match="set DEEPSEEK_API_KEY") as told:
        read_key(load_endpoint("deepseek", {}), {})
    assert told.value.exit_code == 4


def test_a_key_is_never_part_of_an_endpoint() -> None:
    endpoint = load_endpoint("deepseek", {"DEEPSEEK_API_KEY": KEY})
    assert read_key(endpoint, {"DEEPSEEK_API_KEY": KEY}) == KEY
    assert KEY not in f"{endpoint!r} {endpoint} {endpoint.model_dump_json()}"


def test_a_project_file_goes_before_the_one_that_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs" / "models").mkdir(parents=True)
    Path(write(tmp_path, name="openai")).rename(tmp_path / "configs" / "models" / "openai.yaml")
    assert load_endpoint("openai", {}).base_url == "https://h.test/v1"


def test_the_shipped_rehearsal_endpoint_costs_nothing() -> None:
    endpoint: Endpoint = load_endpoint("rehearsal", {})
    assert endpoint.rehearsal
    assert endpoint.is_local
    assert endpoint.model_for("client") == "rehearsal-client"
