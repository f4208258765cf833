"""Read images and data sets, write annotations."""
