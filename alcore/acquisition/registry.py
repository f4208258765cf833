"""The acquisition functions by name; each also becomes a query strategy that takes the highest scores."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float

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
from alcore.acquisition.probability import entropy, least_confidence, margin


@dataclass(frozen=True, kw_only=True)
class Acquisition:
    """One acquisition function and the arrays that it scores."""

    name: str
    needs: tuple[str, ...]
    """Fields of `PoolView`, in the order of the function's arguments."""
    summary: str
    paper: str
    cost: str
    advice: str
    function: Callable[..., Float[np.ndarray, "..."]]
    is_dense: bool = False
    """True where it scores pixels too, from probabilities or a committee with classes last, for maps to be pooled."""
    is_coarse: bool = False
    """True where it takes few different values, so that chance decides among many items."""

    def of(self, arrays: Mapping[str, Any]) -> Float[np.ndarray, "..."]:
        """Score from arrays by name."""
        return self.function(*(arrays[need] for need in self.needs))


_ALL = (
    Acquisition(
        name="least_confidence",
        needs=("probabilities",),
        summary="Ask where the most likely class is least likely",
        paper="Lewis & Gale 1994; Settles 2009",
        cost="O(n·c)",
        advice="The plainest measure; with two classes the same ranking as margin and entropy",
        function=least_confidence,
        is_dense=True,
    ),
    Acquisition(
        name="margin",
        needs=("probabilities",),
        summary="Ask where the two most likely classes are closest",
        paper="Scheffer et al. 2001",
        cost="O(n·c)",
        advice="A strong default for classification once every class has some labels",
        function=margin,
        is_dense=True,
    ),
    Acquisition(
        name="entropy",
        needs=("probabilities",),
        summary="Ask where the prediction is most spread out",
        paper="Shannon 1948; Settles 2009",
        cost="O(n·c)",
        advice="Hard to beat with single models; in segmentation it likes large and costly images",
        function=entropy,
        is_dense=True,
    ),
    Acquisition(
        name="dbal",
        needs=("committee",),
        summary="Ask where the committee's mean prediction is most spread out",
        paper="Gal et al. 2017 (arXiv:1703.02910)",
        cost="O(s·n·c)",
        advice="Entropy with a committee's better calibrated mean",
        function=dbal,
        is_dense=True,
    ),
    Acquisition(
        name="bald",
        needs=("committee",),
        summary="Ask where the committee's members disagree most",
        paper="Houlsby et al. 2011 (arXiv:1112.5745)",
        cost="O(s·n·c)",
        advice="Leaves noisy items alone that no member can settle; needs a diverse committee",
        function=bald,
        is_dense=True,
    ),
    Acquisition(
        name="mean_std",
        needs=("committee",),
        summary="Ask where class probabilities scatter most over the committee",
        paper="Kampffmeyer et al. 2016 (CVPR workshops)",
        cost="O(s·n·c)",
        advice="Weighs rare and common classes alike; cheap on pixel maps",
        function=mean_std,
        is_dense=True,
    ),
    Acquisition(
        name="variation_ratio",
        needs=("committee",),
        summary="Ask where most members vote against the favourite class",
        paper="Freeman 1965; Beluch et al. 2018 (CVPR)",
        cost="O(s·n·c)",
        advice="Looks at votes only; with few members many items tie, so prefer bald",
        function=variation_ratio,
        is_dense=True,
        is_coarse=True,
    ),
    Acquisition(
        name="vote_entropy",
        needs=("committee",),
        summary="Ask where the members' votes are most spread out",
        paper="Dagan & Engelson 1995; Settles 2009",
        cost="O(s·n·c)",
        advice="The classic query by committee; with few members many items tie",
        function=vote_entropy,
        is_dense=True,
        is_coarse=True,
    ),
    Acquisition(
        name="mean_kl",
        needs=("committee",),
        summary="Ask where members diverge most from their consensus",
        paper="McCallum & Nigam 1998",
        cost="O(s·n·c)",
        advice="The same number as bald under its name in query by committee",
        function=mean_kl,
    ),
    Acquisition(
        name="tta_disagreement",
        needs=("augmented",),
        summary="Ask where augmented views of an image are judged differently",
        paper="Gao et al. 2020 (ECCV)",
        cost="O(a·n·c)",
        advice="Needs no committee; views must be such that the label stays true",
        function=tta_disagreement,
    ),
    Acquisition(
        name="augmentation_entropy",
        needs=("augmented",),
        summary="Ask where the mean over augmented views is most spread out",
        paper="Wang et al. 2019 (Neurocomputing)",
        cost="O(a·n·c)",
        advice="Finds noisy and ambiguous images; tta_disagreement finds unstable ones",
        function=augmentation_entropy,
    ),
    Acquisition(
        name="augmentation_diversity",
        needs=("augmented",),
        summary="Ask where pairs of augmented views diverge most",
        paper="Zhou et al. 2017 (CVPR)",
        cost="O(a·n·c)",
        advice="Like tta_disagreement, but a confident view that errs weighs far more",
        function=augmentation_diversity,
    ),
    Acquisition(
        name="opinion_disagreement",
        needs=("probabilities", "second_opinions"),
        summary="Ask where other models contradict the head",
        paper="Zhao et al. 2021 (DSAL); Wang et al. 2023 (PLD-AL)",
        cost="O(m·n·c)",
        advice="For a promptable model or auxiliary heads beside the head; shared errors go unseen",
        function=opinion_disagreement,
    ),
    Acquisition(
        name="temporal_discrepancy",
        needs=("probabilities", "previous_probabilities"),
        summary="Ask where the prediction moved most since an earlier round",
        paper="Huang et al. 2021 (ICCV)",
        cost="O(n·c)",
        advice="Costs nothing once two rounds are done; noisy when the head is retrained from scratch",
        function=temporal_discrepancy,
    ),
    Acquisition(
        name="expected_gradient_length",
        needs=("probabilities", "embeddings"),
        summary="Ask where any answer is expected to change the head most",
        paper="Settles, Craven & Ray 2008 (NeurIPS)",
        cost="O(n·(c + d))",
        advice="With normalised embeddings a smooth relative of entropy; long embeddings come first",
        function=expected_gradient_length,
    ),
    Acquisition(
        name="adversarial_margin",
        needs=("embeddings", "head"),
        summary="Ask where the smallest change of the embedding flips the answer",
        paper="Ducoffe & Precioso 2018 (arXiv:1802.09841)",
        cost="O(n·c·d)",
        advice="True distance to the border, which margin only hints at; not fooled by large logits",
        function=adversarial_margin,
    ),
    Acquisition(
        name="evidential",
        needs=("evidence",),
        summary="Ask where the head has collected least evidence",
        paper="Sensoy et al. 2018 (arXiv:1806.01768)",
        cost="O(n·c)",
        advice="Finds the unfamiliar; needs an evidential head",
        function=evidential,
    ),
    Acquisition(
        name="dissonance",
        needs=("evidence",),
        summary="Ask where strong evidence speaks for several classes at once",
        paper="Jøsang, Cho & Chen 2018 (FUSION)",
        cost="O(n·c²)",
        advice="Finds the contradictory, evidential the unfamiliar; needs an evidential head",
        function=dissonance,
    ),
    Acquisition(
        name="feature_density",
        needs=("embeddings", "labels"),
        summary="Ask what lies farthest from the labeled items of every class",
        paper="Mukhoti et al. 2023 (arXiv:2102.11582)",
        cost="O(n·d·(d + c) + d³)",
        advice="Finds what the labels do not cover, outliers and artefacts included",
        function=feature_density,
    ),
    Acquisition(
        name="learning_loss",
        needs=("embeddings", "losses"),
        summary="Ask where the head is predicted to have the largest loss",
        paper="Yoo & Kweon 2019 (arXiv:1905.03677)",
        cost="O(l·d² + d³ + n·d)",
        advice="Needs dozens of labels with losses measured out of fold; noisy below",
        function=learning_loss,
    ),
)
ACQUISITIONS: Mapping[str, Acquisition] = MappingProxyType({entry.name: entry for entry in _ALL})
