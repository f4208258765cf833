"""Arrays over HTTP: raw little-endian values in C order, packed where the caller takes that."""

import gzip

import numpy as np
from fastapi import Request, Response

PRIVATE = "private, max-age=86400"


def raw_answer(array: np.ndarray, headers: dict[str, str], request: Request) -> Response:
    """Send an array with its type in `X-Dtype`; further headers are the caller's."""
    raw = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
    # Packed here, in a thread of its own: the middleware would hold up every other request for as long as it takes.
    packs = "gzip" in request.headers.get("accept-encoding", "")
    packing = {"Content-Encoding": "gzip" if packs else "identity", "Vary": "Accept-Encoding"}
    body = gzip.compress(raw, compresslevel=1) if packs else raw
    headers = {**headers, "X-Dtype": str(array.dtype), **packing}
    return Response(body, media_type="application/octet-stream", headers=headers)
