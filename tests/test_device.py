"""The device: where threads run."""

import ast
import os
import platform
import subprocess
import sys
from typing import Any

import pytest


def printed(script: str) -> Any:
    """What a process of its own prints of itself."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return ast.literal_eval(done.stdout)


def threads_and_cores(threads: int) -> tuple[set[int], list[set[int]]]:
    """The cores that a process may use, and those of each of its threads once a device was picked."""
    return printed(f"""
import os, torch
from text2video.device import pick_device
from text2video.params import RuntimeParams
free = os.sched_getaffinity(0)
pick_device(RuntimeParams(device="cpu", threads={threads}))
torch.ones(2**20).add_(1)
print((free, [os.sched_getaffinity(int(task)) for task in os.listdir("/proc/self/task")]))
""")


@pytest.mark.skipif(platform.system() != "Linux" or len(os.sched_getaffinity(0)) < 2, reason="no cores to bind to")
def test_threads_that_wait_for_each_other_do_not_share_a_core():
    """Protects speed beside a busy program: as many threads as cores get one each, fewer go where they like."""
    cores = os.sched_getaffinity(0)
    free, bound = threads_and_cores(len(cores))
    assert free == cores
    assert sorted(core for places in bound if len(places) == 1 for core in places) == sorted(cores)
    free, loose = threads_and_cores(1)
    assert all(places == free for places in loose)


@pytest.mark.skipif(platform.system() != "Linux", reason="no cores to be bound to")
def test_what_is_done_side_by_side_is_done_on_all_cores():
    """Protects videos a second, and their bits: each is made by one thread, wherever there is room, though the thread
    that asks for them is bound to a core; and that one has its threads again afterwards."""
    cores = os.sched_getaffinity(0)
    done, threads = printed(f"""
import os, time, torch
from text2video.device import pick_device, side_by_side
from text2video.params import RuntimeParams

def work(number):
    time.sleep(0.05)
    return number, torch.get_num_threads(), os.sched_getaffinity(0)

pick_device(RuntimeParams(device="cpu", threads={len(cores)}))
print((side_by_side(work, range(6)), torch.get_num_threads()))
""")
    assert done == [(number, 1, cores) for number in range(6)]
    assert threads == len(cores)
