"""Where the time of a training step and of a generated clip goes, by torch's profiler.

Run from the repository: `python benchmarks/hotspots.py`.
"""

from collections.abc import Callable
from typing import Any

from common import ROOT, report
from torch.profiler import ProfilerActivity, profile
from training import codec_step, gan_step

from text2video import load_model
from text2video.params import load_params

SHOWN, CALLS = 8, 16


def shares(what: str, work: Callable[[], object]) -> list[dict[str, Any]]:
    """The operators that take longest, and their share of the whole."""
    work()
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        for _ in range(CALLS):
            work()
    averages = sorted(seen.key_averages(), key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in averages)
    return [
        {
            "what": what,
            "operator": event.key,
            "share": event.self_cpu_time_total / total,
            "calls": event.count // CALLS,
        }
        for event in averages[:SHOWN]
    ]


def main() -> None:
    """The GAN's step, the codec's step, one video."""
    params, model = load_params(ROOT / "params.yaml"), load_model()
    works: dict[str, Callable[[], object]] = {
        "train, a step": gan_step(params, (params.codec.channels, 8, 8), 10),
        "autoencode, a step": codec_step(params),
        "generate, a video": lambda: model.generate("circle moving up-right"),
    }
    report("hotspots", [row for what, work in works.items() for row in shares(what, work)])


if __name__ == "__main__":
    main()
