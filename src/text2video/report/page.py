"""``metrics/report.html``: the figures, the curves and the videos on one page that needs no other file, no network and
no script. The same inputs give the same bytes. Every text that came from a person is escaped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from text2video.judge.proof import Check
from text2video.judge.summary import QUALITIES
from text2video.judge.verdicts import ASPECTS
from text2video.report.headline import TOO_FEW
from text2video.report.plots import NONE, number
from text2video.report.style import STYLE
from text2video.report.wall import Tile, data_uri, gif_uri, png_uri, shown_fps

Figures = Mapping[str, Any]

ACCURACIES = ("joint", *ASPECTS)  # what counts comes first: a phone shows no more than two columns
SPLITS = {  # of test clips, in the order of the report
    "seen": "words and combinations that were trained on, new clips",
    "unseen_combination": "shape, colour and motion each trained on, but never together",
    "unseen_motion": "a direction never trained on: only its parts were",
    "unseen_pair": "two objects each trained on, but never in one clip",
    "unseen_template": "sentences that were never trained on, of known words",
    "unseen_synonym": "synonyms that were never trained on",
    "prompts": "one by one; by default those of the tutorial",
    "unseen_clip": "captions that were trained on, clips that were not",
    "unseen_caption": "captions that were never trained on",
}
NOT_MEASURED = "<p>Not measured: these clips have no labels that say what they show, so nothing is judged.</p>\n"
HEADS = {
    "angle_error_degrees": "angle error, °",
    "path_residual_px": "off the ideal path, px",
    "colour_distance": "colour distance (ACD)",
    "area_variation": "area flicker",
}
SETS = {
    "nearest_training_clip": ("nearest training clip", "grey levels from it; well below real is copied"),
    "frechet_distance": ("Fréchet video distance", "to real clips"),
    "flicker": ("flicker", "grey levels: mean |x[t - 1] - 2 x[t] + x[t + 1]|; well above real is unsteady"),
    "pixel_distance": ("between two videos of a caption, pixels", "grey levels; well below real is always the same"),
    "feature_distance": ("between two videos of a caption, features", "in units of the real clips' spread, likewise"),
}  # fmt: skip
TRAITS = {
    "start_x": ("where it starts, across", "px; Wasserstein distance to real clips of the same prompt"),
    "start_y": ("where it starts, up and down", "px, likewise"),
    "speed": ("speed", "px per frame, likewise"),
    "size": ("size", "px, likewise"),
    "mode_recall": ("modes", "share of the kinds of real clips of a prompt (colour, quarter, large or small) that the "
                    "model draws too; more is better"),
}  # fmt: skip


@dataclass(frozen=True)
class Evaluation:
    """All that is told about a model."""

    figures: Figures
    details: Figures
    tiles: Sequence[Tile]
    sheet: np.ndarray  # uint8[T, H, W, 3]: the moving wall
    pairs: np.ndarray  # uint8[H, W, 3]
    spreads: Mapping[str, tuple[np.ndarray, np.ndarray]]  # the model's values, and those of real clips
    proof: Mapping[str, Sequence[Check]]
    tutorial: Figures  # what the tutorial's own pipeline scored when it was run in full, and its moving wall as a GIF;
    tutorial_wall: bytes  # empty where that is not known
    fps: float
    frames: int
    drawn: bool  # whether the pipeline has a drawn world: DVC then wants confusion counts, even where none is drawn


def render_page(
    content: Evaluation, curves: Sequence[str], matrices: Sequence[str], histograms: str, wall: bytes
) -> str:
    """The whole page as HTML, with plots as SVG and the moving ``wall`` as a GIF; what asks for labels is left out
    where there are none, which is said once."""
    judged = _headline(content.figures)
    side_by_side = _walls(wall, content.tutorial_wall) + _prompts(content.details)
    asked = HEADLINE + (TUTORIAL if content.tutorial else "")
    sections = [
        _section("Does it do what the caption says?", judged or NOT_MEASURED, asked if judged else ""),
        _section("Does each object have what is its own?", _binding(content.figures), BINDING),
        _section("Can a network tell which caption it was?", _retrieval(content.figures), RETRIEVAL),
        _section("The wall", _wall(content), WALL),
        _section("The captions side by side", side_by_side, PROMPTS + FRAMES * bool(judged)),
        _section("Confusion", _side_by_side(matrices), CONFUSION),
        _section("Variety, memorisation and flicker", _sets(content, histograms), SETS_LEAD),
        _section("Training", _side_by_side(curves), ""),
        _section("Can the judge be trusted?", _proof(content.proof), PROOF),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Text to video: evaluation</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>What the model draws, and whether it was asked for</h1>\n{_tops(content.figures)}"
        + "".join(sections)
        + "</main>\n</body>\n</html>\n"
    )


HEADLINE = """A clip is judged from its pixels alone. It is right (<em>joint</em>) when shape, colour and motion are all
as asked; a clip in which some frame does not show exactly one object is wrong in everything. In brackets: 95 % Wilson
interval. <em>Ceiling</em>: real clips before the same judge. <em>Codec</em>: the same, after a way through the model's
codec and back, which is the best that any generator on it can do. <em>Floor</em>: real clips of the trained kind under
other clips' captions, which is what a perfect painter would score who cannot read. The last four columns are means over
the clips that show one object; smaller is better."""
TUTORIAL = " <em>Tutorial</em>: the tutorial's system, on its own test clips."
BINDING = """Clips of several objects. <em>Alone</em>: objects that are right in all that was asked of them.
<em>Together</em>: clips in which all are, on the background that was asked for, and nothing else is to be seen.
<em>Swapped</em>: clips that show all the shapes, colours and motions, but on other objects than was asked.
<em>One</em>, <em>two</em>, <em>three</em>: clips of so many objects that are right."""
RETRIEVAL = """R-precision: a small network, trained in this evaluation on real training clips and their captions, is
shown a video and up to 32 different captions of the test splits, and takes the one that fits best. None of the wrong
ones has all the words of the right one, or the reverse, and none in a drawn world may mean the same: they might be true
as well. (In own captions, synonyms are not known as such, and lower the ceiling.) In brackets: 95 % Wilson interval.
<em>Ceiling</em>: real clips of the same captions. <em>Floor</em>: real clips under other clips' captions.
<em>Chance</em>: guessing. <em>Captions</em>: the most that there are to choose among; rows that differ in this
cannot be compared. The network knows what tells the captions apart, and no more: a video may be found and yet look
wrong."""
WALL = """Each of the model's videos (left), and a real one of the same caption (right). Where there are labels,
failures come first."""
PROMPTS = "The model's first video of each caption, not its best one, and a real one beside it."
FRAMES = " A red frame marks what was judged not to be as asked."
CONFUSION = "What was asked against what was seen, over all test clips of the model."
SETS_LEAD = """The model's videos as a set, beside real clips. For the Fréchet distance and the distances to clips of
the same prompt, real is the same measure between two sets of real clips, as many of each: the floor, since small
samples always differ a little. 1 times real is as good as it gets."""
PROOF = """The same checks as tests, on fresh real clips of this world and on clips of another renderer: real clips have
to come out right, disturbed ones unchanged, spoilt ones wrong. Shares of clips that are right in each aspect."""


def _section(title: str, body: str, lead: str) -> str:
    """A section, left out when there is nothing to show."""
    intro = f"<p>{lead}</p>\n" if lead else ""
    return f"<section>\n<h2>{title}</h2>\n{intro}{body}</section>\n" if body else ""


def _table(head: Sequence[str], rows: Sequence[str], kind: str = "") -> str:
    """A table that scrolls sideways on a narrow screen; the cells are HTML already."""
    cells = "".join(f"<th>{cell}</th>" for cell in head)
    return (
        f'<div class="scroll"><table class="{kind}"><thead><tr>{cells}</tr></thead>\n<tbody>\n'
        + "\n".join(rows)
        + "\n</tbody></table></div>\n"
    )


def _row(cells: Sequence[str], kind: str = "") -> str:
    first, *rest = cells
    mark = f' class="{kind}"' if kind else ""
    return f"<tr{mark}><th>{first}</th>{''.join(f'<td>{cell}</td>' for cell in rest)}</tr>"


def percent(share: float | None) -> str:
    """A share as people read it."""
    return NONE if share is None else f"{100 * share:.1f} %"


# --- figures ---------------------------------------------------------------------------------------------------------


def _pages(figures: Figures) -> dict[str, Figures]:
    """The splits, in the order of the file."""
    return {name: page for name, page in figures.items() if isinstance(page, Mapping) and "retrieval" in page}


def _name(split: str) -> str:
    """A split's name and what it is, as HTML."""
    meaning = f' <span class="faint">{SPLITS[split]}</span>' if split in SPLITS else ""
    return f"<b>{escape(split.replace('_', ' '))}</b>{meaning}"


