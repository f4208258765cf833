"""Acquisition functions: pure scores, higher = ask sooner. `ACQUISITIONS` names them; `pool_map` sums up pixel maps."""

from alcore.acquisition.committee import bald, dbal, mean_kl, mean_std, variation_ratio, vote_entropy
from alcore.acquisition.density import feature_density
from alcore.acquisition.disagreement import (
    augmentation_diversity,
    augmentation_entropy,
    opinion_disagreement,
    temporal_discrepancy,
    tta_disagreement,
)
from alcore.acquisition.evidential import dissonance, evidential
from alcore.acquisition.learning_loss import learning_loss
from alcore.acquisition.linear_head import adversarial_margin, expected_gradient_length
from alcore.acquisition.pooling import pool_map
from alcore.acquisition.probability import entropy, least_confidence, margin
from alcore.acquisition.registry import ACQUISITIONS, Acquisition

__all__ = [
    "ACQUISITIONS",
    "Acquisition",
    "adversarial_margin",
    "augmentation_diversity",
    "augmentation_entropy",
    "bald",
    "dbal",
    "dissonance",
    "entropy",
    "evidential",
    "expected_gradient_length",
    "feature_density",
    "learning_loss",
    "least_confidence",
    "margin",
    "mean_kl",
    "mean_std",
    "opinion_disagreement",
    "pool_map",
    "temporal_discrepancy",
    "tta_disagreement",
    "variation_ratio",
    "vote_entropy",
]
