"""The ``text2video`` command. Each command imports what it needs: ``--help`` does not wait for torch."""

import os
import signal
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from text2video import __version__, console
from text2video.errors import UserError

if TYPE_CHECKING:
    from text2video.request import Scene

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,  # errors in one line, and no markup read out of prompts
    help="Draw short videos from prompts with a small model, and judge them.",
)

Format = Literal["gif", "mp4", "avi", "frames", "npy"]  # the kinds of file that ``generate`` writes

# What may be asked of a model beside the prompt.
Guidance = Annotated[
    float | None,
    typer.Option(min=0, max=100, help="How much the prompt counts; 1: no guidance. (flow) [default: as exported]"),
]
Steps = Annotated[
    int | None, typer.Option(min=1, max=1000, help="Steps from noise to video. (flow) [default: as exported]")
]
Frames = Annotated[
    int | None, typer.Option(min=1, max=10_000, help="Frames of each video. (flow, if more than it was trained on)")
]
FirstFrame = Annotated[
    Path | None,
    typer.Option(help="A picture to begin with, like a frame of the training clips; cropped to their size. (flow)"),
]
Like = Annotated[Path | None, typer.Option(help="A video that is varied. (flow)")]
Change = Annotated[float | None, typer.Option(min=0, max=1, help="How much of --like is changed; usually .5. (flow)")]
Towards = Annotated[str | None, typer.Option(help="Another prompt, which each prompt is mixed with. (flow)")]
Part = Annotated[float | None, typer.Option(min=0, max=1, help="How much of --towards is taken; usually .5. (flow)")]


def main() -> None:
    """Run the command line: the ``text2video`` script. A terminal that is closed does not stop it."""
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda number, frame: None)
    console.run(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"text2video {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Draw short videos from prompts with a small model, and judge them."""


@app.command()
def generate(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PROMPTS", help="What to draw, such as: 'red circle moving up-right'.", show_default=False
        ),
    ] = None,
    prompts_file: Annotated[
        Path | None,
        typer.Option(
            "--prompts",
            metavar="FILE",
            help='More prompts, one a line, from a file, or from standard input if it is "-". Blank lines and lines'
            " that begin with # are left out.",
        ),
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="Videos per prompt.")] = 1,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Same seed, same videos.")] = 0,
    out: Annotated[Path, typer.Option(help="The folder for the files.")] = Path("videos"),
    format: Annotated[Format, typer.Option(help="GIF, H.264, XVID, a folder of PNGs, or a NumPy array.")] = "gif",
    model: Annotated[
        Path | None,
        typer.Option(
            help="The folder of an exported model, or the kind of one that ships (video_gan, flow)."
            " [default: models/export if it is there, else video_gan]"
        ),
    ] = None,
    scale: Annotated[int, typer.Option(min=1, max=8, help="How many times to enlarge a GIF.")] = 1,
    guidance: Guidance = None,
    steps: Steps = None,
    frames: Frames = None,
    first_frame: FirstFrame = None,
    like: Like = None,
    change: Change = None,
    towards: Towards = None,
    share: Part = None,
) -> None:
    """Draw videos of PROMPTS into a folder, with a manifest.json of which file shows what.

    A prompt that begins with a dash goes behind " -- ". Options marked (flow) need a model of that kind.
    """
    from text2video.text.spelling import require_words

    prompts = [*(words or []), *(_read_prompts(prompts_file) if prompts_file else [])]
    if not prompts:
        raise UserError("there is no prompt; name one, such as 'red circle moving up', or a file: --prompts FILE")
    for prompt in [*prompts, *([towards] if towards is not None else [])]:
        require_words(prompt)  # before torch is loaded and anything is written
    options: dict[str, Any] = {"guidance": guidance, "steps": steps, "frames": frames, "change": change}
    options |= {"towards": towards, "share": share}
    options |= {"first": first_frame and _expand_home(first_frame), "like": like and _expand_home(like)}
    options = {name: value for name, value in options.items() if value is not None}
    _generate(prompts, count, seed, _expand_home(out), format, model and _expand_home(model), scale, options)


def _generate(
    prompts: list[str], count: int, seed: int, out: Path, format: Format, model: Path | None, scale: int,
    options: dict[str, Any],
) -> None:  # fmt: skip
    """Draw and save ``count`` videos of each prompt, as they come, and then the manifest."""
    from text2video import bundle, media
    from text2video.files import write_json
    from text2video.wishes import read_wishes

    loaded = bundle.load_model(model)
    loaded.check([*prompts, *([options["towards"]] if "towards" in options else [])])
    wishes = read_wishes(loaded, options)
    asked = [(number, prompt, index) for number, prompt in enumerate(prompts) for index in range(count)]
    texts, numbers = [prompt for _, prompt, _ in asked], [index for *_, index in asked]
    batches = loaded.draw_in_batches(texts, seed, numbers, **wishes)
    save, suffix = getattr(media, f"save_{format}"), "" if format == "frames" else f".{format}"
    timing = {"gif": (loaded.fps, scale), "mp4": (loaded.fps,), "avi": (loaded.fps,)}.get(format, ())
    videos = []
    for (number, prompt, index), clip in zip(asked, chain.from_iterable(batches), strict=True):
        name = f"{number:03}_{media.slug(prompt)}_{index}{suffix}"
        save(out / name, clip, *timing)
        videos.append({"file": name, "prompt": prompt, "seed": seed, "index": index})
        print(out / name)
    said = {name: str(value) if isinstance(value, Path) else value for name, value in options.items()}
    write_json(out / "manifest.json", {"fps": loaded.fps, **said, "videos": videos})


