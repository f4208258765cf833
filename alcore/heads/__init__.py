"""Task heads: small networks trained from scratch on frozen features.

Names are listed without importing torch; take functions from their modules: `segmentation`, `classification`,
`folds`, `scoring`.
"""

from alcore.heads.registry import DEFAULT_HEADS, HEADS, HeadInfo, resolve_head

__all__ = ["DEFAULT_HEADS", "HEADS", "HeadInfo", "resolve_head"]
