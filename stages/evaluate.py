"""Stage ``evaluate``: measure the exported model, and judge it where the clips have labels."""

from pathlib import Path
from typing import Annotated

import typer

from text2video import console
from text2video.layout import Layout
from text2video.params import load_params

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def main(root: Annotated[Path, typer.Option(help="The folder that holds params.yaml.")] = Path()) -> None:
    """Measure videos of models/export for the test captions; write metrics/evaluation.json, report.html and plots."""
    layout = Layout(root)
    params = load_params(layout.params)
    from text2video.evaluate import evaluate  # here: --help and bad params should not wait for torch
    from text2video.report.headline import headline

    typer.echo(headline(evaluate(params, layout)))


if __name__ == "__main__":
    console.run(app)
