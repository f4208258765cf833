"""The wire model of a mask."""

from typing import Annotated

from pydantic import Field

from app.api.schemas_base import Request


class Rle(Request):
    """COCO uncompressed RLE: column-major runs that start with zeros."""

    size: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]]
    counts: list[Annotated[int, Field(ge=0)]] = Field(max_length=4_000_000)
