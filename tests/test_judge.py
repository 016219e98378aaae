"""The judge: that it is right about real clips and not fooled by others, and that its numbers mean what they say."""

import json
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from import_graph import ROOT
from typer.testing import CliRunner

from text2video import proof
from text2video.judge import Verdicts, compare, judge_clips, judge_scenes, opencv_world, rules, sentence
from text2video.judge.diversity import mode_recall, trait_distances
from text2video.judge.proof import CHANGED, Check, check, prove, table
from text2video.judge.scores import angle_errors, area_variations, colour_distances
from text2video.judge.summary import confusions
from text2video.measure.shares import wilson
from text2video.params import load_params
from text2video.request import Request, Scene
from text2video.world import World, parse_prompt, parse_scene

ONE_OBJECT = ("circle", "square", "triangle"), ("red", "green", "blue", "black"), rules.MOTIONS
EVERYTHING = [Request(*words) for words in product(*ONE_OBJECT)]
STRAIGHT = [request for request in EVERYTHING if request.motion in rules.DIRECTIONS]
WHITE = np.full(3, 255.0)


def disc_clip(
    x: Sequence[float],
    y: Sequence[float],
    radius: Sequence[float] | float = 6,
    rgb: Sequence[Sequence[float]] | Sequence[float] = (220, 30, 30),
    size: int = 64,
    back: np.ndarray = WHITE,
) -> np.ndarray:
    """A disc at each (x, y), uint8[1, T, size, size, 3]: the smallest renderer that a test can have."""
    frames = len(x)
    rows, columns = np.mgrid[:size, :size]
    reach = np.broadcast_to(radius, frames)
    cover = np.stack([np.clip(0.5 + reach[t] - np.hypot(columns - x[t], rows - y[t]), 0, 1) for t in range(frames)])[
        ..., None
    ]
    ink = np.broadcast_to(np.asarray(rgb, float), (frames, 3))[:, None, None]
    return np.round(back + cover * (ink - back)).astype(np.uint8)[None]


def motion_of(clip: np.ndarray) -> str:
    """What the judge calls the motion of one clip."""
    return str(judge_clips(clip).motion[0])


def share_right(clips: np.ndarray, requests: Sequence[Request]) -> float:
    """Share of clips right in everything."""
    return float(compare(judge_clips(clips), requests).right["joint"].mean())


# --- the proof --------------------------------------------------------------------------------------------------------


def failures(checks: Sequence[Check]) -> str:
    """The lines of the table that fail."""
    failing = [check for check in checks if not check.holds]
    return table(failing) if failing else ""


def test_proof_on_our_world() -> None:
    """Real clips right, their reversals and mirror images right, spoilt ones wrong, disturbed ones unchanged."""
    params = load_params(ROOT / "params.yaml")
    world = World(params.model_copy(update={"world": params.world.model_copy(update={"edge_share": 0.4})}))
    clips, captions, _ = world.draw("seen", 200, seed=9)
    checks = prove(clips, [parse_prompt(caption) for caption in captions])
    assert {"partly out of the frame", "smallest", "fastest straight", "up-left"} <= {c.name for c in checks}
    assert not failures(checks), failures(checks)


def test_proof_on_another_renderer() -> None:
    """The judge knows the words, not our renderer: the same holds for clips that OpenCV drew."""
    assert not failures(checks := prove(opencv_world.draw_clips(EVERYTHING, seed=3), EVERYTHING)), failures(checks)


def test_proof_fails_when_the_judge_would() -> None:
    """A table that cannot turn red proves nothing: wrong captions fail, and unspoilt clips."""
    clips = opencv_world.draw_clips(EVERYTHING[:48], seed=3)
    assert not check("wrong captions", "right", clips, EVERYTHING[48:96]).holds
    assert not check("unspoilt", "wrong", clips, EVERYTHING[:48]).holds
    assert "FAILS" in table([check("unspoilt", "wrong", clips, EVERYTHING[:48])])


def test_proof_command_prints_both_tables() -> None:
    """One command shows anyone whether the judge can be trusted."""
    done = CliRunner().invoke(proof.app, ["--root", str(ROOT), "--clips", "48"])
    assert done.exit_code == 0, done.output
    assert all(words in done.output for words in ("our world", "drawn by OpenCV", "frames shuffled", "half out"))
    refused = CliRunner().invoke(proof.app, ["--root", str(ROOT / "digits")])
    assert "has no section world" in str(refused.exception)  # own clips have no labels


