"""Downloads of models: each file once, resumed where it was cut, checked before it gets its name.

Nothing here runs unless a person asked for it by `fewclick models pull`.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alcore.errors import ModelFileError
from app.catalogue import Source

Progress = Callable[[int, int], None]
"""Bytes so far and in all; 0 in all where the server does not say."""

RECORD = "fewclick.json"
_TIMEOUT_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """What a pull left on this machine."""

    path: Path
    files: dict[str, str]
    """SHA-256 of each weights file."""
    verified: bool
    """True where each was compared with a checksum from elsewhere; else it was only written down."""
    was_here: bool


def pull(source: Source, folder: Path, *, progress: Progress, endpoint: str | None = None) -> Pulled:
    """Bring a model into `folder`, unless it is there.

    Args:
        source: what to bring.
        folder: where models are kept; made where it is missing.
        progress: told of each piece.
        endpoint: another hub, for mirrors; None is the usual one.

    Raises:
        ConnectionError: the server cannot be reached, refuses, or cuts the connection; what came stays for next time.
        ModelFileError: what came is not what was announced.
    """
    place = folder / source.name
    if source.is_in(folder):
        return _look_again(source, folder)
    place.mkdir(parents=True, exist_ok=True)
    if source.url is not None:
        origin, expected = source.url, {str(source.file_name): source.sha256}
        part = place / f"{source.file_name}.part"
        download(source.url, part, progress=progress)
        parts = {str(source.file_name): part}
    else:
        origin, expected, parts = _from_hub(source, place / "part", progress=progress, endpoint=endpoint)
    files = {name: digest_of(part) for name, part in parts.items()}
    for name, digest in files.items():
        wanted = expected.get(name)
        if wanted is not None and wanted != digest:
            parts[name].unlink()
            raise ModelFileError(
                f"{name} of {source.name} has SHA-256 {digest}, but {wanted} was announced; it was damaged on the way "
                f"or replaced at its source, and is not kept: pull again"
            )
    weights = {name: digest for name, digest in files.items() if not name.endswith(".json")}
    verified = all(expected.get(name) for name in weights)
    record = {"name": source.name, "from": origin, "files": weights, "verified": verified, "licence": source.licence}
    (place / RECORD).write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    for name in sorted(parts, key=lambda name: name == "config.json"):  # config.json last: a folder with it is whole
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        parts[name].replace(target)
    shutil.rmtree(place / "part", ignore_errors=True)
    return Pulled(path=source.path_in(folder), files=weights, verified=verified, was_here=False)


def _look_again(source: Source, folder: Path) -> Pulled:
    """Say what is here, and refuse it where it is no longer what was pulled or published."""
    place, path = folder / source.name, source.path_in(folder)
    record = json.loads((place / RECORD).read_text("utf-8")) if (place / RECORD).is_file() else {}
    noted: dict[str, str] = record.get("files") or ({str(source.file_name): source.sha256} if source.sha256 else {})
    files = {name: digest_of(place / name) if (place / name).is_file() else "missing" for name in noted}
    if changed := [name for name, digest in files.items() if digest != noted[name]]:
        raise ModelFileError(
            f"{', '.join(changed)} in {place} is not what was pulled: SHA-256 {files[changed[0]]}, not "
            f"{noted[changed[0]]}; delete the folder and pull again"
        )
    return Pulled(path=path, files=files, verified=bool(record.get("verified", bool(files))), was_here=True)


def download(url: str, part: Path, *, progress: Progress) -> None:
    """Fetch an address into a file, going on where an earlier try stopped.

    Raises:
        ConnectionError: the server cannot be reached, refuses, or sends less than it announced.
    """
    import httpx2

    done = part.stat().st_size if part.is_file() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    try:
        with httpx2.stream("GET", url, headers=headers, follow_redirects=True, timeout=_TIMEOUT_S) as response:
            if response.status_code == 416:  # nothing is left to send, or what is here is not a start of it
                total = int(response.headers.get("content-range", "*/0").rpartition("/")[2] or 0)
                if total == done:
                    return
                part.unlink()
                raise ConnectionError(f"{url}: the file changed since the last try; pull again")
            response.raise_for_status()
            resumed = response.status_code == 206
            done = done if resumed else 0
            rest = int(response.headers.get("content-length") or 0)
            total = done + rest if rest else 0
            with part.open("ab" if resumed else "wb") as file:
                for chunk in response.iter_bytes():  # a larger piece would be lost where the line is cut
                    file.write(chunk)
                    done += len(chunk)
                    progress(done, total)
    except httpx2.HTTPStatusError as error:
        raise ConnectionError(f"{url} answers {error.response.status_code} {error.response.reason_phrase}") from error
    except httpx2.HTTPError as error:
        raise ConnectionError(
            f"cannot fetch {url}: {str(error) or type(error).__name__}; is this machine offline? What came so far is "
            f"kept; or bring the file by other means and name its path"
        ) from error
    if total and done != total:
        raise ConnectionError(f"{url} sent {done} of {total} bytes; pull again to go on from there")


def _from_hub(
    source: Source, part: Path, *, progress: Progress, endpoint: str | None
) -> tuple[str, dict[str, str | None], dict[str, Path]]:
    """Fetch the settings and safetensors of a repository at its newest revision, with the checksums that it tells."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import OfflineModeIsEnabled
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]  # the one that it uses itself

    api, repository = HfApi(endpoint=endpoint), str(source.hub)
    try:
        info = api.model_info(repository, files_metadata=True)
        wanted = [entry for entry in info.siblings or () if _is_wanted(entry.rfilename, source.hub_file)]
        if not any(not entry.rfilename.endswith(".json") for entry in wanted):
            raise ModelFileError(
                f"{repository} offers no {source.hub_file or '.safetensors'}, and nothing else is taken"
            )
        total, done, paths = sum(entry.size or 0 for entry in wanted), 0, {}
        for entry in wanted:
            got = api.hf_hub_download(repository, entry.rfilename, revision=info.sha, local_dir=part)
            paths[entry.rfilename] = Path(got)
            done += entry.size or 0
            progress(done, total)
    except OfflineModeIsEnabled as error:
        raise ConnectionError("HF_HUB_OFFLINE is set, so the hub is not asked; unset it for this command") from error
    except (httpx.HTTPError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        hint = source.note or "is this machine offline? Or bring the folder by other means and name its path"
        raise ConnectionError(f"cannot fetch {repository} from the hub: {reason}; {hint}") from error
    expected: dict[str, str | None] = {entry.rfilename: _sha256_of(entry) for entry in wanted}
    return f"hub:{repository}@{info.sha}", expected, paths


def _is_wanted(name: str, only: str | None) -> bool:
    """Whether a file of a repository is needed; weights that are pickled are not, unless the catalogue names them."""
    if only is not None:
        return name == only
    return "/" not in name and name.endswith((".safetensors", ".json"))


def _sha256_of(entry: Any) -> str | None:
    """The checksum that the hub keeps for a large file."""
    return entry.lfs.sha256 if entry.lfs is not None else None


def digest_of(path: Path) -> str:
    """SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
