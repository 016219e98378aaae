"""Writing files so that a reader finds the old one or the new one, never a half."""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from text2video.errors import UserError


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Yield a binary file that takes the place of ``path`` when the block ends well, and vanishes when it does not.

    Raises UserError when the disk refuses (full, read-only, over quota); the old file then stays as it was.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes files private; these are meant to be shared
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        Path(temporary).unlink(missing_ok=True)


@contextmanager
def replace_folder(path: Path) -> Iterator[Path]:
    """Yield a fresh folder that takes the place of ``path`` when the block ends well, and vanishes when it does not.

    Raises UserError when the disk refuses; the old folder then stays as it was.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"))
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    try:
        yield fresh
        fresh.chmod(0o755)
        _swap_in(fresh, path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _swap_in(fresh: Path, path: Path) -> None:
    """Move a folder to ``path``, whose old folder is removed, or put back when that fails."""
    old = fresh.with_suffix(".old")
    if path.is_dir():
        os.replace(path, old)
    try:
        os.replace(fresh, path)
    except OSError:
        if old.is_dir():
            os.replace(old, path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def remove_leftovers(*paths: Path) -> None:
    """Remove what writers of these paths left beside them when they were killed.

    Only for one who is sure that nobody else writes them now.
    """
    for path in paths:
        left = re.compile(rf"\.{re.escape(path.name)}\.\w{{8}}\.(tmp|old)")
        for entry in path.parent.glob(".*"):
            if left.fullmatch(entry.name):
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, whole or not at all."""
    with atomic_write(path) as file:
        file.write(text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON with its keys in the given order, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path, remedy: str = "") -> Any:
    """Read JSON. Raises UserError, with ``remedy`` as its advice, when the file is missing or is no JSON."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing; {remedy or 'check the path'}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged ({error}); {remedy or 'restore it'}") from error


def write_sealed(path: Path, page: dict[str, Any]) -> None:
    """Write a page as JSON with a checksum of its content, for ``read_sealed``."""
    write_json(path, page | {"sha256": _seal(page)})


def read_sealed(path: Path, remedy: str) -> dict[str, Any]:
    """Read what ``write_sealed`` wrote. Raises UserError also when a letter of it has changed, however slightly."""
    page = read_json(path, remedy)
    if not isinstance(page, dict) or page.pop("sha256", None) != _seal(page):
        raise UserError(f"{path} is damaged (its checksum does not match); {remedy}")
    return page


def check_files(folder: Path, digests: dict[str, str], remedy: str) -> None:
    """Raises UserError when one of the files in ``folder`` is missing or has not the sha256 that ``digests`` says."""
    for name, digest in digests.items():
        file = folder / Path(name).name  # never outside of the folder, whatever the name says
        if not file.is_file():
            raise UserError(f"{file} is missing; {remedy}")
        if sha256(file) != digest:
            raise UserError(f"{file} is damaged (its checksum does not match); {remedy}")


def _seal(page: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(page, sort_keys=True).encode()).hexdigest()


def sha256(path: Path) -> str:
    """The sha256 of a file's bytes, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
