"""The evaluation: that each way of being a bad model is caught by the number meant for it, and that the page can be
trusted: whole, self-contained, harmless, the same each time."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import ROOT
from typer.testing import CliRunner

import stages.evaluate
from text2video import evaluate as stage
from text2video.bundle import Model
from text2video.data.packed import PackedReader, PackedWriter
from text2video.judge import compare, judge_clips
from text2video.judge.diversity import take, trait_diversity
from text2video.judge.summary import Judged, unread
from text2video.layout import TEST_SPLITS, Layout
from text2video.measure import network
from text2video.params import DataParams, Params, load_params
from text2video.report import plots, wall
from text2video.report.headline import TOO_FEW
from text2video.report.page import times_real
from text2video.request import Request
from text2video.synthesize import synthesize
from text2video.world import World, parse_prompt

PROMPTS = [
    "circle moving down",
    "square moving diagonally up-left",
    "circle shrinking",
    "<b>red</b> triangle & moving up",
]
SMALL = {"train_clips": 600, "validation_clips": 64, "test_clips": 64, "prompt_clips": 24, "test_prompts": PROMPTS}
CONFUSIONS = ("plots/confusion_shape.csv", "plots/confusion_colour.csv", "plots/confusion_motion.csv")
UNJUDGED = ("evaluation.json", "evaluation_details.json", "report.html", "plots/spread.svg", "plots/wall.gif",
            "plots/closest_pairs.png")  # fmt: skip
FILES = (*UNJUDGED, *CONFUSIONS)


@dataclass
class Painter(Model):
    """Stands in for a trained model: ``paint`` makes the clip uint8[T, H, W, 3] of a prompt and a number."""

    paint: Callable[[str, int], np.ndarray]
    fps: float = 10

    def canonical(self, prompt: str) -> str:
        """As ``Model.canonical``: it reads every letter."""
        return prompt

    def draw(self, prompts: list[str], seed: int, numbers: list[int]) -> np.ndarray:
        """As ``Model.draw``."""
        return np.stack([self.paint(prompt, number) for prompt, number in zip(prompts, numbers, strict=True)])

    def reconstruct(self, clips: np.ndarray) -> np.ndarray:
        """As ``Model.reconstruct``, by a codec that loses the lower half of every byte."""
        return clips | 0x0F

    def generate(self, prompts: list[str]) -> np.ndarray:
        """As ``Model.generate``, for no prompts."""
        return np.empty((0, 10, 64, 64, 3), np.uint8)


@dataclass(frozen=True)
class Place:
    """A folder with real clips, and what evaluates a painter there."""

    layout: Layout
    params: Params
    world: World

    def evaluate(self, paint: Callable[[str, int], np.ndarray]) -> dict[str, Any]:
        """``evaluation.json`` for a painter."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stage, "load_model", lambda *_: Painter(paint))
            patch.setattr(stage, "PROOF_CLIPS", 8)
            patch.setattr(network, "STEPS", 2)  # how well it learns is another test's business
            figures = stage.evaluate(self.params, self.layout)
        assert json.loads((self.layout.metrics / "evaluation.json").read_text()) == figures
        return figures

    def good(self, prompt: str, number: int) -> np.ndarray:
        """A clip that shows the prompt, as fresh as a real one."""
        seed = 1000 + 100 * number + sum(map(ord, prompt)) % 89
        return self.world.draw_prompt(prompt, 1, seed).clips[0]

    def text(self, name: str) -> str:
        """A file that the last evaluation wrote."""
        return (self.layout.metrics / name).read_text(encoding="utf-8")

    def details(self) -> dict[str, Any]:
        """The second file of figures."""
        return dict(json.loads(self.text("evaluation_details.json")))


