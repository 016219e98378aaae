"""Clips drawn and stored, and read back in random order: our packed store against the tutorial's folders of PNG frames.

The tutorial's side is what its text does, written anew: one PIL image a frame with one ellipse drawn on it, saved as
PNG, a folder a clip; and a torch Dataset that opens a frame at a time. Run from the repository:
`python benchmarks/data.py`.
"""

import random
import tempfile
from pathlib import Path

import numpy as np
import typer
from common import ROOT, rates, report
from PIL import Image, ImageDraw
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from text2video.data.packed import PackedReader, PackedWriter
from text2video.params import load_params
from text2video.world import World

WRITTEN, FOLDERS, READ = 2000, 100, 64  # clips in a round


class FrameFolders(Dataset):
    """Every frame of every folder, opened when it is asked for, scaled to [-1, 1]."""

    def __init__(self, folder: Path) -> None:
        self.frames = sorted(folder.glob("*/frame_*.png"))
        self.scale = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.5,) * 3)])

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, number: int) -> object:
        path = self.frames[number]
        return self.scale(Image.open(path)), (path.parent / "prompt.txt").name


def write_folders(folder: Path, clips: int) -> None:
    """The tutorial's way: a disc that moves down by five pixels a frame, whatever the prompt."""
    for clip in range(clips):
        place = folder / f"video_{clip}"
        place.mkdir(parents=True, exist_ok=True)
        (place / "prompt.txt").write_text("circle moving down")
        for frame in range(10):
            image = Image.new("RGB", (64, 64), (255, 255, 255))
            ImageDraw.Draw(image).ellipse((32, 5 * frame % 64, 42, 5 * frame % 64 + 10), fill=(255, 0, 0))
            image.save(place / f"frame_{frame}.png")


def size_of(folder: Path) -> int:
    """Bytes that a folder takes, in whole blocks of 4 KB, as on most disks."""
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in folder.rglob("*") if path.is_file())


def main() -> None:
    """Both sides write, both read, in turn."""
    worlds = {name: World(load_params(ROOT / name / "params.yaml")) for name in ("", "scenes")}
    with tempfile.TemporaryDirectory() as scratch:
        packed, folders = Path(scratch) / "packed", Path(scratch) / "folders"

        def pack(page: str) -> int:
            with PackedWriter(packed, (10, 64, 64, 3), np.uint8) as writer:
                for seed in range(WRITTEN // 500):
                    writer.append(*worlds[page].draw("train", 500, seed))
            return WRITTEN

        def save() -> int:
            write_folders(folders, FOLDERS)
            return FOLDERS

        scenes = rates({"ours": lambda: pack("scenes"), "tutorial": save})
        written = rates({"ours": lambda: pack(""), "tutorial": save})
        store, dataset = PackedReader(packed), FrameFolders(folders)
        rng = random.Random(0)
        loader = iter(DataLoader(dataset, batch_size=10, sampler=rng.choices(range(len(dataset)), k=10**6)))

        def read_packed() -> int:
            for _ in range(READ):
                store[np.array(rng.choices(range(WRITTEN), k=16))].astype(np.float32)
            return 16 * READ

        def read_frames() -> int:
            for _ in range(READ):
                next(loader)
            return READ  # ten frames are a clip

        read = rates({"ours": read_packed, "tutorial": read_frames})
        size = {"ours": size_of(packed) / WRITTEN, "tutorial": size_of(folders) / FOLDERS}
    rows = {"scenes written, clips/s": scenes, "written, clips/s": written}
    rows |= {"read in random order, clips/s": read, "bytes a clip": size}
    report("data", [{"what": what, **row, "ratio": row["ours"] / row["tutorial"]} for what, row in rows.items()])


if __name__ == "__main__":
    typer.run(main)
