"""Classifiers of embeddings without weights to learn: nearest class means and votes of nearest neighbours."""

import torch
from jaxtyping import Float, Int
from torch import nn
from torch.nn import functional

SHARPNESS = 10.0
"""Logits of `ClassMeans` are so many times the cosine, until a temperature says better."""
N_NEIGHBOURS = 10
VOTE_TEMPERATURE = 0.07
SMOOTHING = 0.05
"""Share of all votes that every class gets for nothing, so that none is impossible."""
ABSENT_LOGIT = -30.0


class ClassMeans(nn.Module):
    """Cosine with the mean direction of each class.

    Source: nearest class mean (Mensink et al. 2013, doi:10.1109/TPAMI.2013.83) and prototypes (Snell et al. 2017,
    arXiv:1703.05175), with cosine in place of distance and no training of the embedding.
    """

    def __init__(self, dim: int, n_classes: int) -> None:
        super().__init__()
        self.weight: torch.Tensor
        self.bias: torch.Tensor
        self.register_buffer("weight", torch.zeros(n_classes, dim))
        self.register_buffer("bias", torch.zeros(n_classes))

    def fit(self, x: Float[torch.Tensor, "n d"], y: Int[torch.Tensor, " n"]) -> "ClassMeans":
        """Take the means; a class without items is never likely."""
        sums = torch.zeros_like(self.weight).index_add_(0, y, functional.normalize(x, dim=1))
        self.weight.copy_(SHARPNESS * functional.normalize(sums, dim=1))
        self.bias.copy_(torch.where(torch.bincount(y, minlength=len(self.bias)) > 0, 0.0, ABSENT_LOGIT))
        return self

    def forward(self, x: Float[torch.Tensor, "n d"]) -> Float[torch.Tensor, "n c"]:
        """Logits."""
        return functional.normalize(x, dim=1) @ self.weight.T + self.bias


class NeighbourVotes(nn.Module):
    """Votes of the nearest labeled items, each weighing as exp(cosine / temperature).

    Source: weighted k-nearest neighbours of Wu et al. 2018 (arXiv:1805.01978, section 3.4), with its temperature of
    0.07. Departures: 10 neighbours instead of 200, for there are few labels; votes of a class are divided by its number
    of items, as classes weigh alike in the other heads; `SMOOTHING`.
    """

    def __init__(self, dim: int, n_classes: int, n_items: int) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.bank: torch.Tensor
        self.labels: torch.Tensor
        self.register_buffer("bank", torch.zeros(n_items, dim))
        self.register_buffer("labels", torch.zeros(n_items, dtype=torch.int64))

    def fit(self, x: Float[torch.Tensor, "n d"], y: Int[torch.Tensor, " n"]) -> "NeighbourVotes":
        """Keep the items."""
        self.bank.copy_(functional.normalize(x, dim=1))
        self.labels.copy_(y)
        return self

    def forward(self, x: Float[torch.Tensor, "m d"]) -> Float[torch.Tensor, "m c"]:
        """Logarithms of the shares of the votes."""
        cosine, nearest = (functional.normalize(x, dim=1) @ self.bank.T).topk(min(N_NEIGHBOURS, len(self.bank)), dim=1)
        sizes = torch.bincount(self.labels, minlength=self.n_classes).clamp(min=1)
        of = self.labels[nearest]
        weight = ((cosine - cosine[:, :1]) / VOTE_TEMPERATURE).exp() / sizes[of]
        votes = torch.zeros(len(x), self.n_classes).scatter_add_(1, of, weight)
        votes = votes / votes.sum(1, keepdim=True)
        return (votes + SMOOTHING / self.n_classes).log()
