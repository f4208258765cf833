"""Learning from labels that are cheap and partly wrong: pseudo-masks, clicks, strokes, boxes, tags, a head's guesses."""
