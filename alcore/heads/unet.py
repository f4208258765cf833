"""A U-Net that sees the image alone: the baseline against which frozen features prove their worth."""

import torch
from jaxtyping import Float
from torch import nn

CHANNELS = (16, 32, 64, 128)


class ImageUNet(nn.Module):
    """MONAI's residual U-Net with the calling convention of `Decoder`.

    Source: Kerfoot et al. 2019, `monai.networks.nets.UNet`, with batch normalisation as in `Decoder`.
    """

    def __init__(self, n_classes: int) -> None:
        from monai.networks.nets import UNet  # type: ignore[attr-defined]  # imported here: it takes seconds

        super().__init__()
        self.net = UNet(
            spatial_dims=2,
            in_channels=3,
            out_channels=n_classes,
            channels=CHANNELS,
            strides=(2,) * (len(CHANNELS) - 1),
            num_res_units=1,
            norm="BATCH",
        )

    def forward(
        self, features: Float[torch.Tensor, "n c hd wd"], images: Float[torch.Tensor, "n 3 s s"]
    ) -> Float[torch.Tensor, "n k s s"]:
        """Give the logits at the image's own side; the features have no say."""
        logits: torch.Tensor = self.net(images)
        return logits
