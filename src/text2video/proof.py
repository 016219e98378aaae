"""The judge's proof on real clips, as a table: ``python -m text2video.proof``."""

from itertools import product
from pathlib import Path
from typing import Annotated

import typer

from text2video import console
from text2video.judge import rules
from text2video.judge.opencv_world import SHADES, draw_clips
from text2video.judge.proof import Check, check, prove, table
from text2video.layout import Layout
from text2video.params import Params, load_params
from text2video.request import Request
from text2video.world import World, parse_prompt

SEED = 20_000  # of the proof's own draws: no stage uses it

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def judge_proof(params: Params, clips: int = 1024) -> dict[str, list[Check]]:
    """Every check on ``clips`` fresh clips of our world, and on as many of another renderer in other shades."""
    data, size = params.data, params.data.height_width[0]
    ours, captions, _ = World(params).draw("validation", clips, SEED)
    words = [Request(*words) for words in product(rules.SHAPES, rules.COLOURS, rules.MOTIONS)]
    others = (words * (clips // len(words) + 1))[:clips]
    theirs = draw_clips(others, SEED, size, data.frames, colours=SHADES)
    straight = [request for request in others if request.motion in rules.DIRECTIONS]
    leaving = draw_clips(straight, SEED, size, data.frames, pace=1, edge=True)
    return {
        "our world": prove(ours, [parse_prompt(caption) for caption in captions]),
        "drawn by OpenCV": [
            *prove(theirs, others),
            check("half out of the frame", "right", leaving, straight),
        ],
    }


@app.command()
def main(
    root: Annotated[Path, typer.Option(help="The folder that holds params.yaml.")] = Path(),
    clips: Annotated[int, typer.Option(min=48, help="Clips to draw with each renderer.")] = 1024,
) -> None:
    """Print how the judge does on real clips, spoilt clips and disturbed clips; exit with 1 if a check fails."""
    proof = judge_proof(load_params(Layout(root).params), clips)
    for renderer, checks in proof.items():
        typer.echo(f"{renderer}\n{table(checks)}\n")
    if not all(check.holds for checks in proof.values() for check in checks):
        raise typer.Exit(1)


if __name__ == "__main__":
    console.run(app)
