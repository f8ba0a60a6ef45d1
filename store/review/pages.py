"""All pages of the review, joined."""

from fastapi import APIRouter

from store.review import downloads, heat, lists, reading, sides

router = APIRouter(include_in_schema=False)
for part in (reading, lists, sides, heat, downloads):
    router.include_router(part.router)
