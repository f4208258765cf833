"""Active learning for images: arrays and models in, choices and models out."""