def _tops(figures: Figures) -> str:
    """What counts most, large: the joint accuracies and, where nothing is judged, how many captions are found."""
    boxes, kinds = [], set()
    for split, page in _pages(figures).items():
        share = page["joint" if "joint" in page else "retrieval"]
        if share["value"] is not None:
            kinds.add("joint" in page)
            name = split.replace("_", " ") + ("" if "joint" in page else f", of {share['candidates']}")
            boxes.append(f'<div class="top"><b>{percent(share["value"])}</b>{escape(name)}</div>')
    leads = {
        True: "Share of videos that are right in shape, colour and motion.",
        False: "Share of videos whose own caption a small network finds among others (nothing is judged).",
    }
    lead = (
        " ".join(leads[kind] for kind in sorted(kinds, reverse=True)) or "Not measured: there are too few test clips."
    )
    return f'<div class="tops">{"".join(boxes)}</div>\n<p>{lead}</p>\n'


def _headline(figures: Figures) -> str:
    """What the judge says; nothing where it was not asked."""
    head = ["", *ACCURACIES, "n", *(HEADS[name] for name in QUALITIES)]
    rows = []
    pages = _pages(figures)
    for split, page in pages.items():
        if page.get("joint", {}).get("n"):
            rows.append(f'<tr class="split"><th colspan="{len(head)}">{_name(split)}</th></tr>')
            rows += _split_rows(page)
    return _table(head, rows) if any("joint" in page for page in pages.values()) else ""