@pytest.mark.parametrize(
    "how",
    [
        {"radius": 3, "pace": 0},
        {"radius": 3, "pace": 1},
        {"radius": 12, "pace": 0},
        {"radius": 12, "pace": 1},
        {"colours": opencv_world.SHADES},
        {"factor": 1},
        {"factor": 8},
        {"size": 32},
        {"size": 128, "frames": 16},
        {"frames": 24},
    ],
    ids=str,
)
def test_real_clips_of_every_kind_are_right(how: dict[str, object]) -> None:
    """Small and large, slow and fast, other shades, hard and soft edges, other frame sizes and lengths."""
    requests = EVERYTHING[::2]
    assert share_right(opencv_world.draw_clips(requests, seed=4, **how), requests) >= 0.99  # type: ignore[arg-type]


def test_clips_that_leave_the_frame_are_right() -> None:
    """An object half out of the frame at the end is still told by the frames that show it whole."""
    clips = opencv_world.draw_clips(STRAIGHT, seed=5, radius=7, edge=True, pace=1)
    assert judge_clips(clips).tracks.cut.any((1, 2)).all()
    assert share_right(clips, STRAIGHT) >= 0.99


@pytest.mark.parametrize("back", [(0, 0, 0), (200, 200, 180), (120, 120, 255)], ids=str)
def test_any_plain_background_will_do(back: tuple[int, int, int]) -> None:
    """The background is a parameter of the world: nothing in the judge takes it to be white."""
    clip = disc_clip(np.linspace(12, 50, 10), [30] * 10, back=np.array(back, float))
    verdicts = judge_clips(clip)
    assert (verdicts.shape[0], verdicts.colour[0], verdicts.motion[0]) == ("circle", "red", "right")


