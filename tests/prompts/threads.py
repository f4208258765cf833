"""Many users at once: what a model tells one of them must not depend on the others."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import UInt8

from prompts.predictor import Predictor
from prompts.types import Prompt

N_THREADS = 8


def assert_images_never_mix(model: Predictor, images: Sequence[UInt8[np.ndarray, "h w 3"]], prompt: Prompt) -> None:
    """Encode and prompt two images of a size in eight threads at once; each must get what it gets when alone.

    Logits are compared, from an encoding that threads share and from one of the thread's own. Threads may sum in
    another order, so "what it gets when alone" means a hundred times nearer to it than to the other image's answer.
    """
    states = [model.embed(image) for image in images]
    alone = [model.predict(state, prompt).low_res_logits for state in states]
    allowed = 0.01 * float(np.abs(alone[0] - alone[1]).max())
    assert allowed > 0, "the images must differ for this test to mean anything"
    start = threading.Barrier(N_THREADS)

    def work(thread: int) -> bool:
        start.wait()
        worst = 0.0
        for turn in range(3):
            k = (thread + turn) % 2
            for state in (states[k], model.embed(images[k])):
                worst = max(worst, float(np.abs(model.predict(state, prompt).low_res_logits - alone[k]).max()))
        return worst <= allowed

    with ThreadPoolExecutor(N_THREADS) as threads:
        assert all(threads.map(work, range(N_THREADS)))