def _binding(figures: Figures) -> str:
    """Whether attributes stay with their objects; nothing where a clip has one object."""
    rows = []
    for split, page in _pages(figures).items():
        for side, shares in page.get("binding", {}).items():
            if shares["together"]["n"]:
                told = [_share(share) for share in shares.values()]
                name = _name(split) if side == "model" else {"real": "ceiling"}.get(side, side)
                rows.append(_row([name, *told, str(shares["together"]["n"])], "model" if side == "model" else ""))
    return _table(["", "alone", "together", "swapped", "one", "two", "three", "n"], rows, "wide") if rows else ""


def _retrieval(figures: Figures) -> str:
    rows = []
    for split, page in _pages(figures).items():
        found = page["retrieval"]
        told = TOO_FEW if found["n"] else "not measured"
        if found["value"] is not None:
            told = _share(found)
        shares = [percent(found[name]) for name in ("ceiling", "floor", "chance")]
        counts = [str(found["n"]), NONE if found["candidates"] is None else str(found["candidates"])]
        rows.append(_row([_name(split), told, *shares, *counts]))
    return _table(["", "model", "ceiling", "floor", "chance", "n", "captions"], rows, "wide")


def _split_rows(split: Figures) -> list[str]:
    """Model, ceiling, codec, floor and, where there is one, the tutorial."""
    quality = {row["measure"]: row for row in split["quality"]}
    shares = [_share(split[name]) for name in ACCURACIES]
    measures = [number(quality[name]["model"]) for name in QUALITIES]
    rows = [_row(["model", *shares, str(split["joint"]["n"]), *measures], "model")]
    for kind in ("ceiling", "codec", "floor", "tutorial"):
        if kind in split:
            shares = [percent(split[kind][name]) for name in ACCURACIES]
            rows.append(_row([kind, *shares, "", *(number(quality[name][kind]) for name in QUALITIES)]))
    return rows


def _share(found: Figures) -> str:
    """A share and its interval."""
    bounds = ", ".join(NONE if bound is None else f"{100 * bound:.1f}" for bound in found["interval"])
    return f'{percent(found["value"])} <span class="faint">[{bounds}]</span>'


def _prompts(details: Figures) -> str:
    """A row for each prompt."""
    rows = [
        _row([escape(row["prompt"]), *(percent(row[name]["value"]) for name in ACCURACIES), percent(row["ceiling"]),
              str(row["joint"]["n"])])
        for row in details.get("prompts", [])
    ]  # fmt: skip
    return _table(["prompt", *ACCURACIES, "ceiling, joint", "n"], rows) if rows else ""


def _sets(content: Evaluation, histograms: str) -> str:
    pairs = (
        f'<figure><img src="{png_uri(content.pairs)}" alt="film strips" loading="lazy"><figcaption>The model\'s clips '
        "that come nearest to a training clip, each above that clip.</figcaption></figure>\n"
    )
    return _compared(content) + _remarks(content) + histograms + pairs


def times_real(entry: Figures) -> float | None:
    """``model`` over ``real``; None where either is missing or there is nothing to divide by."""
    model, real = entry.get("model"), entry.get("real")
    return model / real if model is not None and real else None


def _compared(content: Evaluation) -> str:
    """A row for each measure: model, real, how many times real and, where there is one, the tutorial."""

    def entry(page: Figures, name: str) -> Figures:
        found: Figures = page.get("diversity", {}).get(name) or page.get(name) or {}
        return found

    rows = []
    for name, (label, meaning) in (SETS | TRAITS).items():
        own, ratio = entry(content.figures, name), times_real(entry(content.figures, name))
        cells = [f'<b>{label}</b> <span class="faint">{meaning}</span>']
        shown = [number(own.get("model")), number(own.get("real")), NONE if ratio is None else f"{ratio:.2f}"]
        cells += shown if own.get("real") is not None else ["not measured", "", ""]
        cells += [number(entry(content.tutorial, name).get("model"))] if content.tutorial else []
        rows.append(_row(cells))
    return _table(["", "model", "real", "times real", *(["tutorial"] if content.tutorial else [])], rows, "wide")


