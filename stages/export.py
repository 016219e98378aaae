"""Stage ``export``: codec, GAN and vocabulary as one checked folder in ``models/export``."""

from pathlib import Path
from typing import Annotated

import typer

from text2video import console
from text2video.layout import Layout

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def main(
    root: Annotated[Path, typer.Option(help="The folder that holds params.yaml.")] = Path(),
    ship: Annotated[
        bool, typer.Option(help="Make models/export the weights inside the package, and do no more.")
    ] = False,
) -> None:
    """Put models/codec, models/gan and data/vocabulary.json together as models/export."""
    from text2video.bundle import save_bundle, ship_bundle  # here: --help should not wait for torch

    layout, watch = Layout(root), console.Stopwatch()
    with watch("ship" if ship else "export"):
        (ship_bundle if ship else save_bundle)(layout)
    watch.report()


if __name__ == "__main__":
    console.run(app)
