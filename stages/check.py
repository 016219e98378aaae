"""Stage ``check``: find what is wrong in ``params.yaml`` before anything is touched."""

from pathlib import Path
from typing import Annotated

import typer

from text2video import console
from text2video.check import check
from text2video.layout import Layout
from text2video.params import load_params

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def main(root: Annotated[Path, typer.Option(help="The folder that holds params.yaml.")] = Path()) -> None:
    """Check the whole of params.yaml; write data/checked.txt, for which the other stages wait."""
    layout = Layout(root)
    check(load_params(layout.params), layout)


if __name__ == "__main__":
    console.run(app)
