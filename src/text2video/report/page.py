"""``metrics/report.html``: the figures, the curves and the videos on one page that needs no other file, no network and
no script. The same inputs give the same bytes. Every text that came from a person is escaped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from text2video.judge.proof import Check
from text2video.report.diversity import times_real
from text2video.report.plots import NONE, number
from text2video.report.style import STYLE
from text2video.report.summary import ASPECTS, QUALITIES
from text2video.report.wall import Tile, gif_uri

Figures = Mapping[str, Any]

ACCURACIES = ("joint", *ASPECTS)  # what counts comes first: a phone shows no more than two columns
SPLITS = {
    "seen": "words and combinations that were trained on, new clips",
    "unseen_combination": "shape, colour and motion each trained on, but never together",
    "unseen_motion": "a direction never trained on: only its parts were",
    "prompts": "one by one; by default those of the tutorial",
}
HEADS = {
    "angle_error_degrees": "angle error, °",
    "smoothness_px": "off the ideal path, px",
    "colour_distance": "colour distance (ACD)",
    "area_variation": "area flicker",
}
HONESTY = {
    "start_x": ("where it starts, across", "px; Wasserstein distance to real clips of the same prompt"),
    "start_y": ("where it starts, up and down", "px, likewise"),
    "speed": ("speed", "px per frame, likewise"),
    "size": ("size", "px, likewise"),
    "mode_recall": ("modes", "share of the kinds of real clips of a prompt (colour, quarter, large or small) that the "
                    "model draws too; more is better"),
    "nearest_training_clip": ("nearest training clip", "grey levels from it; well below real is copied"),
    "frechet_distance": ("Fréchet video distance", "to real clips"),
}  # fmt: skip


@dataclass(frozen=True)
class Content:
    """What goes on the page. Pictures are ``data:`` addresses, plots SVG; an empty one is left out."""

    figures: Figures
    details: Figures
    tutorial: Figures
    tiles: Sequence[Tile]
    fps: float
    curves: Sequence[str]
    matrices: Sequence[str]
    histograms: str
    wall: str
    tutorial_wall: str
    pairs: str
    proof: Mapping[str, Sequence[Check]]


def render_page(content: Content) -> str:
    """The whole page as HTML."""
    sections = [
        _section(
            "Does it do what the prompt says?",
            _headline(content.figures),
            HEADLINE + (TUTORIAL if content.tutorial else ""),
        ),
        _section("The wall", _wall(content.tiles, content.figures, content.fps), WALL),
        _section("The test prompts", _walls(content) + _prompts(content.details), PROMPTS),
        _section("Confusion", _side_by_side(content.matrices), CONFUSION),
        _section("Variety and honesty", _honesty(content), HONEST),
        _section("Training", _side_by_side(content.curves), ""),
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
WALL = "Asked, and what the judge saw. Failures come first."
PROMPTS = (
    "One clip of each prompt, the first one drawn, not the best; a red frame marks what is not as asked."
)
CONFUSION = "What was asked against what was seen, over all test clips of the model."
HONEST = """Each beside the same measure between two sets of real clips, as many of each: its floor, since small samples
always differ a little. 1 times real is as good as it gets."""
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


def _tops(figures: Figures) -> str:
    """The joint accuracies, large."""
    boxes = [
        f'<div class="top"><b>{percent(figures[split]["joint"]["value"])}</b>{split.replace("_", " ")}</div>'
        for split in SPLITS
        if split in figures and figures[split]["joint"]["n"]
    ]
    lead = "<p>Share of videos that are right in shape, colour and motion.</p>"
    return f'<div class="tops">{"".join(boxes)}</div>\n{lead}\n'


def _headline(figures: Figures) -> str:
    head = ["", *ACCURACIES, "n", *(HEADS[name] for name in QUALITIES)]
    rows = []
    for split, meaning in SPLITS.items():
        if not figures.get(split, {}).get("joint", {}).get("n"):
            continue
        name = f'<b>{split.replace("_", " ")}</b> <span class="faint">{meaning}</span>'
        rows.append(f'<tr class="split"><th colspan="{len(head)}">{name}</th></tr>')
        rows += _split_rows(figures[split])
    return _table(head, rows)


def _split_rows(split: Figures) -> list[str]:
    """Model, ceiling, codec, floor and, where there is one, the tutorial."""
    quality = {row["measure"]: row for row in split["quality"]}
    shares = [
        f'{percent(split[name]["value"])} <span class="faint">[{_bounds(split[name]["interval"])}]</span>'
        for name in ACCURACIES
    ]
    measures = [number(quality[name]["model"]) for name in QUALITIES]
    rows = [_row(["model", *shares, str(split["joint"]["n"]), *measures], "model")]
    for kind in ("ceiling", "codec", "floor", "tutorial"):
        if kind in split:
            shares = [percent(split[kind][name]) for name in ACCURACIES]
            rows.append(_row([kind, *shares, "", *(number(quality[name][kind]) for name in QUALITIES)]))
    return rows


def _bounds(interval: Sequence[float | None]) -> str:
    return ", ".join(NONE if bound is None else f"{100 * bound:.1f}" for bound in interval)


def _prompts(details: Figures) -> str:
    """A row for each prompt."""
    rows = [
        _row([escape(row["prompt"]), *(percent(row[name]["value"]) for name in ACCURACIES), percent(row["ceiling"]),
              str(row["joint"]["n"])])
        for row in details["prompts"]
    ]  # fmt: skip
    return _table(["prompt", *ACCURACIES, "ceiling, joint", "n"], rows) if rows else ""


def _honesty(content: Content) -> str:
    pairs = (
        f'<figure><img src="{content.pairs}" alt="film strips" loading="lazy"><figcaption>The model\'s clips that come '
        "nearest to a training clip, each above that clip.</figcaption></figure>\n"
    )
    return _compared(content) + _remarks(content) + content.histograms + (pairs if content.pairs else "")


def _compared(content: Content) -> str:
    """A row for each measure of HONESTY: model, real, how many times real and, where there is one, the tutorial."""

    def entry(page: Figures, name: str) -> Figures:
        found: Figures = page.get("diversity", {}).get(name) or page.get(name) or {}
        return found

    rows = []
    for name, (label, meaning) in HONESTY.items():
        own, ratio = entry(content.figures, name), times_real(entry(content.figures, name))
        cells = [f'<b>{label}</b> <span class="faint">{meaning}</span>']
        cells += [number(own["model"]), number(own["real"]), NONE if ratio is None else f"{ratio:.2f}"]
        cells += [number(entry(content.tutorial, name).get("model"))] if content.tutorial else []
        rows.append(_row(cells))
    return _table(
        ["", "model", "real", "times real", *(["tutorial"] if content.tutorial else [])], rows, "wide"
    )


def _remarks(content: Content) -> str:
    """What the table does not say."""
    copied = percent(content.figures["nearest_training_clip"]["copied"])
    features = content.details["features"]
    accuracy, agreement = _names(features["accuracy"]), _names(features["agreement"])
    return (
        f"<p>{copied} of the model's clips are nearer to a training clip than 99 % of the real held-out ones are; it "
        "would be 1 %, if it drew as the world does.</p>\n"
        "<p>The Fréchet distance is measured in the features of a small 3D network that was trained on "
        f"{features['clips']} real training clips in this evaluation. On held-out ones it names {accuracy} right; "
        f"with the judge's verdicts on the model's clips it agrees in {agreement}. A distance between whole sets does "
        "not look at the prompts: right clips under the wrong prompts would score as well.</p>\n"
    )


def _names(shares: Figures) -> str:
    known = [f"{name} {percent(share)}" for name, share in shares.items() if share is not None]
    return ", ".join(known) or "nothing"


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


def _wall(tiles: Sequence[Tile], figures: Figures, fps: float) -> str:
    """The tiles, failures first."""
    if not tiles:
        return ""
    ordered = sorted(tiles, key=lambda tile: tile.good)
    wrong = sum(round((1 - page["joint"]["value"]) * page["joint"]["n"])
                for split in SPLITS if (page := figures.get(split)) and page["joint"]["n"])  # fmt: skip
    shown = sum(not tile.good for tile in tiles)
    count = (
        f"<p>{shown} of all {wrong} failures are here, taken evenly.</p>\n"
        if wrong
        else "<p>None failed.</p>\n"
    )
    return count + f'<div class="wall">{"".join(_tile(tile, fps) for tile in ordered)}</div>\n'


def _tile(tile: Tile, fps: float) -> str:
    seen = " ".join(_verdict(tile, aspect) for aspect in ("colour", "shape", "motion"))
    if not any(tile.judged.values()):
        seen = "<b>nothing clear</b>"
    return (
        f'<figure class="{"good" if tile.good else "bad"}"><img src="{gif_uri(tile.clip, fps)}" alt="video">'
        f'<figcaption><span class="mark">{"✓" if tile.good else "✗"}</span> {escape(tile.prompt)}'
        f'<br><span class="faint">judged: {seen}<br>{tile.split.replace("_", " ")}</span></figcaption></figure>\n'
    )


def _verdict(tile: Tile, aspect: str) -> str:
    """What the judge saw, in bold where it is not what was asked."""
    label = escape(tile.judged[aspect] or f"unclear {aspect}")
    return label if tile.right[aspect] else f"<b>{label}</b>"


def _walls(content: Content) -> str:
    """The model's moving sheet and, where there is one, the tutorial's beside it."""
    walls = {"this model": content.wall, "the tutorial's system": content.tutorial_wall}
    figures = [
        f'<figure><figcaption>{name}</figcaption><img src="{uri}" alt="videos of {name}"></figure>'
        for name, uri in walls.items()
        if uri
    ]
    return f'<div class="walls">{"".join(figures)}</div>\n' if figures else ""
