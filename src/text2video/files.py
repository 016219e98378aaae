"""Writing files so that a reader finds the old one or the new one, never a half."""

import errno
import hashlib
import json
import os
import re
import secrets
import shlex
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from text2video.errors import UserError


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Yield a binary file that takes the place of ``path`` when the block ends well, and vanishes when it does not.

    A symbolic link stays one: the file that it leads to is replaced. An old file's owner and mode are kept; a new file
    has the mode that the umask gives. Raises UserError when the disk refuses (full, read-only, over quota); the old
    file then stays as it was.
    """
    try:
        target = _follow_links(Path(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = _beside(target)
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            _copy_owner_and_mode(target, temporary)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replace_folder(path: Path) -> Iterator[Path]:
    """Yield a fresh folder that takes the place of ``path`` when the block ends well, and vanishes when it does not.

    Links, owner and mode are treated as by ``atomic_write``. Raises UserError when the disk refuses; the old folder
    then stays as it was.
    """
    try:
        target = _follow_links(Path(path))
        if target.is_dir() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if Path.cwd().is_relative_to(target):  # a folder that programs stand in cannot be exchanged
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = _beside(target)
        fresh.mkdir()
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    try:
        _copy_owner_and_mode(target, fresh)  # before it is filled: files take over the group of a setgid folder
        yield fresh
        _swap_in(fresh, target)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _follow_links(path: Path) -> Path:
    """Where ``path`` leads through symbolic links.

    A link to a file that nobody may write is not followed: DVC makes such links into its cache.
    """
    target = Path(os.path.realpath(path))
    if path.is_symlink() and target.is_file() and not target.stat().st_mode & 0o222:
        return path
    return target


def _beside(target: Path) -> Path:
    """An unused name in the same folder, which ``remove_leftovers`` knows."""
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")


def _copy_owner_and_mode(old: Path, fresh: Path) -> None:
    """Give ``fresh`` the owner, group and mode of ``old``, if that exists, as far as the system lets us."""
    try:
        status = os.lstat(old)
    except FileNotFoundError:
        return
    if stat.S_ISLNK(status.st_mode):  # one that is not followed
        return
    with suppress(PermissionError):  # only root gives files away, and some disks have no modes
        if hasattr(os, "chown"):
            os.chown(fresh, status.st_uid, status.st_gid)
    with suppress(PermissionError):
        os.chmod(fresh, stat.S_IMODE(status.st_mode))


def _swap_in(fresh: Path, path: Path) -> None:
    """Move a folder to ``path``, whose old folder is removed, or put back when that fails."""
    old = fresh.with_suffix(".old")
    for attempt in range(10):
        with suppress(FileNotFoundError):  # another writer was quicker
            if path.is_dir():
                os.replace(path, old)
        try:
            os.replace(fresh, path)
            break
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST) and attempt < 9:  # another writer came in between
                shutil.rmtree(old, ignore_errors=True)
                continue
            if old.is_dir():
                os.replace(old, path)
            raise
    shutil.rmtree(old, ignore_errors=True)


def remove_leftovers(*paths: Path) -> None:
    """Remove what writers of these paths left beside them when they were killed.

    Only for one who is sure that nobody else writes them now.
    """
    for path in map(_follow_links, paths):
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


def advice(path: Path) -> str:
    """How to mend ``path``, an output of the pipeline that is damaged or missing: the end of an error's line."""
    if any((folder / ".dvc").is_dir() for folder in Path(os.path.realpath(path)).parents):
        return f"restore it with `dvc checkout --force {shlex.quote(str(path))}`, or make it again with `dvc repro`"
    return "make it again with `dvc repro` in the project's folder, or copy it again"


def write_sealed(path: Path, content: dict[str, Any]) -> None:
    """Write a dict as JSON with a checksum of its content, for ``read_sealed``."""
    write_json(path, content | {"sha256": _seal(content)})


def read_sealed(path: Path, remedy: str) -> dict[str, Any]:
    """Read what ``write_sealed`` wrote. Raises UserError also when a letter of it has changed, however slightly."""
    content = read_json(path, remedy)
    if not isinstance(content, dict) or content.pop("sha256", None) != _seal(content):
        raise UserError(f"{path} is damaged (its checksum does not match); {remedy}")
    return content


def check_files(folder: Path, digests: dict[str, str], remedy: str) -> None:
    """Raises UserError when one of the files in ``folder`` is missing or has not the sha256 that ``digests`` says."""
    for name, digest in digests.items():
        file = folder / Path(name).name  # never outside of the folder, whatever the name says
        if not file.is_file():
            raise UserError(f"{file} is missing; {remedy}")
        if sha256(file) != digest:
            raise UserError(f"{file} is damaged (its checksum does not match); {remedy}")


def _seal(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def sha256(path: Path) -> str:
    """The sha256 of a file's bytes, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