# --- what it must not be fooled by ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("degrees", "motion"),
    [(0, "right"), (20, "right"), (25, "up-right"), (65, "up-right"), (70, "up"), (250, "down"), (205, "down-left")],
)
def test_directions_are_sectors_of_45_degrees(degrees: float, motion: str) -> None:
    """Each direction is what lies nearer to it than to its neighbours; up is up on the screen."""
    way = np.linspace(-15, 15, 10)
    angle = np.radians(degrees)
    assert motion_of(disc_clip(31.5 + way * np.cos(angle), 31.5 - way * np.sin(angle))) == motion


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [
        ("travels less than a fifth of the frame", np.linspace(20, 31, 10), [30] * 10),
        ("stops half way", np.minimum(np.linspace(10, 80, 10), 40), [30] * 10),
        ("steps back once", np.array([10, 14, 18, 22, 18, 26, 30, 34, 38, 42]), [30] * 10),
        ("swings from frame to frame", np.linspace(10, 50, 10), 30 + 6 * (-1.0) ** np.arange(10)),
        ("turns by less than 135 degrees", *(31.5 + 18 * f(np.linspace(0, 2.1, 10)) for f in (np.cos, np.sin))),
        ("turns about another point", *(25 + 15 * f(np.linspace(0, 4.5, 10)) for f in (np.cos, np.sin))),
        ("trembles on the spot", 30 + np.sin(np.arange(10) * 1.3), [30] * 10),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_no_word_names_is_no_motion(name: str, x: np.ndarray, y: np.ndarray) -> None:
    """The words have meanings, with limits: what falls short of all of them is none of them."""
    assert motion_of(disc_clip(x, y)) == "", name


@pytest.mark.parametrize(
    ("radius", "motion"),
    [
        (np.linspace(4, 9, 10), "expanding"),
        (np.linspace(9, 4, 10), "shrinking"),
        (np.geomspace(4, 9, 10), "expanding"),
        (np.linspace(6, 8, 10), ""),
        ([4] * 5 + [9] * 5, ""),
        ([4, 5, 6, 5, 6, 7, 8, 9, 8, 9], ""),
    ],
    ids=str,
)
def test_growth_is_steady_and_threefold(radius: Sequence[float], motion: str) -> None:
    """A switch, a pulse or a little growth are not shrinking or expanding."""
    assert motion_of(disc_clip([30] * 10, [33] * 10, radius)) == motion


@pytest.mark.parametrize(
    ("stray", "detected"), [(1, True), (2, True), (4, False)], ids=["speck", "larger speck", "second object"]
)
def test_specks_are_forgiven_and_second_objects_not(stray: int, detected: bool) -> None:
    """A few wrong pixels are noise; what a viewer would call an object counts, in a single frame too."""
    clip = disc_clip(np.linspace(12, 50, 10), [20] * 10)
    clip[0, 4, 50 : 50 + stray, 30 : 30 + stray] = 0
    verdicts = judge_clips(clip)
    assert verdicts.detected[0] == detected
    assert ((verdicts.shape[0], verdicts.colour[0], verdicts.motion[0]) != ("", "", "")) == detected


def test_other_shapes_and_colours_have_no_name() -> None:
    """A bar is no square, grey no colour of an object: unclear is wrong, whatever was asked."""
    x, y = np.linspace(14, 48, 10), [30.0] * 10
    ring, bar = disc_clip(x, y, 9), np.full((1, 10, 64, 64, 3), 255, np.uint8)
    for t, left in enumerate(np.round(x).astype(int)):
        ring[0, t][disc_clip([x[t]], [y[t]], 5)[0, 0, ..., 1] < 200] = 255
        bar[0, t, 27:34, left - 8 : left + 8] = (220, 30, 30)
    verdicts = judge_clips(np.concatenate([ring, bar, disc_clip(x, y, rgb=(130, 130, 130))]))
    assert verdicts.shape.tolist() == ["ring", "", "circle"]
    assert verdicts.colour.tolist() == ["red", "red", ""]
    assert set(verdicts.motion) == {"right"}


@pytest.mark.parametrize("radius", [4, 6, 12])
def test_all_shapes_and_colours_are_told_apart(radius: float) -> None:
    """Six shapes and eight colours, in each other's presence and at any size that shows them."""
    looks = product(rules.SHAPES, rules.COLOURS, ("up-left", "rotating clockwise", "expanding"))
    requests = [Request(*words) for words in looks]
    assert share_right(opencv_world.draw_clips(requests, seed=2, radius=radius), requests) == 1
    shades = opencv_world.draw_clips(requests, seed=3, radius=radius, colours=opencv_world.SHADES)
    assert share_right(shades, requests) >= 0.99


def test_objects_that_swap_while_cut_off_are_noticed() -> None:
    """Frames at the edge are not a place to hide: the object there has to be where the path leads."""
    x = np.linspace(12, 63, 10)
    clip = disc_clip(x, [20] * 10)
    assert motion_of(clip) == "right"
    clip[0, -1] = disc_clip([63], [50])[0, 0]
    assert motion_of(clip) == ""


def test_a_verdict_depends_on_its_clip_alone() -> None:
    """Not on its neighbours in the batch, and not on how many there are."""
    clips = opencv_world.draw_clips(EVERYTHING[::5], seed=6)
    together = judge_clips(clips)
    for i in (0, 17, len(clips) - 1):
        alone = judge_clips(clips[i : i + 1])
        for name in ("shape", "colour", "motion", "residual", "start", "speed", "size"):
            assert np.array_equal(getattr(alone, name)[0], getattr(together, name)[i]), name


# --- what it measures -------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(x=st.floats(16, 47), y=st.floats(16, 47), radius=st.floats(3, 12), size=st.sampled_from([64, 65]))
def test_tracks_are_exact_to_a_fraction_of_a_pixel(x: float, y: float, radius: float, size: int) -> None:
    """Angle errors and residuals are only worth as much as the centre and area that they rest on."""
    tracks = judge_clips(disc_clip([x] * 3, [y] * 3, radius, size=size)).tracks
    assert tracks.whole.all()
    assert np.allclose(tracks.centre, (x, y), atol=0.1)
    assert np.allclose(tracks.area, np.pi * radius**2, rtol=0.03, atol=0.5)


def test_numbers_of_a_known_clip() -> None:
    """Direction, displacement, speed, size and residual are in the units that they claim."""
    verdicts = judge_clips(disc_clip(np.linspace(12, 39, 10), np.linspace(50, 23, 10), 6))
    assert verdicts.direction[0] == pytest.approx(45, abs=0.2)
    assert verdicts.displacement[0] == pytest.approx(27 * 2**0.5, abs=0.1)
    assert verdicts.speed[0] == pytest.approx(3 * 2**0.5, abs=0.1)
    assert verdicts.size[0] == pytest.approx(6 * np.pi**0.5, rel=0.02)
    assert verdicts.start[0] == pytest.approx((12, 50), abs=0.1)
    assert verdicts.residual[0] < 0.05
    errors = [angle_errors(verdicts, [Request(None, None, motion)])[0] for motion in ("up-right", "up", "down-left")]
    assert errors == pytest.approx([0, 45, 180], abs=0.3)
    assert len(angle_errors(verdicts, [Request(None, None, "shrinking")])) == 0


def test_residual_is_the_distance_to_the_ideal_path() -> None:
    """A straight path with a wobble of one pixel to either side has a residual of one pixel."""
    wobble = np.array([1, -1, -1, 1, 1, -1, -1, 1])  # no trend of its own
    assert judge_clips(disc_clip(np.linspace(10, 52, 8), 30 + wobble)).residual[0] == pytest.approx(1, abs=0.1)


def test_colour_distance_is_the_mean_over_pairs_of_frames() -> None:
    """ACD as MoCoGAN defines it: 0 for a steady colour; if every other of ten frames differs, 25 of 45 pairs do."""
    x, y = np.linspace(12, 50, 10), [30] * 10
    steady, flicker = disc_clip(x, y), disc_clip(x, y, rgb=[(220, 30, 30), (220, 30, 50)] * 5)
    measured = colour_distances(judge_clips(np.concatenate([steady, flicker])))
    assert measured == pytest.approx([0, 20 * 25 / 45], abs=1)


def test_area_variation_is_flicker_and_not_growth() -> None:
    """Growing by a constant factor costs nothing, a tenth more area in every other frame costs its 5 %."""
    still = [30] * 10
    growing, flicker = np.geomspace(4, 9, 10), 7 * np.array([1, 1.1**0.5] * 5)
    measured = area_variations(judge_clips(np.concatenate([disc_clip(still, still, r) for r in (growing, flicker)])))
    assert measured[0] < 0.02
    assert measured[1] == pytest.approx(np.log(1.1) / 2, rel=0.1)


# --- scores -----------------------------------------------------------------------------------------------------------


def test_score_counts_what_is_right() -> None:
    """Each aspect on its own, and all of them together; what a request leaves open may be anything that has a name."""
    verdicts = judge_clips(disc_clip(np.linspace(12, 50, 10), [30] * 10).repeat(4, 0))
    requests = [
        Request("circle", "red", "right"),
        Request("circle", None, "right"),
        Request("square", "red", "right"),
        Request(None, "blue", "left"),
    ]
    hits = compare(verdicts, requests).right
    assert hits["shape"].tolist() == [True, True, False, True]
    assert hits["colour"].tolist() == [True, True, True, False]
    assert hits["motion"].tolist() == [True, True, True, False]
    assert hits["joint"].tolist() == [True, True, False, False]
    page = compare(verdicts, requests).score
    assert page["joint"] == {"value": 0.5, "low": 0.15, "high": 0.85, "n": 4}
    assert page["angle_error_degrees"]["n"] == 4
    assert confusions([compare(verdicts, requests)])["motion"] == {"right": {"right": 3}, "left": {"right": 1}}
    assert confusions([compare(verdicts, requests)])["colour"] == {"red": {"red": 2}, "blue": {"red": 1}}
    with pytest.raises(ValueError, match="4 clips but 1 requests"):
        compare(verdicts, requests[:1])


def test_nothing_shown_is_wrong_in_everything() -> None:
    """A blank clip is wrong whatever was asked, also where the prompt leaves everything open."""
    verdicts = judge_clips(np.full((2, 10, 64, 64, 3), 255, np.uint8))
    page = compare(verdicts, [Request(None, None, None), Request("circle", "red", "up")]).score
    assert all(page[name]["value"] == 0 for name in ("shape", "colour", "motion", "joint", "detected"))
    assert page["path_residual_px"] == {"median": None, "mean": None, "n": 0}
    assert confusions([compare(verdicts, [Request("circle", None, None)] * 2)])["shape"] == {"circle": {"unclear": 2}}


def test_no_clips_give_a_readable_nothing() -> None:
    """An empty split is no reason to fail, and no reason to print NaN."""
    page = compare(judge_clips(np.empty((0, 10, 64, 64, 3), np.uint8)), []).score
    assert page["joint"] == {"value": None, "low": None, "high": None, "n": 0}
    json.dumps(page, allow_nan=False)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 20), st.integers(1, 20)))
