"""From points, boxes and scribbles to masks; knows nothing of pools or rounds."""