def _remarks(content: Evaluation) -> str:
    """What the table does not say."""
    copied, network = content.figures["nearest_training_clip"]["copied"], content.details["network"]
    memorised = (
        f"<p>{percent(copied)} of the model's clips are nearer to a training clip than 99 % of the real held-out ones "
        "are; it would be 1 %, if they were as new as those.</p>\n"
    )
    return (memorised if copied is not None else "") + (
        f"<p>Features are those of the network above, trained on {network['clips']} real training clips whose captions "
        f"have {network['words']} different words. A distance between whole sets does not look at the captions: right "
        "videos under the wrong captions would score as well.</p>\n"
    )


def _proof(proof: Mapping[str, Sequence[Check]]) -> str:
    """The judge's proof: a summary in sight, the tables folded."""
    parts = []
    for renderer, checks in proof.items():
        told = f"{escape(renderer)}: {sum(check.holds for check in checks)} of {len(checks)} checks hold"
        table = _table(["clips", "wanted", "n", *ACCURACIES, ""], [_check(check) for check in checks])
        parts.append(f"<details><summary>{told}</summary>{table}</details>\n")
    return "".join(parts)


def _check(check: Check) -> str:
    shares = [percent(getattr(check, name)) for name in ACCURACIES]
    mark = "✓" if check.holds else "<b>fails</b>"
    return _row([escape(check.name), check.wanted, str(check.n), *shares, mark])


# --- pictures --------------------------------------------------------------------------------------------------------


def _side_by_side(drawings: Sequence[str]) -> str:
    shown = [drawing for drawing in drawings if drawing]
    return f'<div class="plots">{"".join(shown)}</div>\n' if shown else ""


def _wall(content: Evaluation) -> str:
    """The tiles, failures first."""
    if not content.tiles:
        return ""
    judged = [page for page in _pages(content.figures).values() if page.get("joint", {}).get("n")]
    wrong = sum(round((1 - page["joint"]["value"]) * page["joint"]["n"]) for page in judged)
    shown = sum(not tile.good for tile in content.tiles if tile.judged)
    told = f"{shown} of all {wrong} failures are here, taken evenly." if wrong else "None failed."
    ordered = sorted(content.tiles, key=lambda tile: tile.good or not tile.judged)
    fps = shown_fps(content.fps, content.frames)
    tiles = "".join(_tile(tile, fps) for tile in ordered)
    return (f"<p>{told}</p>\n" if judged else "") + f'<div class="wall">{tiles}</div>\n'


def _tile(tile: Tile, fps: float) -> str:
    kind, mark = ("good", "✓") if tile.good else ("bad", "✗")
    if not tile.judged:
        kind, mark = "plain", ""
    return (
        f'<figure class="{kind}"><img src="{gif_uri(tile.clip, fps)}" alt="the model\'s video">'
        f'<img src="{gif_uri(tile.real, fps)}" alt="a real video">'
        f'<figcaption><span class="mark">{mark}</span> {escape(tile.prompt)}<br><span class="faint">{_told(tile)}<br>'
        f"{escape(tile.split.replace('_', ' '))}</span></figcaption></figure>\n"
    )


def _told(tile: Tile) -> str:
    """What the judge saw or, where nothing is judged, what the network took it for."""
    if "scene" in tile.judged:
        return f"judged: {escape(tile.judged['scene'])}<br>the real one: {escape(tile.real_judged)}"
    if tile.judged:
        seen = " ".join(_verdict(tile, aspect) for aspect in ("colour", "shape", "motion"))
        return f"judged: {seen if any(tile.judged.values()) else '<b>nothing clear</b>'}"
    if tile.taken_for is None:
        return "not measured"
    return "found by its caption" if tile.good else f"taken for: {escape(tile.taken_for)}"


def _verdict(tile: Tile, aspect: str) -> str:
    """What the judge saw, in bold where it is not what was asked."""
    label = escape(tile.judged[aspect] or f"unclear {aspect}")
    return label if tile.right[aspect] else f"<b>{label}</b>"


def _walls(own: bytes, tutorial: bytes) -> str:
    """The model's moving sheet and, where there is one, the tutorial's beside it."""
    uris = {"this model": data_uri(own, "image/gif")}
    if tutorial:
        uris["the tutorial's system"] = data_uri(tutorial, "image/gif")
    figures = [
        f'<figure><figcaption>{name}</figcaption><img src="{uri}" alt="videos of {name}"></figure>'
        for name, uri in uris.items()
    ]
    return f'<div class="walls">{"".join(figures)}</div>\n'
