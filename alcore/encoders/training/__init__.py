"""Self-supervised training of the built-in encoder; see `alcore/encoders/MODEL_CARD.md`."""