def test_any_clips_get_a_verdict(data: st.DataObject, shape: tuple[int, int, int, int]) -> None:
    """Whatever a generator emits, of any size and length, is judged: no crash, no NaN, labels of ours or none."""
    clips = data.draw(arrays(np.uint8, (*shape, 3)))
    verdicts = judge_clips(clips)
    assert set(verdicts.motion) <= {*rules.MOTIONS, ""}
    assert set(verdicts.shape) <= {*rules.SHAPES, ""}
    assert set(verdicts.colour) <= {*rules.COLOURS, ""}
    json.dumps(compare(verdicts, [Request("circle", "red", "up")] * shape[0]).score, allow_nan=False)


def test_only_clips_are_judged() -> None:
    """A video tensor in [-1, 1] or a single clip would give nonsense in silence."""
    with pytest.raises(ValueError, match=r"uint8\[N, T, H, W, 3\]"):
        judge_clips(np.zeros((1, 10, 64, 64, 3), np.float32))
    with pytest.raises(ValueError, match=r"uint8\[N, T, H, W, 3\]"):
        judge_clips(np.zeros((10, 64, 64, 3), np.uint8))


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_intervals_hold_their_share(counts: tuple[int, int]) -> None:
    """An interval lies within 0 and 1, holds the share, and is never empty."""
    hits, n = counts
    interval = wilson(hits, n)
    assert 0 <= interval["low"] <= interval["value"] <= interval["high"] <= 1
    assert interval["low"] < interval["high"]