def _read_prompts(file: Path) -> list[str]:
    """The prompts in a text file, or in standard input for ``-``. Raises UserError when it cannot be read."""
    from text2video.data.captions import decode_text

    name = "standard input" if str(file) == "-" else str(file)
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else _expand_home(file).read_bytes()
        lines = [line.strip() for line in decode_text(data, "strict").splitlines()]
    except OSError as error:
        raise UserError(f"{name} cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{name} is no UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8") from error
    return [line for line in lines if line and not line.startswith("#")]


def _expand_home(path: Path) -> Path:
    """``~`` as the shell would read it, which leaves it alone in ``--out=~/videos``."""
    return Path(os.path.expanduser(path))


@app.command()
def judge(
    files: Annotated[
        list[Path],
        typer.Argument(help="Videos: MP4, MOV, AVI, MKV, WebM, GIF, WebP, APNG, npy, or folders of frame_N.png."),
    ],
    prompt: Annotated[str | None, typer.Option(help="What they should show; each is called right or wrong.")] = None,
) -> None:
    """Say what each of FILES shows, from its pixels alone. One that cannot be read does not keep the others from it.

    Exit status: 0 if all could be judged and, with --prompt, all are right; 1 if one is wrong; 2 if one cannot be read,
    or the prompt cannot be judged.
    """
    request = _request(prompt) if prompt is not None else None
    failed = wrong = False
    for file in files:
        try:
            line, right = _judgement(_expand_home(file), request)
        except (UserError, OSError) as error:
            console.note(f"error: {console.describe(error)}")
            failed = True
        else:
            print(f"{console.escape(str(file))}: {line}")
            wrong |= not right
    if failed or wrong:
        raise typer.Exit(2 if failed else 1)


def _judgement(file: Path, asked: "Scene | None") -> tuple[str, bool]:
    """What a file shows, and whether that is what is asked for, if anything is. Raises UserError when it cannot be
    read."""
    from text2video.judge.scenes import describe, judge_scenes
    from text2video.judge.scores import compare
    from text2video.reading import JUDGED, probe, read_video

    clip, told = read_video(file, **JUDGED), probe(file)
    kept = len(clip) / told.frames if told.frames else 1.0  # of the frames
    scenes = judge_scenes(clip[None], kept * (told.fps or 10.0))
    line = describe(scenes, 0)
    if not asked:
        return line, True
    wrong = compare(scenes, [asked]).faults(0)
    return line + (f"; wrong: {', '.join(wrong)}" if wrong else "; right"), not wrong


def _request(prompt: str) -> "Scene":
    """What ``prompt`` asks for. Raises UserError when that is nothing, or when a word of it cannot be judged."""
    from text2video.world.captions import read_scene

    reading = read_scene(prompt)
    doubts = [f"{word[:30]!r} is no word that it knows" for word in reading.unknown[:5]]
    doubts += [f"{' '.join(words[:9])!r} names no one {aspect}" for aspect, words in reading.unclear.items()]
    if doubts:
        raise UserError(
            f"the prompt cannot be judged: {', '.join(doubts)}; ask for one colour, one shape and one motion of each "
            "object, such as: red circle moving up"
        )
    if not any(map(any, reading.scene.objects)):
        raise UserError("the prompt names no shape, colour or motion; write one such as: red circle moving up")
    return reading.scene


@app.command()
def export_frames(
    store: Annotated[Path, typer.Argument(help="A packed clip store, such as data/train.")],
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
) -> None:
    """Unpack STORE into FOLDER: video_0/frame_0.png, …, video_0/prompt.txt, and so on."""
    from text2video.data.packed import PackedReader
    from text2video.files import replace_folder, write_text
    from text2video.media import save_frames

    clips, folder = PackedReader(_expand_home(store)), _expand_home(folder)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UserError(f"{folder} is not empty; name a new folder to export to")
    with replace_folder(folder) as fresh:
        for number, caption in enumerate(clips.captions):
            save_frames(fresh / f"video_{number}", clips[number])
            write_text(fresh / f"video_{number}" / "prompt.txt", caption)


if __name__ == "__main__":
    main()
