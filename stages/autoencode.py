"""Stage ``autoencode``: train the codec and encode the training clips with it."""

from pathlib import Path
from typing import Annotated

import typer

from text2video import console
from text2video.layout import Layout
from text2video.params import load_params

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def main(root: Annotated[Path, typer.Option(help="The folder that holds params.yaml.")] = Path()) -> None:
    """Train the codec on data/train; write models/codec, data/latents and metrics/autoencode.*."""
    layout = Layout(root)
    params = load_params(layout.params)
    from text2video.autoencode import autoencode  # here: --help and bad params should not wait for torch

    autoencode(params, layout)


if __name__ == "__main__":
    console.run(app)
