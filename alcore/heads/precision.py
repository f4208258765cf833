"""Number format of the heads' arithmetic."""

import torch


def fast_autocast() -> torch.autocast:
    """bfloat16 where this processor computes it natively, else a context that changes nothing."""
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    native = bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=native)
