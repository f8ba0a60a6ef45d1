"""The application behind the review page: the gate, the pages, the API, and the cards that are made meanwhile."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from sqlalchemy import Engine
from starlette.exceptions import HTTPException

from store.queue import Missing, Taken
from store.review import api, door, downloads, pages
from store.review.gate import Gate
from store.review.rendering import render
from store.review.settings import Settings
from store.review.upkeep import Upkeep
from taxonomy.refusal import InputError, Refusal

STATIC = Path(__file__).parent / "static"
STATUS: dict[type[Exception], int] = {Missing: 404, Taken: 409, InputError: 400}
"""How a refusal is answered; one of the database's is no fault of the request."""


def create_app(engine: Engine, settings: Settings) -> FastAPI:
    """Return the application; its documentation pages are off, for they would load scripts from elsewhere."""
    app = FastAPI(
        title="Review",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=keep_cards,
    )
    for kind, show in ((Refusal, show_refusal), (RequestValidationError, show_invalid), (HTTPException, show_other)):
        app.add_exception_handler(kind, show)
    app.state.engine, app.state.settings, app.state.door = engine, settings, door.Door()
    app.add_middleware(Gate, engine=engine, settings=settings)
    for part in (door, api, downloads, pages):
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


@asynccontextmanager
async def keep_cards(app: FastAPI) -> AsyncIterator[None]:
    """Make cards in the background for as long as the application runs."""
    with Upkeep(app.state.engine):
        yield


def show_refusal(request: Request, error: Exception) -> Response:
    """Answer an expected error in one line."""
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 503)
    return show_problem(request, status, str(error))


def show_invalid(request: Request, error: Exception) -> Response:
    """Answer a request of the wrong shape by naming the first thing wrong in it."""
    assert isinstance(error, RequestValidationError)
    found: Sequence[Any] = error.errors()
    place = ".".join(str(part) for part in found[0]["loc"][1:]) if found else ""
    told = str(found[0]["msg"]) if found else "it cannot be read"
    return show_problem(request, 422, f"{place}: {told}" if place else told)


def show_other(request: Request, error: Exception) -> Response:
    """Answer what the framework refuses, such as an address that is not there."""
    assert isinstance(error, HTTPException)
    return show_problem(request, error.status_code, str(error.detail), dict(error.headers or {}))


def show_problem(request: Request, status: int, line: str, headers: dict[str, str] | None = None) -> Response:
    """Return one line as JSON for the API and as a page for all else."""
    told = " ".join(line.encode("utf-8", "replace").decode().split())
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": told}, status, headers)
    reviewer, csrf = request.scope.get("reviewer") or "", request.scope.get("csrf", "")
    return render(request, "error.html.j2", status=status, headers=headers, error=told, reviewer=reviewer, csrf=csrf)
