"""Stage ``export``: codec, model and text as one checked folder in ``models/export``."""

from pathlib import Path
from typing import Annotated

import typer

from text2video import console
from text2video.layout import Layout
from text2video.params import load_params

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def main(
    root: Annotated[Path, typer.Option(help="The folder that holds params.yaml.")] = Path(),
    ship: Annotated[
        bool, typer.Option(help="Make models/export the package's weights of its kind of model, and do no more.")
    ] = False,
    half: Annotated[bool, typer.Option(help="With --ship: keep 16 bits of each weight.")] = False,
) -> None:
    """Put models/codec, models/trained and data/text together as models/export."""
    layout, watch = Layout(root), console.Stopwatch()
    params = load_params(layout.params)
    from text2video import bundle  # here: --help and bad params should not wait for torch

    with watch("ship" if ship else "export"):
        if ship:
            bundle.ship_bundle(layout, half)
        else:
            bundle.save_bundle(params.export, layout)
    watch.report()


if __name__ == "__main__":
    console.run(app)
