"""What a parameter is worth: the model trained again with each change of parameters, and evaluated, at one budget.

Run in a repository whose pipeline has run: `python benchmarks/ablations.py --epochs 4 video_gan.mismatch=0
video_gan.gate_penalty=0`; with `--root digits` on the digits. Clips, codec and text are those that are there.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from common import ROOT, report

from text2video.console import run
from text2video.errors import UserError
from text2video.files import read_json
from text2video.layout import Layout

STAGES = ("check", "train", "export", "evaluate")


def changed(page: dict[str, Any], change: str, epochs: float) -> dict[str, Any]:
    """The parameters ``page`` with ``change``, "section.key=value" or several of them parted by blanks."""
    page = {name: dict(section) for name, section in page.items()}
    page["train"]["epochs"] = epochs
    for part in change.split():
        key, equals, value = part.partition("=")
        section, dot, name = key.partition(".")
        if not (equals and dot) or name not in page.get(section, {}):
            raise UserError(f"{part!r} is no change of a parameter; write one such as video_gan.mismatch=0")
        page[section][name] = yaml.safe_load(value)
    return page


def figures(root: Path, page: dict[str, Any]) -> dict[str, float | None]:
    """Train, export and evaluate beside the data of ``root``; joint accuracy or, without labels, retrieval by split."""
    with tempfile.TemporaryDirectory(dir=root) as place:
        folder = Path(place)
        (folder / "params.yaml").write_text(yaml.safe_dump(page))
        (folder / "data").mkdir()
        for name in ("train", "validation", "test", "text", "latents"):
            (folder / "data" / name).symlink_to((root / "data" / name).resolve())
        (folder / "models").mkdir()
        (folder / "models" / "codec").symlink_to((root / "models" / "codec").resolve())
        (folder / "metrics").mkdir()
        shutil.copy(root / "metrics" / "autoencode.json", folder / "metrics")
        for stage in STAGES:
            subprocess.run([sys.executable, "-m", f"stages.{stage}", "--root", place], cwd=ROOT, check=True)
        found = read_json(Layout(folder).metrics / "evaluation.json")
    pages = {name: page for name, page in found.items() if isinstance(page, dict) and "retrieval" in page}
    return {name: page.get("joint", page["retrieval"])["value"] for name, page in pages.items()}


def main(
    changes: Annotated[list[str], typer.Argument(help="Each a row: section.key=value, or several in one.")],
    root: Annotated[Path, typer.Option(help="The folder of a pipeline that has run.")] = Path(),
    epochs: Annotated[float, typer.Option(help="For every row.")] = 4,
) -> None:
    """One row for the parameters as they are and one for each change."""
    page = yaml.safe_load((root / "params.yaml").read_text("utf-8"))
    pages = {"as it is": changed(page, "", epochs)} | {c: changed(page, c, epochs) for c in changes}
    rows = [{"change": change, **figures(root, page)} for change, page in pages.items()]
    report("ablations" if root == Path() else f"ablations-{root.name}", rows)


if __name__ == "__main__":
    run(lambda: typer.run(main))