def test_intervals_are_those_of_the_books() -> None:
    """Wilson's interval for 9 of 10 and 0 of 10, as any table has it."""
    assert wilson(9, 10) == {"value": 0.9, "low": 0.5958, "high": 0.9821, "n": 10}
    assert wilson(0, 10) == {"value": 0.0, "low": 0.0, "high": 0.2775, "n": 10}


# --- models that cheat ------------------------------------------------------------------------------------------------


def circles(n: int, seed: int) -> tuple[Verdicts, list[str]]:
    """Real clips of one prompt, and the prompt ``n`` times."""
    request = Request("circle", "red", "right")
    return judge_clips(opencv_world.draw_clips([request] * n, seed=seed)), ["red circle moving right"] * n


def test_a_model_that_draws_the_same_clip_each_time_is_caught() -> None:
    """All right in every label, but of many ways to begin it knows one."""
    real, prompts = circles(64, seed=8)
    other, _ = circles(64, seed=9)
    same = judge_clips(opencv_world.draw_clips([Request("circle", "red", "right")], seed=9).repeat(64, 0))
    assert same.motion[0] == "right"
    assert mode_recall(other, prompts, real, prompts)["value"] == 1
    assert mode_recall(same, prompts, real, prompts) == {"value": 0.125, "n": 8}
    near, far = trait_distances(other, real), trait_distances(same, real)
    assert all(far[name] > 2 * near[name] for name in near), (near, far)  # type: ignore[operator]


def test_diversity_of_nothing_is_nothing() -> None:
    """A model that shows nothing has no traits and no modes, and the page still prints."""
    real, prompts = circles(4, seed=8)
    blank = judge_clips(np.full((4, 10, 64, 64, 3), 255, np.uint8))
    assert set(trait_distances(blank, real).values()) == {None}
    assert mode_recall(blank, prompts, real, prompts)["value"] == 0
    assert mode_recall(real, prompts, blank, prompts) == {"value": None, "n": 0}


# --- scenes -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two() -> tuple[np.ndarray, Scene]:
    """A red circle that goes left above a blue square that goes up, on stripes."""
    scene = Scene((Request("circle", "red", "left"), Request("square", "blue", "up")), "striped")
    return opencv_world.draw_scenes([scene], seed=2), scene


