"""The judge's proof on real clips, as a table: ``python -m text2video.proof``."""

from itertools import product
from pathlib import Path
from typing import Annotated

import typer

from text2video import console
from text2video.errors import UserError
from text2video.judge import rules
from text2video.judge.opencv_world import SECONDS, SHADES, draw_clips, draw_random
from text2video.judge.proof import Check, check, prove, table
from text2video.layout import Layout
from text2video.params import Params, load_params
from text2video.request import Request
from text2video.world import World, parse_prompt, parse_scene

SEED = 20_000  # of the proof's own draws: no stage uses it


def is_scenes(params: Params) -> bool:
    """Whether there is a drawn world of more than one object on white, or one whose captions name sizes or speeds."""
    world = params.world
    if world is None:
        return False
    named = [*world.sizes, *world.speeds]
    return max(world.objects) > 1 or world.backgrounds != ["white"] or bool(world.details_named and named)


app = typer.Typer(add_completion=False, rich_markup_mode=None)


def judge_proof(params: Params, clips: int = 1024) -> dict[str, list[Check]]:
    """Every check on ``clips`` fresh clips of our world, and on as many of another renderer in other shades."""
    if is_scenes(params):
        return scenes_proof(params, clips)
    data, world, size = params.data, params.world, params.data.height_width[0]
    ours, captions, _ = World(params).draw("validation", clips, SEED)
    words = [Request(*words) for words in product(world.shapes, world.colours, rules.MOTIONS)]
    others = (words * (clips // len(words) + 1))[:clips]
    theirs = draw_clips(others, SEED, size, data.frames, colours=SHADES)
    straight = [request for request in others if request.motion in rules.DIRECTIONS]
    leaving = draw_clips(straight, SEED, size, data.frames, radius=7, pace=1, edge=True)
    return {
        "our world": prove(ours, [parse_prompt(caption) for caption in captions]),
        "drawn by OpenCV": [*prove(theirs, others), check("half out of the frame", "right", leaving, straight)],
    }


def scenes_proof(params: Params, clips: int) -> dict[str, list[Check]]:
    """The same for a world of scenes; where objects overlap, what the judge sees is told and not required."""
    data, world = params.data, params.world
    apart, crossing = (
        World(params.model_copy(update={"world": world.model_copy(update={"overlap": share})})) for share in (0.0, 1.0)
    )
    ours, captions, _ = apart.draw("validation", clips, SEED)
    theirs = draw_random(clips, SEED, world.objects, data.height_width[0], data.frames)
    overlapping = crossing.draw("validation", clips, SEED)[:2]
    several = [objects for objects in world.objects if objects > 1]
    others = draw_random(clips // 4, SEED, several, data.height_width[0], data.frames, True) if several else None
    other_fps = (data.frames - 1) / SECONDS
    checks = {
        "our world": prove(ours, list(map(parse_scene, captions)), fps=data.fps),
        "drawn by OpenCV": prove(*theirs, fps=other_fps),
    }
    scenes = list(map(parse_scene, overlapping[1]))
    for number in several:
        rows = [row for row, scene in enumerate(scenes) if len(scene.objects) == number]
        if rows:
            asked = [scenes[row] for row in rows]
            checks["our world"].append(
                check(f"{number}, overlap allowed", "told", overlapping[0][rows], asked, data.fps)
            )
    if others:
        checks["drawn by OpenCV"].append(check("two overlap", "told", *others, other_fps))
    return checks


@app.command()
def main(
    root: Annotated[Path, typer.Option(help="The folder that holds params.yaml.")] = Path(),
    clips: Annotated[int, typer.Option(min=48, help="Clips to draw with each renderer.")] = 1024,
) -> None:
    """Print how the judge does on real clips, spoilt clips and disturbed clips; exit with 1 if a check fails."""
    params = load_params(Layout(root).params)
    if params.world is None:
        raise UserError(f"{Layout(root).params} has no section world, and nothing else can be judged")
    proof = judge_proof(params, clips)
    for renderer, checks in proof.items():
        typer.echo(f"{renderer}\n{table(checks)}\n")
    if not all(check.holds for checks in proof.values() for check in checks):
        raise typer.Exit(1)


if __name__ == "__main__":
    console.run(app)
