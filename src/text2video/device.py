"""Where the arithmetic runs, and in which precision."""

import contextlib
import ctypes
import os
import platform
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, TypeVar

import torch
from torch import nn

from text2video.errors import UserError
from text2video.params import Precision, RuntimeParams

CORES = os.sched_getaffinity(0) if platform.system() == "Linux" else set()  # before a thread is bound to one
Network = TypeVar("Network", bound=nn.Module)
Item = TypeVar("Item")
Result = TypeVar("Result")
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's mallopt(3)
LARGE = 2**25  # bytes, the most that every glibc takes


def pick_device(runtime: RuntimeParams) -> torch.device:
    """The device that ``runtime.device`` names; ``auto`` takes a CUDA or MPS device where there is one.

    Also sets the number of threads, each on a core of its own where they are as many, and has freed memory kept for the
    next tensor. Raises UserError when the named device is unknown or not there.
    """
    if runtime.threads:
        torch.set_num_threads(runtime.threads)
    if platform.system() == "Linux":
        _keep_apart()
    if platform.libc_ver()[0] == "glibc":
        # It would hand large tensors back to the kernel and have them zeroed anew, ten thousand pages in each step.
        for option in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
            ctypes.CDLL(None).mallopt(option, LARGE)
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    name = runtime.device
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if there[kind]))
    kind = name.split(":")[0]
    if not there.get(kind):
        usable = ", ".join(kind for kind in there if there[kind])
        raise UserError(f"runtime.device: there is no {name!r} on this machine; use auto or one of: {usable}")
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"runtime.device: {name!r} does not answer ({str(error).splitlines()[0]})") from error
    return torch.device(name)


def _keep_apart() -> None:
    """Bind each of torch's threads to a core, where there are as many cores and more than one.

    They wait for each other a thousand times in a step. Where another program keeps a core busy, the kernel lets two of
    them share the other one now and then, and each wait lasts a turn of some milliseconds. The results are the same.
    """
    cores = sorted(os.sched_getaffinity(0))
    if not 1 < torch.get_num_threads() == len(cores):
        return
    tasks = Path("/proc/self/task")
    before = set(tasks.iterdir())
    torch.ones(2**20).add_(1)  # the first that is large enough for all threads: it starts them
    workers = (int(task.name) for task in set(tasks.iterdir()) - before)
    for thread, core in zip((0, *workers), cores, strict=False):  # 0 is the thread that calls
        os.sched_setaffinity(thread, {core})


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """``work`` on each of ``items``, in their order: as many at a time as torch has threads, one thread for each.

    A small network keeps several cores busy with waiting for each other. So this is faster than one item after the
    other, and what comes out does not depend on how many cores there are.
    """
    threads = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(threads, initializer=_by_itself) as pool:
            return list(pool.map(work, items))
    finally:
        torch.set_num_threads(threads)  # threads that torch starts from now on begin with what was set last


def _by_itself() -> None:
    """Let this thread compute alone, and on any core: it began on that of the thread that started it."""
    torch.set_num_threads(1)
    if CORES:
        os.sched_setaffinity(0, CORES)


def on_device(network: Network, device: torch.device | str) -> Network:
    """``network`` on ``device``, with its convolutions laid out channels last, which is the faster way."""
    return network.to(device).to(memory_format=torch.channels_last)


def autocast(device: torch.device, precision: Precision) -> contextlib.AbstractContextManager[object]:
    """Do the matrix work inside the block in the precision that ``resolved`` names."""
    return torch.autocast(device.type, torch.bfloat16, enabled=resolved(device, precision) == "bf16")


def resolved(device: torch.device, precision: Precision) -> Literal["bf16", "fp32"]:
    """What ``precision`` comes to on ``device``: bfloat16 for the matrix work, or plain float32.

    ``auto`` takes bfloat16 where the hardware multiplies it natively (1.5 to 2 times as fast); elsewhere it is slower.
    """
    if precision == "auto":
        return "bf16" if _multiplies_bf16(device) else "fp32"
    return precision


def _multiplies_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    features = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return bool(features.get("avx512_bf16") or features.get("amx_bf16"))
