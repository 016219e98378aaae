"""Stage ``index``: how prompts are read, and every training caption read once, as ``data/text``."""

from pathlib import Path
from typing import Annotated

import typer

from text2video import console
from text2video.layout import Layout
from text2video.params import load_params

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def main(root: Annotated[Path, typer.Option(help="The folder that holds params.yaml.")] = Path()) -> None:
    """Encode the captions of data/train as text.kind says; write data/text."""
    layout, watch = Layout(root), console.Stopwatch()
    params = load_params(layout.params)
    from text2video.index import index  # here: --help and bad params should not wait for torch

    with watch("index"):
        told = index(params.text, layout)
    print(console.escape(told))
    watch.report()


if __name__ == "__main__":
    console.run(app)
