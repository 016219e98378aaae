"""Checkpoints: a run that was stopped goes on where it was saved, and ends in the same bits as one that never was.

It is saved at the first signal, and every ``runtime.checkpoint_every`` seconds, to a scratch folder out of the reach of
DVC, which deletes the outputs of a stage that is to run again. The folder's name is made of everything that shapes the
result, so that no run takes up another one's state; it goes when the stage is done.
"""

import fcntl
import hashlib
import io
import json
import os
import pickle
import platform
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, Any, Protocol

import numpy as np
import psutil
import torch
from torch import Tensor

from text2video.console import note, warn
from text2video.errors import Stopped, UserError
from text2video.files import atomic_write, remove_leftovers, sha256

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, `kill` and queues, a terminal that is closed
KEEP_DAYS = 30  # what nobody goes on with for so long is removed


class Stateful(Protocol):
    """What can be saved: a network, an optimizer, a schedule, or what follows their custom."""

    def state_dict(self) -> dict[str, Any]:
        """All that it holds, in tensors, numbers, texts, bytes, lists, tuples and dicts of these."""

    def load_state_dict(self, state: dict[str, Any], /) -> object:
        """Take over what ``state_dict`` gave."""


class RNGState:
    """A random number generator as a thing that can be saved."""

    def __init__(self, rng: torch.Generator) -> None:
        self.rng = rng

    def state_dict(self) -> dict[str, Tensor]:
        """Where the generator stands."""
        return {"state": self.rng.get_state()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Let the generator go on from there."""
        self.rng.set_state(state["state"])


class CheckpointStore:
    """The saved state of one run, and the signals that stop it; ``resumable`` makes it."""

    def __init__(self, file: Path, every: float) -> None:
        self.file, self.every = file, every
        self._parts: Mapping[str, Stateful] = {}
        self._stepping, self._signal, self._dvc = False, 0, _started_by()

    def restore(self, parts: Mapping[str, Stateful], total: int) -> int:
        """Bring all that a run consists of into the state in which it was saved.

        Returns how many steps were done, 0 if nothing is saved or it is damaged. Raises UserError for another's state.
        """
        self._parts = parts
        state = read_checkpoint(self.file)
        if state is None:
            return 0
        try:
            for name, part in parts.items():
                part.load_state_dict(state[name])
            done = int(state["done"])
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise UserError(f"{self.file} holds no state of this run; remove it, to start afresh") from error
        note(f"going on from step {done} of {total}")
        return done

    def steps(self, start: int, total: int) -> Iterator[int]:
        """The numbers of the steps from ``start`` on. Between two of them, saves from time to time.

        Raises Stopped between two steps, all saved, when a signal came or the DVC that started this is gone.
        """
        saved = time.monotonic()
        self._stepping = True
        for step in range(start, total):
            yield step
            if self._dvc and _ended(self._dvc):
                # Nobody waits for the result, and the next `dvc repro` may come.
                self._signal = signal.SIGTERM
            if self._signal or time.monotonic() - saved >= self.every:
                states = {name: part.state_dict() for name, part in self._parts.items()}
                write_checkpoint(self.file, {"done": step + 1, **states})
                saved = time.monotonic()
            if self._signal:
                message = f"stopped at step {step + 1} of {total}; the next run goes on from there"
                raise Stopped(message, self._signal)
        self._stepping = False

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """Stop after the step that is being done; at once when there is none, or when it is not the first signal."""
        if self._signal or not self._stepping:
            raise Stopped("stopped; the next run goes on from what was saved before", number)
        self._signal = number


@contextmanager
def resumable(stage: str, root: Path, run: str, every: float) -> Iterator[CheckpointStore]:
    """Where the stage ``stage`` of the pipeline in ``root`` saves the state of ``run``, every ``every`` seconds.

    What was saved goes when the block ends well, and stays when it does not. Raises UserError when another process does
    the same run, or the same stage in the same place.
    """
    home, file = scratch_home(root), checkpoint_file(stage, root, run)
    place = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
    what = f"the stage {stage}"
    with locked(home / f"{stage}-in-{place}.lock", what), locked(file.with_name("lock"), what):
        checkpoints = CheckpointStore(file, every)
        remove_leftovers(checkpoints.file)
        _forget_old(home)
        before = {number: signal.getsignal(number) for number in SIGNALS}
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:  # nohup
                signal.signal(number, checkpoints.on_signal)
        try:
            yield checkpoints
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        checkpoints.file.unlink(missing_ok=True)


def fingerprint(params: Any, root: Path, inputs: Sequence[Path], device: torch.device) -> str:
    """A name for all that shapes a stage's result, 16 hexadecimal digits.

    It is made of ``params`` (as JSON), the files in ``inputs``, the loaded code, the libraries, and the machine.
    """
    files = [file for path in inputs for file in sorted([path, *path.rglob("*")]) if file.is_file()]
    code = {
        name: sha256(Path(module.__file__))
        for name, module in sys.modules.items()
        if name.split(".")[0] == "text2video" and module.__file__
    }
    shaping = {
        "params": params,
        "inputs": {str(file.relative_to(root)): sha256(file) for file in files},
        "code": code,
        "libraries": [platform.python_version(), torch.__version__, np.__version__],
        "processor": [dict(torch.cpu.get_capabilities()), torch.get_num_threads()],
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
    }
    return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()[:16]


def checkpoint_file(stage: str, root: Path, run: str) -> Path:
    """Where ``resumable`` saves a run."""
    return scratch_home(root) / f"{stage}-{run}" / "checkpoint"


def scratch_home(root: Path) -> Path:
    """Where runs are saved: in the DVC repository around ``root``, or, without one, in ``root``.

    For an experiment in a copy it is the repository in which it was started: the copy is thrown away.
    """
    started = [Path(os.environ["DVC_ROOT"])] if "DVC_ROOT" in os.environ else []
    for folder in [*started, root.resolve(), *root.resolve().parents]:
        if (folder / ".dvc").is_dir():
            return folder / ".dvc" / "tmp" / "text2video"
    return root / ".scratch"


def require_finite(loss: Tensor, step: int, key: str) -> None:
    """Raises UserError, with the parameter ``key`` as advice, when the loss of a step is NaN or infinite."""
    if not torch.isfinite(loss):
        number = f"the loss is {loss.item()} in step {step + 1}"
        raise UserError(f"{number}; it changed no weight; try a smaller {key}")


def write_checkpoint(file: Path, state: dict[str, Any]) -> None:
    """Write a state behind the checksum of its bytes. The file before stays until this one is whole."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    with atomic_write(file) as out:
        out.write(hashlib.sha256(buffer.getbuffer()).digest())
        out.write(buffer.getbuffer())


def read_checkpoint(file: Path) -> dict[str, Any] | None:
    """Read what ``write_checkpoint`` wrote; None when there is nothing, or, with a warning, when it is damaged."""
    try:
        content = file.read_bytes()
        if hashlib.sha256(content[32:]).digest() != content[:32]:
            raise ValueError("its checksum does not match")
        state = torch.load(io.BytesIO(content[32:]), map_location="cpu", weights_only=True)
        return dict(state)
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValueError, TypeError, RuntimeError, pickle.UnpicklingError) as error:
        reason = str(error).partition("\n")[0]
        warn(f"{file} is damaged ({reason}); starting from the first step")
        return None


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold ``path`` as a lock. It goes, and its folder if empty, with the block; the hold goes with the process, too.

    Raises UserError, which begins with ``what``, when another process holds it.
    """
    with _take_lock(path, what):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            with suppress(OSError):  # not empty
                path.parent.rmdir()


def _started_by() -> psutil.Process | None:
    """The DVC that runs this stage, if one does: the nearest process above whose own environment names no stage.

    It is not always the parent: some shells stay between a command and who asked for it, and so does ``torchrun``.
    """
    if "DVC_STAGE" not in os.environ:
        return None
    with suppress(psutil.Error):
        for process in psutil.Process().parents():
            if "DVC_STAGE" not in process.environ():
                return process
    return None


def _ended(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    return True


def _take_lock(path: Path, what: str) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "a+")  # noqa: SIM115 (the caller's with)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not path.exists() or not os.path.samestat(path.stat(), os.fstat(file.fileno())):
            file.close()
            return _take_lock(path, what)  # who held it removed it after it was opened here
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        return file
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read() or "?"
        raise UserError(
            f"{what} is being run already, by process {holder}; wait for it, or stop it with: kill {holder}"
        ) from error
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error


def _forget_old(home: Path) -> None:
    """Remove the state of runs that nobody went on with, and locks left lying; one at work was saved a moment ago."""
    for entry in home.iterdir():
        with suppress(FileNotFoundError, UserError):  # its run is done; it is held
            if time.time() - entry.stat().st_mtime < KEEP_DAYS * 86400:
                continue
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                with locked(entry, "it"):
                    pass
