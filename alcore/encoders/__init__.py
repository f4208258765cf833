"""Frozen encoders: an image becomes one vector and one dense feature map."""

from alcore.encoders.base import Encoder, Encoding
from alcore.encoders.registry import ENCODERS, EncoderInfo, load_encoder

__all__ = ["ENCODERS", "Encoder", "EncoderInfo", "Encoding", "load_encoder"]
