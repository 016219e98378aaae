"""Stage ``index``: the training captions' words, numbered, as ``data/vocabulary.json``."""

from pathlib import Path
from typing import Annotated

import typer

from text2video import console
from text2video.index import build_vocabulary
from text2video.layout import Layout

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def main(
    root: Annotated[Path, typer.Option(help="The folder that holds params.yaml.")] = Path(),
) -> None:
    """Write the vocabulary of data/train to data/vocabulary.json."""
    watch = console.Stopwatch()
    with watch("index"):
        vocabulary = build_vocabulary(Layout(root))
    print(f"{len(vocabulary)} words: {console.escape(' '.join(vocabulary.words))}")
    watch.report()


if __name__ == "__main__":
    console.run(app)
