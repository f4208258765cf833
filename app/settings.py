"""All settings of a server, each with its default. Read once, from the environment or the workspace's `settings.toml`.

The environment (`FEWCLICK_TOKEN`, `FEWCLICK_LEASE_S`, ...) wins over the file; lists are written as JSON there.
"""

import ipaddress
import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource


class Settings(BaseSettings):
    """Settings of one server or one command."""

    model_config = SettingsConfigDict(env_prefix="FEWCLICK_", extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    """Address to listen on; any other than this machine's own needs `token` or `users_file`."""
    port: int = Field(7860, ge=0, le=65535)
    root_path: str = ""
    """Prefix under which a reverse proxy serves us, e.g. `/annotate`."""
    token: SecretStr | None = None
    """One secret for programs (bearer token) and for the log-in page."""
    users_file: Path | None = None
    """Lines of `name:argon2 hash`; people log in with name and password."""
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    """`info` writes one line per request and job to stderr; file names and pixels are never logged."""
    cookie_days: float = Field(7.0, gt=0)
    import_roots: tuple[Path, ...] = ()
    """Folders on the server that may be imported from over HTTP when it does not listen on loopback."""

    max_file_mb: float = Field(512.0, gt=0)
    """Limit of one imported file."""
    max_upload_mb: float = Field(4096.0, gt=0)
    """Limit of one upload request, all files together."""
    max_upload_files: int = Field(500, ge=1)
    """Limit of one upload request; each file of over 1 MB costs the server an open file, so send more in batches."""
    max_body_mb: float = Field(32.0, gt=0)
    """Limit of every other request's body."""
    max_draft_mb: float = Field(4.0, gt=0)
    """Limit of one autosaved draft."""

    lease_s: float = Field(600.0, gt=0)
    """How long an item stays with an annotator without a heartbeat."""
    image_cache_mb: float = Field(256.0, ge=0)
    """Memory for decoded images."""
    state_cache_mb: float = Field(768.0, ge=0)
    """Memory for encoded images of the promptable model."""
    logits_cache_mb: float = Field(64.0, ge=0)
    """Memory for the last logits of objects that are being prompted."""
    prefetch_items: int = Field(2, ge=0, le=20)
    """Encode so many items ahead for prompts; 0 switches it off."""
    max_hole_share: float = Field(0.002, ge=0, le=1)
    """Holes and specks of a predicted mask below this share of the mask's area are cleaned away."""

    encoder_batch_size: int = Field(16, ge=1)
    allow_download: bool = False
    """Let encoders and promptable models fetch weights from a hub; off, only files on this machine are used."""
    models_dir: Path | None = None
    """Where `fewclick models` keeps models, by default `fewclick/models` in the user's data folder."""
    audit_share: float = Field(0.1, ge=0, le=0.5)
    """Share of the pool, by whole patients, and of what is asked that heads are measured on and never trained on."""
    min_audit: int = Field(8, ge=2)
    """From so many labeled audit items on, the curve is measured on them alone; a smaller audit set is not begun."""
    control_share: float = Field(0.1, ge=0, le=0.5)
    """Share of what is asked that is drawn at random and trained on, to see whether choosing pays; 0: none."""
    stop_gain: float = Field(0.005, gt=0)
    """A batch that is likely to raise the model's value by less is not worth its time; the advice to stop uses it."""
    max_per_group: int | None = Field(None, ge=1)
    """At most so many items of one group (patient) in a batch."""
    crossfit_folds: int = Field(3, ge=2, le=10)
    """Labels are measured in so many parts, each by a head that was trained without it."""
    gate_tolerance: float = Field(0.02, ge=0)
    """A new model replaces the old one unless it is worse by more than this and chance, on items new to both."""
    adapt_min_images: int = Field(8, ge=4)
    """Adapt the promptable model from so many images on that hold a mask which somebody corrected or drew."""
    adapt_after: int = Field(10, ge=1)
    """A project that adapts automatically does so again once so many of these images are new since the last attempt."""
    adapt_margin: float = Field(0.01, ge=0)
    """An adapted model is taken into use if its mean Dice on held-out masks rises by more, and clicks to 0.9 do not."""
    weigh_pseudo_masks: bool = False
    """Pseudo-masks that nobody corrected, with their surroundings, count their quality in training, drawn ones 1."""
    pseudo_mask_band: bool = False
    """Leave out of training a band around the border of pseudo-masks that nobody corrected."""
    relabel_pseudo_masks: bool = False
    """Replace pseudo-masks of a quality below 0.7 by what a head that did not see them is sure of."""
    learn_unlabeled: bool = False
    """Learn also from unlabeled images what heads are sure of, where it pays on labels that they did not see."""
    calibrate_quality: bool = True
    """Only calibrated qualities count: jobs ask the click model again about accepted masks. Off, the stored ones do."""
    max_scored: int = Field(1000, ge=1)
    """Score at most so many unlabeled items per round, drawn at random from a larger pool."""

    @property
    def models_folder(self) -> Path:
        """Folder of pulled models; it need not exist."""
        if self.models_dir is not None:
            return self.models_dir
        data = os.environ.get("XDG_DATA_HOME")
        return (Path(data) if data else Path.home() / ".local" / "share") / "fewclick" / "models"

    @property
    def is_loopback(self) -> bool:
        """True when only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def needs_login(self) -> bool:
        """True when a request must say who sends it."""
        return self.token is not None or self.users_file is not None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment; nothing else is read unless `load_settings` names a file."""
        return init_settings, env_settings


def load_settings(workspace: Path, **overrides: object) -> Settings:
    """Read the settings of a workspace: `overrides`, then the environment, then its `settings.toml`, then defaults."""
    file = workspace / "settings.toml"

    class FromFile(Settings):
        """Settings with the workspace's file as the last source."""

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file)

    given = {name: value for name, value in overrides.items() if value is not None}
    return FromFile(**given)  # type: ignore[arg-type]
