"""An endpoint is data: where a model is reached, by which key, at which prices, and with which quirks."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agents.errors import ModelError
from taxonomy.reading import WrongValue, read_yaml
from taxonomy.refusal import InputError, suggest

KEY_NAME = re.compile(r"[A-Z0-9_]*API_KEY")
OWN_KEY = "PSYFOUNDRY_API_KEY"
SHIPPED = Path(__file__).parent.parent / "configs" / "models"
IN_PROCESS = "asgi://rehearsal"


class Prices(BaseModel):
    """Money per million tokens, in the endpoint's currency."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: float = Field(ge=0)
    cached_input: float = Field(ge=0)
    output: float = Field(ge=0)


class Endpoint(BaseModel):
    """One model at one address."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str
    base_url: str
    api_key_env: str | None = None
    """The name of the environment variable with the key; none is needed on loopback."""
    model: str
    """The model's name as the endpoint knows it; `{role}` in it is replaced by the role that is played."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int = Field(default=4096, ge=1)
    """Tokens of an answer, reasoning included."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    context_length: int | None = Field(default=None, ge=1)
    prices: Prices | None = None
    currency: Literal["CNY", "USD"] | None = None
    concurrency: int | None = Field(default=None, ge=1)
    """Calls in flight that this endpoint bears; the run's own limit when smaller."""
    deadline_s: float = Field(default=600.0, gt=0)
    """Seconds a call may take in all, keep-alive lines or not."""
    system_role: bool = True
    """Whether the model takes a system message; where not, the instructions open the first user message."""
    json_mode: Literal["schema", "object", "none"] = Field(default="schema", alias="json")
    """How JSON is asked for: by schema, as any object with the schema in the prompt, or by the prompt alone."""
    reasoning: Literal["field", "tags", "none"] = "none"
    """Where reasoning comes back; it is read from wherever it stands."""
    send_seed: bool = False
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """What this endpoint wants beside the usual fields."""
    rehearsal: bool = False

    @model_validator(mode="after")
    def check_key_and_prices(self) -> Self:
        """Hold the rules that keep a key where it belongs."""
        if self.api_key_env is not None and not KEY_NAME.fullmatch(self.api_key_env):
            raise WrongValue("name an environment variable that ends in API_KEY", "api_key_env")
        if self.base_url == IN_PROCESS:
            return self
        url = urlsplit(self.base_url)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise WrongValue("write an http or https address, such as https://host/v1", "base_url")
        if url.username or url.password or url.query:
            raise WrongValue("leave keys and passwords out of the address; name api_key_env", "base_url")
        if self.api_key_env and url.scheme == "http" and not is_near(url.hostname):
            raise WrongValue("a key is sent over https only, except to this machine and its network", "base_url")
        if self.prices is not None and self.currency is None:
            raise WrongValue("say the currency of the prices: CNY or USD", "prices")
        return self

    def model_for(self, role: str) -> str:
        """Return the model's name for a role."""
        return self.model.replace("{role}", role)

    @property
    def is_local(self) -> bool:
        """Whether the endpoint costs nothing because it runs in this process or on this machine."""
        return self.base_url == IN_PROCESS or is_loopback(urlsplit(self.base_url).hostname or "")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_near(host: str) -> bool:
    """Tell whether a host is this machine or has a private address."""
    if is_loopback(host):
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False


def load_endpoint(spec: str, environment: Mapping[str, str]) -> Endpoint:
    """Return the endpoint that NAME, FILE.yaml or URL#MODEL stands for; raises InputError where it stands for none."""
    if "://" in spec:
        return _read_address(spec, environment)
    if spec.endswith((".yaml", ".yml")):
        return read_yaml(Path(spec), Endpoint)
    folders = [Path("configs") / "models", SHIPPED]
    for folder in folders:
        if (folder / f"{spec}.yaml").is_file():
            return read_yaml(folder / f"{spec}.yaml", Endpoint)
    names = sorted({path.stem for folder in folders for path in folder.glob("*.yaml")})
    raise InputError(
        f"unknown model {spec!r}{suggest(spec, names)}; choose one of"
        f" {', '.join(names)}, or name a .yaml file or URL#MODEL"
    )


def read_key(endpoint: Endpoint, environment: Mapping[str, str]) -> str:
    """Return the endpoint's key; raises ModelError ("refused") naming the variable where it is not set."""
    if endpoint.api_key_env is None:
        return "none"
    key = environment.get(endpoint.api_key_env, "").strip()
    if not key:
        raise ModelError(
            "refused",
            f"{endpoint.name} needs a key: set {endpoint.api_key_env} in the environment or in .env",
        )
    return key


def _read_address(spec: str, environment: Mapping[str, str]) -> Endpoint:
    address, _, model = spec.partition("#")
    url = urlsplit(address)
    shown = f"{url.scheme}://{url.hostname or ''}"
    if not model:
        raise InputError(f"--model {shown}...: write URL#MODEL, such as http://127.0.0.1:8000/v1#my-model")
    has_key = bool(environment.get(OWN_KEY))
    needs_key = has_key or not is_loopback(url.hostname or "")
    try:
        return Endpoint(
            name=f"{url.hostname}#{model}",
            base_url=address,
            api_key_env=OWN_KEY if needs_key else None,
            model=model,
            json="schema",
        )
    except ValueError as error:
        problem = str(error).splitlines()[2] if len(str(error).splitlines()) > 2 else str(error)
        raise InputError(f"--model {shown}#{model}: {problem.strip()}") from None
