"""Learning from labels that are cheap and partly wrong: pseudo-masks, clicks and strokes, boxes, tags."""
