"""Makes a folder of captioned videos: handwritten digits that move, white on black, 64x64 pixels, a second long.

The digits are those of scikit-learn, 1,797 pictures of 8x8 pixels. Some (digit, motion) pairs, drawn by the seed, are
only in the folder ``test``, whatever words ask for them; so is the last fifth of the pictures.
Run from the repository: `python digits/make_videos.py`.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import islice, product
from pathlib import Path
from typing import Annotated, NamedTuple

import cv2
import numpy as np
import typer
from sklearn.datasets import load_digits

from text2video import console
from text2video.console import Progress
from text2video.errors import UserError
from text2video.files import replace_folder
from text2video.media import save_mp4

SIZE, FRAMES, FPS = 64, 10, 10
SMALLEST, LARGEST = 18, 30  # pixels: height of a digit
SHORTEST = 14  # pixels that it moves at least
HELD_OUT = 0.15  # of the pairs of digit and motion
TEST = 0.1  # of the clips; half of them of the pairs held out, half of the others
STEADY, RETURN = np.linspace(0, 1, FRAMES), 1 - abs(np.linspace(-1, 1, FRAMES))

# Of a motion: its direction (x to the right, y down), how far it is at each frame, and its words.
MOTIONS = {
    "up": ((0, -1), STEADY, ("up", "upwards")),
    "down": ((0, 1), STEADY, ("down", "downwards")),
    "left": ((-1, 0), STEADY, ("left", "to the left")),
    "right": ((1, 0), STEADY, ("right", "to the right")),
    "up then down": ((0, -1), RETURN, ("up then down", "up and then down")),
    "left then right": ((-1, 0), RETURN, ("left then right", "left and then right")),
}
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
WORDINGS = (
    "the digit {digit} is moving {direction}",
    "the digit {digit} moves {direction}",
    "a {digit} going {direction}",
    "the handwritten number {name} moves {direction}",
)
Pair = tuple[int, str]


class Clip(NamedTuple):
    """What is drawn, and into which file."""

    file: str
    digit: int
    motion: str
    new_picture: bool
    seed: tuple[int, int]


def held_out_pairs(seed: int) -> set[Pair]:
    """The (digit, motion) pairs that are never trained on. Every digit and every motion is, in other pairs."""
    rng = np.random.default_rng(seed)
    pairs = list(product(range(10), MOTIONS))
    wanted, held = round(HELD_OUT * len(pairs)), set[Pair]()
    for place in rng.permutation(len(pairs)):
        digit, motion = pairs[place]
        same = sum(digit == other for other, _ in held), sum(motion == other for _, other in held)
        if len(held) < wanted and same[0] < 1 and same[1] < 2:
            held.add(pairs[place])
    return held


def plan(clips: int, seed: int) -> list[Clip]:
    """Every clip: digits and motions in turn, each clip with a seed of its own."""
    held = held_out_pairs(seed)
    kept = [pair for pair in product(range(10), MOTIONS) if pair not in held]
    test = round(TEST * clips)
    parts = [("train", kept, clips - test), ("test", sorted(held), test // 2), ("test", kept, test - test // 2)]
    planned: list[Clip] = []
    for folder, pairs, number in parts:
        for n in range(number):
            place = len(planned)
            digit, motion = pairs[n % len(pairs)]
            planned.append(Clip(f"{folder}/{place:05}.mp4", digit, motion, folder == "test", (seed, place)))
    return planned


def draw(clip: Clip, images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, str]:
    """The frames ``uint8[T, 64, 64, 3]`` and the caption."""
    rng = np.random.default_rng(clip.seed)
    first_new = round(0.8 * len(labels))  # and all before it are in training videos
    drawn = np.flatnonzero((labels == clip.digit) & ((np.arange(len(labels)) >= first_new) == clip.new_picture))
    height = int(rng.integers(SMALLEST, LARGEST + 1))
    glyph = enlarge(images[rng.choice(drawn)], height)
    (x, y), course, directions = MOTIONS[clip.motion]
    room = SIZE - height
    far = rng.uniform(SHORTEST, room)
    start = [room * rng.random() if not axis else (room - far) * rng.random() + far * (axis < 0) for axis in (x, y)]
    frames = [place(glyph, start[0] + x * far * part, start[1] + y * far * part) for part in course]
    wording, direction = WORDINGS[rng.integers(len(WORDINGS))], directions[rng.integers(len(directions))]
    return np.stack(frames), wording.format(digit=clip.digit, name=NAMES[clip.digit], direction=direction)


def enlarge(image: np.ndarray, height: int) -> np.ndarray:
    """A digit of 8x8 levels (0 to 16) as ``float32[height, height]`` of 0 to 255, smooth with a firm edge."""
    smooth = cv2.resize(image.astype(np.float32) / 16, (height, height), interpolation=cv2.INTER_CUBIC)
    return 255 * np.clip(2 * smooth - 0.4, 0, 1)


def place(glyph: np.ndarray, left: float, top: float) -> np.ndarray:
    """A frame ``uint8[64, 64, 3]`` with the glyph there, to a fraction of a pixel."""
    shift = np.array([[1, 0, left], [0, 1, top]], np.float32)
    frame = cv2.warpAffine(glyph, shift, (SIZE, SIZE), flags=cv2.INTER_LINEAR)
    return np.repeat(np.rint(frame).astype(np.uint8)[..., None], 3, axis=2)


def save(folder: Path, clip: Clip, images: np.ndarray, labels: np.ndarray) -> None:
    """Write the video, and its caption beside it."""
    frames, caption = draw(clip, images, labels)
    save_mp4(folder / clip.file, frames, FPS)
    (folder / clip.file).with_suffix(".txt").write_text(f"{caption}\n", encoding="utf-8")


def make_videos(out: Path, clips: int, seed: int) -> None:
    """Write the folder, in place of one that was made before. Raises UserError when it holds anything else."""
    if out.exists() and {path.name for path in out.iterdir()} - {"train", "test"}:
        raise UserError(f"{out} holds other files; name a new folder with --out")
    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8)
    planned = plan(clips, seed)
    cv2.setNumThreads(1)
    with (
        replace_folder(out) as fresh,
        ThreadPoolExecutor() as workers,
        Progress("digits", len(planned), "videos") as progress,
    ):
        waiting = iter(planned)
        for done in range(0, len(planned), 100):
            list(workers.map(lambda clip: save(fresh, clip, images, labels), islice(waiting, 100)))
            progress.update(min(done + 100, len(planned)))
    pairs = ", ".join(f"{digit} {motion}" for digit, motion in sorted(held_out_pairs(seed)))
    console.note(f"{len(planned)} videos in {out}; only in {out / 'test'}: {pairs}")


app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def main(
    clips: Annotated[int, typer.Option(min=10, help="How many videos.")] = 5000,
    seed: Annotated[int, typer.Option(min=0, help="Another seed makes other videos and holds out other pairs.")] = 0,
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path(__file__).parent / "videos",
) -> None:
    """Make a folder of captioned videos of moving handwritten digits."""
    make_videos(out, clips, seed)


if __name__ == "__main__":
    console.run(app)
