"""What people said of the dialogues of a filter, as files: lines of JSON, a table for spreadsheets, or for Argilla."""

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from store.labels import Form, write_labels
from store.review.api import asked_filter
from store.review.frame import Reviewer

router = APIRouter(include_in_schema=False)
FORMS: dict[str, Form] = {
    "labels.jsonl": "jsonl",
    "labels.csv": "csv",
    "labels.argilla.jsonl": "argilla",
    "labels.pairs.jsonl": "pairs",
}


def serve(file: str, form: Form) -> None:
    """Offer a form under its file's name."""

    def download(request: Request, reviewer: Reviewer) -> StreamingResponse:
        pieces = write_labels(request.app.state.engine, asked_filter(request), form, viewer=reviewer, bom=True)
        return StreamingResponse(
            (piece.encode() for piece in pieces),
            media_type="text/csv; charset=utf-8" if form == "csv" else "application/x-ndjson",
            headers={"Content-Disposition": f'attachment; filename="{file}"'},
        )

    router.get(f"/{file}")(download)


for file, form in FORMS.items():
    serve(file, form)
