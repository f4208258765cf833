"""Give the mean of two weights files: `python -m prompts.builtin.training.average A B --out FILE`.

Where one went on from the other, their mean often does better on what neither has seen (Wortsman et al. 2022,
arXiv:2109.01903). The judge belongs to one network's answers and is left out: fit it anew with `training.judge`.
"""

import argparse
from pathlib import Path

from safetensors.torch import save_file

from prompts.builtin.training.folding import read_folded


def average(first: Path, second: Path, out: Path) -> None:
    """Write the mean of two weights files, without a judge, in the precision of the first.

    Raises:
        SystemExit: they are not of one network; the text names the first odd tensor.
    """
    ours, theirs = read_folded(first), read_folded(second)
    shapes = [{name: tuple(value.shape) for name, value in state.items()} for state in (ours, theirs)]
    odd = sorted(n for n in shapes[0].keys() | shapes[1].keys() if shapes[0].get(n) != shapes[1].get(n))
    if odd:
        raise SystemExit(
            f"{first} and {second} are of different networks: {odd[0]!r} is {shapes[0].get(odd[0])} in one and "
            f"{shapes[1].get(odd[0])} in the other; give two weights files of one network"
        )
    save_file({name: ((value.float() + theirs[name].float()) / 2).to(value.dtype) for name, value in ours.items()}, out)
    out.chmod(0o644)


def main() -> None:
    """Read, average, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="weights without a judge")
    args = parser.parse_args()
    average(args.first, args.second, args.out)


if __name__ == "__main__":
    main()
