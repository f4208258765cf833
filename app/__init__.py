"""Everything of Fewclick that meets a person, a socket or a disk."""

__version__ = "0.1.0"
