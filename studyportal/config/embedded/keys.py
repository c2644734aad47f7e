"""The keys of an embedded installation: drawn once, kept beside its data, readable by its owner only."""

import os
import secrets
from pathlib import Path

from studyportal.config.embedded.folders import own_folder

KEYS = {
    "STUDYPORTAL_SECRET_KEY": "secret-key",
    "STUDYPORTAL_DEIDENTIFICATION_KEY": "deidentification-key",
}


def use_own_keys(var: Path, *, draw: bool) -> None:
    """The environment names a file for each key that it does not hold.

    Keys are drawn where the installation begins. One that has data already and no keys is older than this rule and
    gets none: new keys would give its participants new pseudonyms.
    """
    folder, begun = var.resolve() / "keys", (var.resolve() / "postgres").exists()
    for name, file_name in KEYS.items():
        if os.environ.get(name) or os.environ.get(f"{name}_FILE"):
            continue
        path = folder / file_name
        if draw and not begun and not path.exists():
            _keep(path)
        if path.exists():
            os.environ[f"{name}_FILE"] = str(path)


def _keep(path: Path) -> None:
    """The file holds a new key; of two processes that draw at once, the first one's key stays."""
    own_folder(path.parent).chmod(0o700)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(60))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