def make_place(root: Path, page: str = "params.yaml", **data: Any) -> Place:
    """The stores of a small world in ``root``, with the other settings of a page."""
    params = load_params(ROOT / page)
    own = {name: value for name, value in data.items() if name in DataParams.model_fields}
    drawn = {name: value for name, value in (SMALL | data).items() if name not in own}
    changes = {"data": params.data.model_copy(update=own), "world": params.world.model_copy(update=drawn)}
    params = params.model_copy(update=changes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("text2video.synthesize._show", lambda *_: None)  # pictures that nothing here reads
        synthesize(params, Layout(root))
    return Place(Layout(root), params, World(params))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A small world, made once."""
    return make_place(tmp_path_factory.mktemp("evaluate"))


@pytest.fixture(scope="module")
def files(place: Place) -> dict[str, bytes]:
    """What the evaluation of a model without fault writes."""
    place.evaluate(place.good)
    return {name: (place.layout.metrics / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def good(files: dict[str, bytes]) -> dict[str, Any]:
    """The figures of a model without fault."""
    return dict(json.loads(files["evaluation.json"]))


@pytest.fixture(scope="module")
def page(files: dict[str, bytes]) -> str:
    """The page of a model without fault."""
    return files["report.html"].decode()


@pytest.fixture(scope="module")
def backwards(place: Place) -> tuple[dict[str, Any], dict[str, str]]:
    """The figures, and the files, of a model that shows each clip from its end."""
    figures = place.evaluate(lambda prompt, number: place.good(prompt, number)[::-1])
    return figures, {name: place.text(name) for name in ("report.html", *CONFUSIONS)}


def joint(figures: dict[str, Any], split: str) -> float:
    """Share of clips that are right in everything."""
    return float(figures[split]["joint"]["value"])


# --- bad models, each caught ------------------------------------------------------------------------------------------


def test_a_good_model_is_at_the_ceiling(good: dict[str, Any]) -> None:
    """The control: no number may accuse a model whose clips are as real as the real ones."""
    for split in ("seen", "unseen_combination", "unseen_motion", "prompts"):
        page = good[split]
        assert page["joint"]["n"] == (96 if split == "prompts" else 64)
        assert joint(good, split) >= 0.97
        assert page["ceiling"]["joint"] >= 0.97
        assert page["floor"]["joint"] <= 0.15
        assert page["joint"]["interval"][0] < joint(good, split) <= page["joint"]["interval"][1]
    for trait in ("start_x", "start_y", "speed", "size", "mode_recall"):
        assert 0.6 < times_real(good["diversity"][trait]) < 1.6
    assert good["nearest_training_clip"]["copied"] <= 0.05
    assert times_real(good["nearest_training_clip"]) == pytest.approx(1, abs=0.2)
    assert times_real(good["frechet_distance"]) == pytest.approx(1, abs=0.5)
    assert good["quality"]["path_residual_px"]["model"] < 0.1


def test_a_model_that_ignores_its_prompt_is_at_the_floor(place: Place) -> None:
    """Its clips are perfect, only not those that were asked for: the joint accuracy falls to the floor beside it."""
    pool, _, _ = place.world.draw("train", 400, 7)
    order = iter(np.random.default_rng(0).integers(len(pool), size=10_000).tolist())
    figures = place.evaluate(lambda prompt, number: pool[next(order)])
    for split in ("seen", "unseen_combination", "unseen_motion", "prompts"):
        low, high = figures[split]["joint"]["interval"]
        assert low <= figures[split]["floor"]["joint"] <= high
    assert figures["unseen_motion"]["motion"]["value"] == 0
    assert times_real(figures["frechet_distance"]) < 1.5, "which is blind to it"
    seen = place.details()["splits"]["seen"]
    assert seen["model_unread"]["joint"] == pytest.approx(seen["model"]["joint"]["value"], abs=0.03)


def test_a_model_that_memorises_is_at_distance_zero(place: Place) -> None:
    """It shows training clips that fit the prompt: right in everything that it was trained on, and copied."""
    train = PackedReader(place.layout.train)
    known = [parse_prompt(caption) for caption in train.captions]

    def recall(prompt: str, number: int) -> np.ndarray:
        asked = parse_prompt(prompt)
        fits = [i for i, r in enumerate(known) if all(a in (None, b) for a, b in zip(asked, r, strict=True))]
        return train[fits[number % len(fits)] if fits else number % len(known)]

    figures = place.evaluate(recall)
    assert joint(figures, "seen") > 0.8, "accuracy does not see it"
    assert figures["nearest_training_clip"]["model"] == 0
    assert figures["nearest_training_clip"]["copied"] == 1
    assert joint(figures, "unseen_motion") == 0


def test_a_model_that_draws_the_same_clip_each_time_has_no_variety(place: Place) -> None:
    """One clip for each prompt, and that one right: only its starts, its sizes and its modes give it away."""
    figures = place.evaluate(lambda prompt, number: place.good(prompt, 0))
    assert joint(figures, "prompts") >= 0.97, "accuracy does not see it"
    for trait in ("start_x", "start_y", "size"):
        assert times_real(figures["diversity"][trait]) > 2
    assert times_real(figures["diversity"]["mode_recall"]) < 0.25


def test_a_model_that_emits_still_pictures_does_not_move(place: Place, good: dict[str, Any]) -> None:
    """Shape and colour are there, motion is not; nor are its clips as a set like real ones."""
    figures = place.evaluate(lambda prompt, number: place.good(prompt, number)[:1].repeat(10, 0))
    for split in ("seen", "unseen_combination", "unseen_motion", "prompts"):
        assert figures[split]["colour"]["value"] > 0.9
        assert figures[split]["motion"]["value"] == 0
        assert joint(figures, split) == 0
    assert figures["quality"]["path_residual_px"]["model"] < 0.1, "which a still picture is best at"
    assert figures["diversity"]["speed"]["model"] > 3 * good["diversity"]["speed"]["real"]
    assert place.details()["confusion"]["motion"]["up"] == {
        "unclear": place.text("plots/confusion_motion.csv").count("\nup,")
    }


def test_a_model_that_draws_nothing_gets_a_page(place: Place) -> None:
    """White frames, as the tutorial's: zero everywhere, nothing measured, and no crash over it."""
    figures = place.evaluate(lambda prompt, number: np.full((10, 64, 64, 3), 255, np.uint8))
    assert joint(figures, "seen") == 0
    assert figures["diversity"]["start_x"]["model"] is None
    assert figures["diversity"]["mode_recall"]["model"] == 0
    assert figures["quality"]["path_residual_px"] == {"model": None, "real": pytest.approx(0, abs=0.1)}
    assert "nothing clear" in place.text("report.html")


# --- scenes -----------------------------------------------------------------------------------------------------------

SWAPS = {
    "a red circle moves left and a blue square moves up": "a blue circle moves left and a red square moves up",
    "a red circle moving up": "a red circle moving up",
}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A small world of scenes."""
    few = {"train_clips": 96, "validation_clips": 16, "test_clips": 24, "prompt_clips": 6, "test_prompts": list(SWAPS)}
    return make_place(tmp_path_factory.mktemp("scenes"), "scenes/params.yaml", **few)


def test_scenes_are_evaluated_as_a_whole_and_by_object(scenes: Place) -> None:
    """A good model is at the ceiling in all rows; the page has the judge's sentence under each clip."""
    figures = scenes.evaluate(scenes.good)
    for split in ("seen", "unseen_combination", "unseen_motion", "unseen_pair", "prompts"):
        assert joint(figures, split) >= 0.9, split
        assert figures[split]["ceiling"]["joint"] >= 0.9
        assert figures[split]["floor"]["joint"] <= (0.5 if split == "prompts" else 0.15)
        binding = figures[split]["binding"]["model"]
        assert binding["alone"]["value"] >= binding["together"]["value"] >= 0.9
        assert binding["swapped"]["value"] == 0
        assert binding["alone"]["n"] > binding["together"]["n"] > 0
        sizes = [binding[name]["n"] for name in ("one", "two", "three")]
        assert sizes[1] + sizes[2] == binding["together"]["n"]
        assert sum(sizes) == figures[split]["joint"]["n"]
        assert all(binding[name]["value"] >= 0.8 for name, n in zip(("one", "two", "three"), sizes, strict=True) if n)
    page = scenes.text("report.html")
    assert "Does each object have what is its own?" in page
    assert page.count("the real one: ") == page.count("judged: ") > 20, "real beside made, each with its sentence"
    assert figures["quality"]["path_residual_px"]["model"] < 0.2


def test_attributes_on_the_wrong_object_are_counted(scenes: Place) -> None:
    """Each word is on the screen, none where it belongs: nothing is right, and the page says why."""
    figures = scenes.evaluate(lambda prompt, number: scenes.good(SWAPS.get(prompt, prompt), number))
    assert joint(figures, "prompts") == 0.5  # of two prompts
    binding = figures["prompts"]["binding"]["model"]
    assert [binding[name]["value"] for name in ("alone", "together", "swapped")] == [0, 0, 1]
    assert re.search(r"judged: [^;]*; <b>wrong: (shape|colour|motion)", scenes.text("report.html")), (
        "says what is wrong"
    )
    assert figures["prompts"]["binding"]["real"]["together"]["value"] == 1


# --- the files --------------------------------------------------------------------------------------------------------


def leaves(metrics: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The numbers that DVC shows of a metrics file: of nested keys, but nothing inside a list."""
    if isinstance(metrics, dict):
        for key, value in metrics.items():
            yield from leaves(value, f"{path}.{key}" if path else key)
    elif isinstance(metrics, (int, float, str)):
        yield path, metrics


def test_metrics_diff_is_short(good: dict[str, Any], backwards: tuple[dict[str, Any], dict[str, str]]) -> None:
    """Two models differ in some forty named numbers, not in hundreds."""
    other = dict(leaves(backwards[0]))
    changed = {name for name, value in leaves(good) if other.get(name) != value}
    assert {"seen.joint.value", "unseen_motion.motion.value", "quality.angle_error_degrees.model"} <= changed
    assert len(changed) <= 40
    assert not any(part in name for name in changed for part in ("ceiling", "codec", "floor", "real", ".n"))


def test_figures_have_the_names_that_others_rely_on(files: dict[str, bytes], good: dict[str, Any]) -> None:
    """Scripts and documents read them."""
    for split in ("seen", "unseen_combination", "unseen_motion", "prompts"):
        assert {"shape", "colour", "motion", "joint", "quality", "ceiling", "codec", "floor"} <= set(good[split])
        assert [row["measure"] for row in good[split]["quality"]] == [
            "angle_error_degrees", "path_residual_px", "colour_distance", "area_variation"
        ]  # fmt: skip
    details = json.loads(files["evaluation_details.json"])
    assert [row["prompt"] for row in details["prompts"]] == PROMPTS
    assert [row["joint"]["n"] for row in details["prompts"]] == [24] * 4
    assert details["network"]["clips"] == 600


def test_confusion_counts_every_clip_that_was_asked_for_something(
    place: Place, backwards: tuple[dict[str, Any], dict[str, str]]
) -> None:
    """One row for each, as DVC's template wants it; what is not recognised is a column of its own."""
    captions = [c for split in (*TEST_SPLITS, "prompts")
                for c in PackedReader(place.layout.test / split).captions]  # fmt: skip
    for aspect in ("shape", "colour", "motion"):
        rows = list(csv.DictReader(backwards[1][f"plots/confusion_{aspect}.csv"].splitlines()))
        asked = [label for c in captions if (label := getattr(parse_prompt(c), aspect))]
        assert sorted(row["actual"] for row in rows) == sorted(asked)
    assert {"actual": "shrinking", "predicted": "expanding"} in rows


class Loads(HTMLParser):
    """Collects what a browser would fetch or run, and checks that every tag is closed."""

    void = ("meta", "img", "br", "rect", "path", "polyline")

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag and its addresses."""
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """``<rect/>`` closes itself."""
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """The last open tag is the one that closes."""
        assert self.open.pop() == tag


def test_the_page_needs_nothing_else(page: str) -> None:
    """It opens from disk, in a train: no script, no font, no picture from elsewhere; and it is whole."""
    loads = Loads()
    loads.feed(page)
    assert not loads.open
    assert not {"script", "link", "iframe", "object", "base", "form"} & set(loads.tags)
    assert loads.addresses
    assert all(address.startswith(("data:image/gif;base64,", "data:image/png;base64,")) for address in loads.addresses)
    assert "url(" not in page
    assert "@import" not in page
    assert len(page) < 5_000_000


def test_prompts_cannot_write_into_the_page(page: str) -> None:
    """A prompt is shown as it was typed, and never taken for HTML."""
    assert "&lt;b&gt;red&lt;/b&gt; triangle &amp; moving up" in page
    assert "<b>red</b> triangle" not in page


def test_failures_come_first_and_are_few(backwards: tuple[dict[str, Any], dict[str, str]]) -> None:
    """One sees what is wrong without scrolling past what is right; and a bad model's page does not grow."""
    tiles = [part for part in backwards[1]["report.html"].split("<figure ") if part.startswith('class="')]
    kinds = ["bad" if tile.startswith('class="bad') else "good" for tile in tiles]
    assert kinds == sorted(kinds)
    assert 0 < kinds.count("bad") <= (len(TEST_SPLITS) + 1) * wall.FAILURES
    assert len(kinds) <= (len(TEST_SPLITS) + 1) * wall.TILES


def test_curves_and_the_tutorial_are_shown_where_they_are_known(tmp_path: Path) -> None:
    """The page takes what is there; the tutorial's figures stand beside ours, in the file and on the page."""
    place = make_place(tmp_path, train_clips=64, test_clips=8, prompt_clips=2)
    place.evaluate(place.good)
    page = place.text("report.html")
    assert "<h2>Training</h2>" not in page
    assert "the tutorial's system" not in page
    measured = tmp_path / "tutorial" / "measured"
    measured.mkdir(parents=True)
    for name in ("evaluation.json", "plots/wall.gif"):
        (measured / Path(name).name).write_bytes((place.layout.metrics / name).read_bytes())
    (place.layout.metrics / "train.csv").write_text("step,loss_d,loss_g\n1,2,0.5\n2,nan,0.7\n")
    figures = place.evaluate(lambda prompt, number: place.good(prompt, number)[::-1])
    page = place.text("report.html")
    assert "<h2>Training</h2>" in page
    assert "loss_g" in page
    assert 'alt="videos of the tutorial&#39;s system"' in page
    assert figures["prompts"]["tutorial"]["joint"] == 1
    assert figures["prompts"]["quality"][0]["tutorial"] < 1 < figures["prompts"]["quality"][0]["model"]


@pytest.mark.parametrize(
    "data",
    [
        {"test_clips": 0, "prompt_clips": 0, "train_clips": 1, "validation_clips": 1},
        {"test_prompts": [], "test_clips": 1, "train_clips": 40},
        {"train_prompts": ["circle moving down"], "unseen_motions": [], "test_clips": 3, "test_prompts": ["circle"]},
        {"frames": 2, "size": 16, "test_clips": 2, "prompt_clips": 1, "train_clips": 33},
    ],
    ids=["nothing", "no prompts", "nothing held out", "two small frames"],
)
def test_small_and_empty_worlds_are_evaluated(tmp_path: Path, data: dict[str, Any]) -> None:
    """What has no clips has no numbers: null, never a crash and never NaN; every file is there."""
    place = make_place(tmp_path, **data)
    figures = place.evaluate(place.good)
    for name in FILES:
        assert (place.layout.metrics / name).stat().st_size
    if not place.params.world.test_clips:
        assert figures["seen"]["joint"] == {"value": None, "interval": [None, None], "n": 0}
        assert figures["nearest_training_clip"] == {"model": None, "real": None, "copied": None}


def test_the_stage_prints_a_short_table(place: Place, good: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """What one wants to know first, without opening a file."""
    monkeypatch.setattr(stages.evaluate, "load_params", lambda _: place.params)
    monkeypatch.setattr(stage, "evaluate", lambda *_: good)
    done = CliRunner().invoke(stages.evaluate.app, ["--root", str(place.layout.root)])
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    splits = [split for split in (*TEST_SPLITS, "prompts") if split != "unseen_pair"]  # of several objects
    assert [line.split()[0] for line in lines if line] == ["judged", *splits, "right", *splits]
    assert max(map(len, lines)) <= 120


# --- clips without labels ---------------------------------------------------------------------------------------------


WORDS = ["<b>Кошка</b> & кот прыгают", "красный круг 🐱", "圆形向左移动", "a dog, running", 'ein "Hund"']
WIDE = (4, 24, 48, 3)


def unlabelled(root: Path, splits: dict[str, list[str]], shape: tuple[int, ...] = WIDE) -> Place:
    """Stores of noise without labels: for each caption clips of a tone of their own. The parameters have no drawn
    world, as those of `python -m stages.new NAME --videos FOLDER`."""
    layout, rng = Layout(root), np.random.default_rng(0)
    folders = {"train": layout.train, "validation": layout.validation}
    for name, captions in splits.items():
        tones = np.array([60 + 40 * (sum(map(ord, caption)) % 4) for caption in captions], int)
        clips = tones[:, None, None, None, None] + rng.integers(-20, 21, (len(captions), *shape))
        with PackedWriter(folders.get(name, layout.test / name), shape, np.uint8, fps=8) as writer:
            writer.append(clips.astype(np.uint8), captions)
    params = load_params(ROOT / "params.yaml")
    data = params.data.model_copy(update={"source": "videos", "size": list(shape[1:3]), "frames": shape[0]})
    return Place(layout, params.model_copy(update={"data": data, "world": None}), World(params))


def noise(prompt: str, number: int) -> np.ndarray:
    """A model's video of any prompt, as large as WIDE."""
    return np.random.default_rng([number, sum(map(ord, prompt))]).integers(0, 256, WIDE, np.uint8)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Own videos: captions in several scripts, frames that are not square."""
    splits = {"train": WORDS[:4] * 8, "validation": WORDS[:4] * 3, "unseen_clip": WORDS[:4] * 4}
    splits |= {"unseen_caption": WORDS[4:] * 12, "few": WORDS[:2]}
    place = unlabelled(tmp_path_factory.mktemp("videos"), splits)
    place.evaluate(noise)
    return place


def test_without_labels_nothing_is_judged_and_no_number_is_made_up(videos: Place) -> None:
    """What any data set gets is there; what takes a judge is absent from the file, and "not measured" on the page."""
    figures = json.loads(videos.text("evaluation.json"))
    assert list(figures) == [
        "unseen_clip", "unseen_caption", "few", "diversity", "nearest_training_clip", "frechet_distance", "flicker"
    ]  # fmt: skip
    for split, n in (("unseen_clip", 16), ("unseen_caption", 12)):
        assert list(figures[split]) == ["retrieval"]
        found = figures[split]["retrieval"]
        assert (found["n"], found["candidates"], found["chance"]) == (n, 5, 0.2)
        assert 0 <= found["interval"][0] <= found["value"] <= found["interval"][1] <= 1
        assert 0 <= found["ceiling"] <= 1
        assert 0 <= found["floor"] <= 1
    assert list(figures["diversity"]) == ["pixel_distance", "feature_distance"]
    for entry in (*figures["diversity"].values(), figures["frechet_distance"], figures["flicker"]):
        assert entry["model"] is not None
        assert entry["real"] is not None
    assert figures["flicker"]["model"] > 2 * figures["flicker"]["real"]
    assert list(json.loads(videos.text("evaluation_details.json"))) == ["network"]
    assert {path.name for path in (videos.layout.metrics / "plots").iterdir()} == {
        "spread.svg", "wall.gif", "closest_pairs.png"
    }  # fmt: skip
    page = videos.text("report.html")
    assert page.count("Not measured") == 1
    assert "judge" not in page.replace("nothing is judged", "")
    assert "judged:" not in page
    assert "captions that were never trained on" in page


def test_a_pipeline_that_may_draw_has_every_output_also_of_videos(tmp_path: Path) -> None:
    """Its dvc.yaml lists confusion counts, whichever source data.source names."""
    place = unlabelled(tmp_path, {"train": ["a", "b"], "validation": ["b"], "unseen_clip": ["a"]})
    world = load_params(ROOT / "params.yaml").world
    place = replace(place, params=place.params.model_copy(update={"world": world}))
    place.evaluate(noise)
    assert [place.text(name) for name in CONFUSIONS] == ["actual,predicted\n"] * 3


def test_the_page_of_own_videos_is_whole_and_harmless(videos: Place) -> None:
    """Captions of any script are shown as they were written, and stay text."""
    page = videos.text("report.html")
    loads = Loads()
    loads.feed(page)
    assert not loads.open
    assert all(address.startswith("data:image/") for address in loads.addresses)
    assert "&lt;b&gt;Кошка&lt;/b&gt; &amp; кот прыгают" in page
    assert "<b>Кошка" not in page
    assert "圆形向左移动" in page
    assert ">nan" not in page


def test_the_stage_prints_retrieval_where_nothing_is_judged(videos: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same command for both kinds of data."""
    monkeypatch.setattr(stages.evaluate, "load_params", lambda _: videos.params)
    monkeypatch.setattr(stage, "evaluate", lambda *_: json.loads(videos.text("evaluation.json")))
    done = CliRunner().invoke(stages.evaluate.app, ["--root", str(videos.layout.root)])
    assert done.exit_code == 0
    head, *rows = [line.split() for line in done.stdout.splitlines()]
    assert head[:8] == ["right", "caption", "found", "ceiling", "floor", "chance", "captions", "n"]
    assert [(row[0], row[4:7]) for row in rows] == [
        ("unseen_clip", ["0.200", "5", "16"]), ("unseen_caption", ["0.200", "5", "12"]), ("few", ["0.200", "5", "2"])
    ]  # fmt: skip
    assert done.stdout.endswith(
        "       -         -         -     0.200         5         2   too few clips to measure\n"
    )


@pytest.mark.parametrize(
    "splits",
    [
        {"train": ["a"], "validation": []},
        {"train": ["a"], "validation": ["a"], "unseen_clip": ["a"], "unseen_caption": []},
        {"train": ["a", "b"], "validation": ["b"], "unseen_clip": [], "unseen_caption": ["a", "b"], "more": ["?"]},
        {"train": [""], "validation": ["!"], "unseen_clip": ["!", ""]},
    ],
    ids=["no split", "one clip", "two captions", "no words"],
)
def test_few_videos_are_evaluated(tmp_path: Path, splits: dict[str, list[str]]) -> None:
    """What there is too little of is null in the file, and the page is there all the same."""
    place = unlabelled(tmp_path, splits)
    figures = place.evaluate(noise)
    for name in UNJUDGED:
        assert (place.layout.metrics / name).stat().st_size
    for name in splits.keys() - {"train", "validation"}:
        assert figures[name]["retrieval"]["n"] in (0, len(splits[name]))
    if "more" in splits:
        assert figures["unseen_caption"]["retrieval"]["candidates"] == 3
        assert list(figures)[:3] == ["unseen_clip", "unseen_caption", "more"]
    page = place.text("report.html")
    assert "Not measured: there are too few test clips." in page
    assert page.count(f"<td>{TOO_FEW}</td>") == sum(
        bool(figures[name]["retrieval"]["n"]) for name in splits if name in figures
    )


def test_a_split_that_is_too_large_is_sampled(videos: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays bounded, whatever the clips' size."""
    monkeypatch.setattr(stage, "MOST_BYTES", 6 * int(np.prod(WIDE)))
    figures = videos.evaluate(noise)
    assert figures["unseen_clip"]["retrieval"]["n"] == 6


# --- the judge's measures --------------------------------------------------------------------------------------------


def test_the_floor_is_exact(place: Place) -> None:
    """It is what every clip scores under every other clip's caption: counted in groups, the same as one by one."""
    store = PackedReader(place.layout.test / "seen")
    verdicts, requests = judge_clips(store[:24]), [parse_prompt(c) for c in store.captions[:24]]
    pairs = [(i, j) for i in range(24) for j in range(24) if i != j]
    hits = compare(take(verdicts, np.array([i for i, _ in pairs])), [requests[j] for _, j in pairs]).right
    found = unread(verdicts, requests, own=True)
    for name in ("shape", "colour", "motion", "joint"):
        assert found[name] == pytest.approx(hits[name].mean(), abs=1e-4)
    assert unread(verdicts, [Request("circle", None, None)], own=False)["shape"] == pytest.approx(
        (verdicts.shape == "circle").mean(), abs=1e-4
    )
    assert unread(take(verdicts, np.arange(1)), requests[:1], own=True)["joint"] is None


def test_variety_needs_two_clips_of_a_prompt(place: Place) -> None:
    """One clip of each prompt has no spread to compare."""
    verdicts = judge_clips(PackedReader(place.layout.test / "prompts")[:2])
    figures = trait_diversity(["a", "b"], verdicts, verdicts, seed=0)
    assert all(entry == {"model": None, "real": None} for entry in figures.values())
    assert times_real(figures["size"]) is None


def test_tiles_are_taken_over_the_whole_split(place: Place) -> None:
    """Not the first few, which would all be of the first prompt."""
    store = PackedReader(place.layout.test / "prompts")
    clips = store[:]
    verdicts = judge_clips(clips[:, ::-1])
    judged = Judged(store.captions, [parse_prompt(c) for c in store.captions], verdicts, verdicts, verdicts)
    tiles = wall.choose_tiles("prompts", store.captions, clips, clips, judged, store.captions)
    assert {tile.prompt for tile in tiles} == set(PROMPTS)
    assert not any(tile.good for tile in tiles)
    assert all(tile.clip.base is tile.real.base is None for tile in tiles), "a view keeps all clips in memory"


@given(st.dictionaries(st.text(), st.dictionaries(st.text(), st.integers(0, 5)), max_size=4))
def test_any_labels_make_a_drawing(counts: dict[str, dict[str, int]]) -> None:
    """Labels of any kind are text in the drawing and nothing else."""
    drawing = plots.confusion_matrix("x", counts, ["circle"])
    assert drawing.count("<svg") == (1 if counts else 0)
    assert drawing.count("<script") == 0
