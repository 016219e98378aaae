"""Stage ``synthesize``: clips with captions, drawn at random, in ``data/train``, ``data/validation``, ``data/test``."""

from pathlib import Path
from typing import Annotated

import typer

from text2video import console
from text2video.layout import Layout
from text2video.params import load_params
from text2video.synthesize import synthesize

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def main(root: Annotated[Path, typer.Option(help="The folder that holds params.yaml.")] = Path()) -> None:
    """Draw the clips of every split or cut them from videos; show some of them in metrics/data."""
    layout = Layout(root)
    synthesize(load_params(layout.params), layout)


if __name__ == "__main__":
    console.run(app)