def scene_right(clips: np.ndarray, asked: Scene) -> bool:
    """Whether a clip shows a scene."""
    return bool(compare(judge_scenes(clips), [asked]).right["joint"][0])


def test_proof_of_our_scenes() -> None:
    """The same of our own world; where objects overlap, the share is told."""
    proof_of_both = proof.judge_proof(load_params(ROOT / "scenes" / "params.yaml"), 60)
    assert {"our world", "drawn by OpenCV"} == set(proof_of_both)
    for checks in proof_of_both.values():
        assert not failures(checks), failures(checks)
        assert any(check.wanted == "told" for check in checks)
    swapped = {f"{name} swapped" for name in ("shapes", "colours", "motions")}
    assert {"1 object", "2 objects", "3 objects", *swapped} <= {c.name for c in proof_of_both["drawn by OpenCV"]}


def test_swapped_attributes_are_wrong(two: tuple[np.ndarray, Scene]) -> None:
    """The right words on the wrong objects score nothing, though each word is there; the count of them is told."""
    clips, scene = two
    circle, square = scene.objects
    for other in (
        (circle._replace(colour="blue"), square._replace(colour="red")),
        (circle._replace(motion="up"), square._replace(motion="left")),
        (circle._replace(shape="square"), square._replace(shape="circle")),
    ):
        asked = [scene._replace(objects=other)]
        assert not scene_right(clips, asked[0])
        answers = compare(judge_scenes(clips), asked)
        assert answers.swapped.all()
        assert not answers.alone.any()
    assert scene_right(clips, scene._replace(objects=(square, circle)))  # in any order
    assert not compare(judge_scenes(clips), [scene]).swapped.any()


@pytest.mark.parametrize("aspect", Request._fields)
def test_each_attribute_that_changes_places_is_wrong(aspect: str) -> None:
    """Sizes and speeds too, which few clips of the proof name for both objects."""
    prompt = "a small red circle moves left slowly and a large blue square moves up quickly"
    clips = World(load_params(ROOT / "scenes" / "params.yaml")).draw_prompt(prompt, 8, 0).clips
    scene = parse_scene(prompt)
    assert compare(judge_scenes(clips), [scene] * 8).right["joint"].all()
    swapped = CHANGED[f"{aspect}s swapped"](scene)
    assert swapped is not None
    answers = compare(judge_scenes(clips), [swapped] * 8)
    assert not answers.right["joint"].any()
    assert answers.swapped.all() == (aspect in ("shape", "colour", "motion")), "sizes and speeds are no more than wrong"


@pytest.mark.parametrize("frames", [10, 14])
def test_the_proof_of_scenes_holds_at_any_rate(frames: int) -> None:
    """Speeds are a way in a second, in our clips and in those of the other renderer."""
    page = load_params(ROOT / "scenes" / "params.yaml")
    fast = page.data.model_copy(update={"fps": 18, "frames": frames})
    changes = {
        "objects": [1],
        "speeds": ["quickly"],
        "details_named": 1.0,
        "unseen_combinations": 0,
        "unseen_motions": [],
    }
    world = page.world.model_copy(update=changes | {"motions": ["left", "right"]})
    for checks in proof.judge_proof(page.model_copy(update={"data": fast, "world": world}), 48).values():
        assert not failures(checks), failures(checks)


def test_a_world_whose_captions_name_sizes_is_judged_as_scenes() -> None:
    """Else "small" would be right whatever is shown."""
    page = load_params(ROOT / "params.yaml")
    assert not proof.is_scenes(page)
    for named, sizes, scenes in ((0.5, ["small", "large"], True), (0.5, [], False), (0.0, ["small", "large"], False)):
        world = page.world.model_copy(update={"details_named": named, "sizes": sizes})
        assert proof.is_scenes(page.model_copy(update={"world": world})) is scenes


def test_a_scene_is_right_as_a_whole_or_not(two: tuple[np.ndarray, Scene]) -> None:
    """Each object asked for, none left over, and the background; what is left open may be anything."""
    clips, scene = two
    circle, square = scene.objects
    assert scene_right(clips, Scene((circle, Request(None, None, "up"))))
    assert scene_right(clips, Scene((Request("circle", None, None), Request(None, None, None))))
    for asked in (
        Scene((circle,)),
        Scene((circle, square, square)),
        Scene((circle, circle)),
        scene._replace(background="checked"),
        Scene((circle, square._replace(colour="purple"))),
    ):
        assert not scene_right(clips, asked), asked
    with pytest.raises(ValueError, match="1 clips but 2 requests"):
        compare(judge_scenes(clips), [scene, scene])


