"""HTTP face of the service: FastAPI routers under /v1 and the wire schemas."""
