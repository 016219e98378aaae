"""Make a pipeline of its own in a folder: the same stages, another ``params.yaml``."""

from pathlib import Path
from typing import Annotated

import typer

from text2video import console
from text2video.pipelines import new_pipeline

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def main(
    name: Annotated[str, typer.Argument(help="The folder, in the repository's own: letters, digits, _.")],
    videos: Annotated[str | None, typer.Option(help="A folder of captioned videos to take the clips from.")] = None,
    flow: Annotated[
        bool, typer.Option("--flow", help="Train a flow, with a codec for it; else as params.yaml.")
    ] = False,
    cache: Annotated[
        bool | None, typer.Option(help="Whether outputs go into DVC's cache: as it was, or yes in a new folder.")
    ] = None,
) -> None:
    """Write NAME/params.yaml, unless it is there, and NAME/dvc.yaml; `dvc repro NAME/dvc.yaml` runs it."""
    for path in new_pipeline(Path(), name, videos, cache, flow):
        print(f"wrote {path}")
    print(f"next: look at {name}/params.yaml, then run: dvc repro {name}/dvc.yaml")
    print(f"to keep it, and before `dvc exp run`: git add {name} && git commit -m '{name}'")


if __name__ == "__main__":
    console.run(app)