@pytest.mark.parametrize(
    ("size", "speed", "background"),
    [("small", "slowly", "white"), ("large", "quickly", "checked"), ("small", "quickly", "gradient"),
     ("large", "slowly", "striped"), ("small", "slowly", "pink")],
)  # fmt: skip
def test_sizes_speeds_and_backgrounds_are_seen(size: str, speed: str, background: str) -> None:
    """Relative words have thresholds, and a background a name."""
    one = Request("star", "black", "right", size, speed)
    seen = judge_scenes(opencv_world.draw_scenes([Scene((one,), background)] * 4, seed=3)).seen
    assert seen == [Scene((one,), background)] * 4


def test_speed_is_told_by_the_second() -> None:
    """The same frames, shown twice as fast, go twice as fast."""
    clip = disc_clip(np.linspace(12, 36, 10), [30] * 10)
    assert [judge_scenes(clip, fps).seen[0].objects[0].speed for fps in (10, 20)] == ["slowly", "quickly"]


def test_objects_are_followed_through_a_crossing() -> None:
    """One passes in front of the other, which is hidden for a while, and both go on as before."""
    x = np.linspace(10, 54, 12)
    clip = disc_clip(x, [32] * 12, 6, rgb=(30, 60, 220))
    for t, y in enumerate(np.linspace(54, 10, 12)):
        front = disc_clip([32], [y], 6)[0, 0]
        clip[0, t][(front != 255).any(2)] = front[(front != 255).any(2)]
    scene = Scene((Request("circle", "blue", "right"), Request("circle", "red", "up")), "white")
    assert scene_right(clip, scene), sentence(judge_scenes(clip).seen[0])


def test_objects_of_one_look_keep_their_ways() -> None:
    """Two red discs are told apart by where they were."""
    left, right_ = np.linspace(50, 12, 10), np.linspace(12, 50, 10)
    clip = np.minimum(disc_clip(left, [16] * 10), disc_clip(right_, [46] * 10))
    scene = Scene((Request("circle", "red", "left"), Request("circle", "red", "right")))
    assert scene_right(clip, scene)
    assert not scene_right(clip, Scene((scene.objects[0],) * 2))


def test_sentences() -> None:
    """In plain words, with an article, and nothing hidden that is unclear."""
    one = Request("circle", "red", "left", "small", "slowly")
    two_more = (Request("square", "", "rotating clockwise", "", ""), Request("star", "orange", "", "", ""))
    assert sentence(Scene((one,), "striped")) == "a small red circle moving left slowly, on a striped background"
    assert sentence(Scene((one, *two_more), "")) == (
        "a small red circle moving left slowly, an (unclear colour) square rotating clockwise and an orange star "
        "(unclear motion)"
    )
    assert sentence(Scene((), "white")) == "nothing, on a white background"


def test_scenes_are_judged_each_by_itself() -> None:
    """A verdict does not depend on the clips beside it."""
    clips = opencv_world.draw_random(12, seed=1)[0]
    together = judge_scenes(clips).seen
    assert [judge_scenes(clips[i : i + 1]).seen[0] for i in (2, 5, 11)] == [together[i] for i in (2, 5, 11)]


@settings(max_examples=30, deadline=None)
@given(st.data(), st.tuples(st.integers(0, 3), st.integers(1, 5), st.integers(1, 20), st.integers(1, 20)))
def test_any_clips_get_a_verdict_as_scenes(data: st.DataObject, shape: tuple[int, int, int, int]) -> None:
    """Whatever a generator emits, of any size and length, is judged: no crash, no NaN."""
    seen = judge_scenes(data.draw(arrays(np.uint8, (*shape, 3))))
    assert len(seen) == len(seen.seen) == shape[0]
    asked = [Scene((Request("circle", "red", "up"),))] * shape[0]
    json.dumps(compare(seen, asked).score, allow_nan=False)
