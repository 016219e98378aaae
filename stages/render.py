"""Stage ``render``: the prompts of ``params.yaml`` as GIF, MP4, AVI and film strips in ``data/videos``."""

from pathlib import Path
from typing import Annotated

import typer

from text2video import console
from text2video.layout import Layout
from text2video.params import load_params

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def main(root: Annotated[Path, typer.Option(help="The folder that holds params.yaml.")] = Path()) -> None:
    """Draw the prompts of params.yaml with models/export; write data/videos, in every video format."""
    layout = Layout(root)
    params = load_params(layout.params)
    from text2video.render import render  # here: --help and bad params should not wait for torch

    render(params.render, layout)


if __name__ == "__main__":
    console.run(app)
