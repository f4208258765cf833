"""From points and boxes to masks; knows nothing of pools or rounds."""
