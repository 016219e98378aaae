"""What the options of a flow do: how many videos are right, how quickly they are drawn, and a picture with a row each.

Run in a repository whose pipeline has made a flow: `python benchmarks/options.py`. Prompts and first frames are those
of its validation clips.
"""

import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from common import ROOT, report

from text2video import load_model
from text2video.bundle import Model, Wishes
from text2video.console import run
from text2video.data.packed import PackedReader
from text2video.judge import compare, judge_clips
from text2video.judge.rules import DIRECTIONS
from text2video.judge.track import track
from text2video.layout import Layout
from text2video.sheets import contact_sheet, save_png
from text2video.world.captions import parse_prompt

SEED, LONG, STRIP = 0, 30, 10
WITHIN, FEWEST = 22.5, 3  # degrees off a straight move's direction, and whole objects to see it from
PICTURE = ROOT / "docs" / "options.png"
PROMPT, OTHER = "a red circle moving right", "a green square bouncing vertically"


def main(
    model: Annotated[str, typer.Option(help="An exported flow.")] = "models/export",
    root: Annotated[Path, typer.Option(help="The folder of a pipeline of drawn clips that has run.")] = Path(),
    clips: Annotated[int, typer.Option(min=1, help="For each row.")] = 96,
    picture: Annotated[Path, typer.Option(help="Where the picture goes.")] = PICTURE,
) -> None:
    """One row for each option, and the picture."""
    loaded, real = load_model(model), PackedReader(Layout(root).validation)
    prompts = list(real.captions[:clips])
    plain, row = as_asked(loaded, prompts, "as exported")
    rows = [row]
    rows += [as_asked(loaded, prompts, f"--guidance {value:g}", guidance=value)[1] for value in (1.0, 1.5, 3.0, 4.0)]
    rows += [as_asked(loaded, prompts, f"--steps {value}", steps=value)[1] for value in (4, 8, 24)]
    first = [second_video(loaded, prompt, first=real[row][:1]) for row, prompt in enumerate(prompts)]
    rows.append(judged("--first-frame, of a real clip", np.concatenate(first), prompts))
    rows += [longer(loaded, clips, frames) for frames in (loaded.config["frames"], 2 * loaded.config["frames"], LONG)]
    rows += [varied(loaded, prompts, plain, change) for change in (0.3, 0.6, 0.8)]
    report("options" if root == Path() else f"options-{root.name}", rows)
    save_png(picture, contact_sheet(*strips(loaded, real)))


def as_asked(model: Model, prompts: list[str], name: str, **wishes: Any) -> tuple[np.ndarray, dict[str, Any]]:
    """Videos of the prompts, all with the same options, and their row."""
    start = time.perf_counter()
    clips = model.draw(prompts, SEED, range(len(prompts)), **wishes)
    speed = len(clips) / (time.perf_counter() - start)
    return clips, judged(name, clips, prompts) | {"clips/s": speed}


def longer(model: Model, clips: int, frames: int) -> dict[str, Any]:
    """Videos of straight moves, of more frames than were trained on. The object leaves the frame in most of them, and a
    video without one in each frame is not right: ``direction`` is the share of those that go where they should for as
    long as the whole object is seen."""
    names = [f"{shape} moving {way}" for shape in ("circle", "square", "triangle") for way in DIRECTIONS]
    asked = [names[row % len(names)] for row in range(clips)]
    drawn = model.draw(asked, SEED, range(clips), frames=frames)
    ways = np.deg2rad([DIRECTIONS[prompt.partition(" moving ")[2]] for prompt in asked])
    row = judged(f"--frames {frames}, straight moves", drawn, asked)
    return row | {"direction": float((off_direction(drawn, ways) <= WITHIN).mean())}


def off_direction(clips: np.ndarray, ways: np.ndarray) -> np.ndarray:
    """The angle in degrees between the way of each clip's object and the one asked for, in radians counter-clockwise
    from the right: from the first frame to the last before it touches the edge; 180 where these are too few."""
    tracks = track(clips)
    seen = np.logical_and.accumulate(tracks.whole, axis=1).sum(1)
    last = tracks.centre[np.arange(len(clips)), np.maximum(seen - 1, 0)]
    x, y = (last - tracks.centre[:, 0]).T
    turned = np.rad2deg(np.arctan2(-y, x) - ways)
    return np.where(seen >= FEWEST, np.abs((turned + 180) % 360 - 180), 180.0)


def varied(model: Model, prompts: list[str], plain: np.ndarray, change: float) -> dict[str, Any]:
    """Variations of the ``plain`` videos of the prompts, and how far from these they are in grey levels."""
    drawn = [second_video(model, text, like=clip, change=change) for text, clip in zip(prompts, plain, strict=True)]
    clips = np.concatenate(drawn)
    far = float(np.abs(clips.astype(np.float32) - plain).mean())
    return judged(f"--like --change {change}", clips, prompts) | {"grey levels": far}


def second_video(model: Model, prompt: str, **wishes: Any) -> np.ndarray:
    """Video 1 of a prompt: 0 may be the one that is varied."""
    return model.draw([prompt], SEED, [1], **wishes)


def judged(name: str, clips: np.ndarray, prompts: list[str]) -> dict[str, Any]:
    """What the judge says of the prompts' clips, as a row of the table."""
    hits = compare(judge_clips(clips), [parse_prompt(text) for text in prompts]).right
    shares = {aspect: float(some.mean()) for aspect, some in hits.items()}
    return {"option": name, **shares, "direction": None, "clips/s": None, "grey levels": None}


def strips(model: Model, real: PackedReader) -> tuple[list[np.ndarray], list[str]]:
    """A film strip for each option, and its command."""
    plain = model.draw([PROMPT], SEED, [0])[0]
    way = next(row for row, text in enumerate(real.captions) if (parse_prompt(text).motion or "") in DIRECTIONS)
    options: list[tuple[str, str, Wishes]] = [
        (PROMPT, "", {}),
        (PROMPT, "--guidance 4", {"guidance": 4.0}),
        (PROMPT, "--steps 4", {"steps": 4}),
        (real.captions[way], "--first-frame (a frame of a real clip)", {"first": real[way][:1]}),
        (PROMPT, f"--frames {LONG} (every third is shown)", {"frames": LONG}),
        (PROMPT, "--like (the first row) --change 0.6", {"like": plain, "change": 0.6}),
        (OTHER, "--like (the first row) --change 0.8", {"like": plain, "change": 0.8}),
        (PROMPT, f'--towards "{OTHER}" --share 0.5', {"towards": OTHER, "share": 0.5}),
        (OTHER, "", {}),
    ]
    clips = [model.draw([prompt], SEED, [0], **wishes)[0] for prompt, _, wishes in options]
    shown = [clip[:: max(len(clip) // STRIP, 1)][:STRIP] for clip in clips]
    return shown, [f'"{prompt}" {option}' for prompt, option, _ in options]


if __name__ == "__main__":
    run(lambda: typer.run(main))
