"""Work with a Fewclick server from Python: no torch, no web framework, no thread, no I/O before the first call.

    with Client("http://127.0.0.1:7860") as fewclick:
        project = fewclick.create_project("nerves", task="segmentation", classes=["nerve"])

Every error code of the server is raised as the exception of that code in `app.errors` (or `alcore.errors`,
`prompts.errors`); a server that cannot be reached raises `ServerUnreachable`.
"""

from app.client.client import Client
from app.client.item import Item, MaskPrediction, SuggestedMask
from app.client.project import Project
from app.client.training import TrainReport
from app.client.transport import ServerUnreachable, UnexpectedAnswer

__all__ = [
    "Client",
    "Item",
    "MaskPrediction",
    "Project",
    "ServerUnreachable",
    "SuggestedMask",
    "TrainReport",
    "UnexpectedAnswer",
]
