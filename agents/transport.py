"""The HTTP client under the SDK: aiohttp's connections behind httpx2's interface, whole answers only, up to a size."""

import ssl
from collections.abc import Iterable
from typing import Any
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx2
import yarl

LARGEST_ANSWER = 4 * 2**20
"""Bytes; 32,000 tokens of Chinese, every character escaped, are a fifth of it."""
CONNECT_S = 30.0
IDLE_S = 60.0
"""Seconds a connection is kept for the next call."""
NOT_SENT = ("x-stainless-", "accept-encoding", "content-length", "host")
"""Headers that tell of the SDK, or that are set here or by aiohttp."""
READ = (b"content-type", b"retry-after", b"x-request-id")
"""Headers of an answer that anybody looks at."""


class OversizedAnswer(httpx2.ReadError):
    """The answer was cut off because it grew too large, or came compressed unasked."""


class UntrustedHost(httpx2.ConnectError):
    """The host's certificate does not hold; no repetition mends that."""


class WholeAnswers(httpx2.AsyncClient):
    """Sends a request over a pool of `connections` and reads its answer to the end.

    It follows no redirect, so that a key stays with its host, and goes past what httpx2 does for other uses (merging of
    defaults, authentication, cookies): a third less CPU a call than its own transport over aiohttp.
    """

    def __init__(self, connections: int) -> None:
        # A transport of httpx2's own would load all certificates, and nothing here uses it.
        super().__init__(follow_redirects=False, trust_env=False, transport=httpx2.AsyncBaseTransport())
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._urls: dict[str, httpx2.URL] = {}
        self._targets: dict[httpx2.URL, tuple[yarl.URL, str | None]] = {}

    def build_request(self, method: str, url: httpx2.URL | str, **options: Any) -> httpx2.Request:
        """Return a request with the headers and the body as they are given."""
        parsed = self._urls.get(str(url))
        if parsed is None:
            parsed = self._urls[str(url)] = httpx2.URL(url)
        return httpx2.Request(method, parsed, headers=options.get("headers"), content=options.get("content"))

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send one request and return its answer, read to the end; raises httpx2's errors."""
        session = self._session or self._open()
        target, proxy = self._targets.get(request.url) or self._find_target(request.url)
        try:
            async with session.request(
                request.method,
                target,
                headers=keep_headers(request.headers.raw),
                data=request.content,
                allow_redirects=False,
                proxy=proxy,
            ) as response:
                body = await read_whole(response)
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError, ssl.SSLError) as error:
            raise UntrustedHost(str(error)) from error
        except aiohttp.ClientConnectorError as error:
            raise httpx2.ConnectError(str(error)) from error
        except (TimeoutError, aiohttp.ServerTimeoutError) as error:
            raise httpx2.ConnectError(f"no connection within {CONNECT_S:g} s") from error
        except aiohttp.ClientError as error:
            raise httpx2.ReadError(str(error) or type(error).__name__) from error
        told = [header for header in response.raw_headers if header[0].lower() in READ]
        return httpx2.Response(response.status, headers=told, content=body, request=request)

    async def aclose(self) -> None:
        """Close all connections."""
        await super().aclose()
        if self._session is not None:
            await self._session.close()

    def _find_target(self, url: httpx2.URL) -> tuple[yarl.URL, str | None]:
        """Return an address in aiohttp's form, with the proxy that the environment names for its host."""
        proxy = None if proxy_bypass(url.host) else getproxies().get(url.scheme)
        self._targets[url] = yarl.URL(str(url)), proxy
        return self._targets[url]

    def _open(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=IDLE_S),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
            headers={"accept-encoding": "identity"},
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self._session


def keep_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers that go over the wire."""
    named = ((name.decode("ascii"), value.decode("latin-1")) for name, value in headers)
    return {name: value for name, value in named if not name.lower().startswith(NOT_SENT)}


async def read_whole(response: aiohttp.ClientResponse) -> bytes:
    """Return the whole body; raises OversizedAnswer rather than hold more than is sensible."""
    if response.headers.get("content-encoding", "identity") != "identity":
        # A compressed body may hold a thousand times its size.
        response.close()
        raise OversizedAnswer("the answer came compressed, which was not asked for")
    pieces, size = [], 0
    async for piece in response.content.iter_any():
        size += len(piece)
        if size > LARGEST_ANSWER:
            response.close()
            raise OversizedAnswer(f"the answer is larger than {LARGEST_ANSWER >> 20} MB")
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
