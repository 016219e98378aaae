"""What is measured without labels: of real clips, of noise, of copies, of videos whose maker cannot read."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from test_store import write_store

from text2video.data.packed import PackedReader
from text2video.measure import clips as measured
from text2video.measure import nearest, network, retrieval
from text2video.measure.clips import Ruler, make_ruler
from text2video.measure.retrieval import distinct, make_questions, retrieval_figures
from text2video.measure.sets import (
    diversity_figures,
    flicker,
    flicker_figures,
    frechet_distance,
    frechet_figures,
    pair_distance,
    same_caption,
)
from text2video.measure.words import WordBags, words
from text2video.video import to_clips

SHAPE = (6, 24, 32, 3)  # frames that are not square, on grey
COLOURS = {"red": (230, 20, 20), "lime": (20, 230, 20), "blue": (20, 20, 230), "white": (255, 255, 255),
           "cyan": (20, 230, 230), "black": (0, 0, 0)}  # fmt: skip
DIRECTIONS = {"left": (-3, 0), "right": (3, 0), "up": (0, -2), "down": (0, 2), "nowhere": (0, 0), "to and fro": (4, 0)}


def dots(n: int, seed: int) -> tuple[np.ndarray, list[str]]:
    """Clips of one dot each, that goes one way, and their captions."""
    rng = np.random.default_rng(seed)
    clips, captions = np.full((n, *SHAPE), 128, np.uint8), []
    y, x = np.mgrid[: SHAPE[1], : SHAPE[2]]
    for clip in clips:
        colour, direction = rng.choice(list(COLOURS)), rng.choice(list(DIRECTIONS))
        captions.append(f"A {colour} dot goes {direction}.")
        dx, dy = DIRECTIONS[direction]
        middle = np.array([16, 12]) + rng.integers(-3, 4, 2)
        for t, frame in enumerate(clip):
            step = (t % 2) * 2 - 1 if direction == "to and fro" else t - 2.5
            frame[np.hypot(x - middle[0] - dx * step, y - middle[1] - dy * step) < 4.5] = COLOURS[colour]
    return clips, captions


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> PackedReader:
    """Training clips of dots."""
    return write_store(tmp_path_factory.mktemp("measure") / "train", *dots(512, 1))


@pytest.fixture(scope="module")
def real() -> tuple[np.ndarray, list[str]]:
    """Real clips that were held out, and their captions."""
    return dots(120, 2)


@pytest.fixture(scope="module")
def ruler(train: PackedReader, real: tuple[np.ndarray, list[str]]) -> Ruler:
    """A network that has learned from the training clips."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "BATCH", 32)
        patch.setattr(network, "EPOCHS", 12)
        return make_ruler(train, real[1], seed=0, log_every=60)


# --- retrieval --------------------------------------------------------------------------------------------------------


def test_real_clips_are_found_and_others_by_chance(ruler: Ruler, real: tuple[np.ndarray, list[str]]) -> None:
    """The ceiling is high; a maker who cannot read is at the floor, and that is chance; noise is no better."""
    clips, captions = real
    questions = make_questions(captions, ruler.captions, seed=0)
    own = ruler.measure(clips).similarities
    deaf = ruler.measure(dots(120, 3)[0]).similarities
    found = retrieval_figures(deaf, own, own, questions)
    assert (found["n"], found["candidates"], found["chance"]) == (120, 32, 0.0312)
    assert found["ceiling"] > 0.8
    assert found["floor"] == pytest.approx(found["chance"], abs=0.01)
    assert found["interval"][0] <= found["floor"] <= found["interval"][1]
    noise = np.random.default_rng(0).integers(0, 256, clips.shape, np.uint8)
    assert retrieval_figures(ruler.measure(noise).similarities, own, own, questions)["value"] < 0.2


def test_a_caption_is_never_asked_against_one_that_may_mean_the_same() -> None:
    """Neither against itself in other letters, nor against one with more words or with fewer."""
    captions = ["A red dot!", "a red  dot", "red dot", "a red dot goes up", "a blue dot"]
    known = distinct(captions)
    assert known == ["A red dot!", "red dot", "a red dot goes up", "a blue dot"]
    questions = make_questions(captions, known, seed=0)
    assert [known[row] for row in questions.own] == ["A red dot!", "A red dot!", *known[1:]]
    assert [[known[row] for row in others] for others in questions.others[:4]] == [["a blue dot"]] * 4
    assert sorted(known[row] for row in questions.others[4]) == sorted(known[:3])


def test_few_captions_are_a_smaller_choice_and_one_is_none() -> None:
    """The page says among how many; with nothing to choose among there is no number, and of few videos no share."""
    scores = np.array([[1.0, 0.0], [0.2, 0.1], [0.0, 1.0]] * 4)
    two = make_questions(["cat", "dog", "cat"] * 4, ["cat", "dog"], seed=0)
    found = retrieval_figures(scores, scores, scores, two)
    assert (found["value"], found["candidates"], found["chance"], found["n"]) == (0.3333, 2, 0.5, 12)
    few = make_questions(["cat", "dog", "cat"] * 3, ["cat", "dog"], seed=0)
    found = retrieval_figures(scores[:9], scores[:9], scores[:9], few)
    assert found.pop("interval") == [None, None]
    assert found == {"n": 9, "candidates": 2, "chance": 0.5, **dict.fromkeys(("value", "ceiling", "floor"))}
    one = make_questions(["cat", "a cat"], ["cat", "a cat"], seed=0)
    found = retrieval_figures(scores[:2], scores[:2], scores[:2], one)
    assert found.pop("interval") == [None, None]
    assert found == {"value": None, "n": 0, **dict.fromkeys(("candidates", "ceiling", "floor", "chance"))}
    nothing = make_questions([], [], seed=0)
    assert retrieval_figures(scores[:0], scores[:0], scores[:0], nothing)["n"] == 0


def test_captions_that_cannot_be_told_apart_share_the_point() -> None:
    """Else the first in the list would win, and words that nobody trained on would score."""
    questions = make_questions(["one", "two"] * 6, ["one", "two", "three"], seed=0)
    found = retrieval_figures(*[np.zeros((12, 3))] * 3, questions)
    assert found["value"] == found["ceiling"] == found["floor"] == found["chance"] == 0.3333


def test_the_floor_is_exact() -> None:
    """Each question is asked of each other video, not of a lucky shuffle."""
    rng = np.random.default_rng(0)
    captions = [str(number) for number in range(8)]
    questions, scores = make_questions(captions, captions, seed=0), rng.random((8, 8))
    each = [scores[j].argmax() == i for i in range(8) for j in range(8) if i != j]
    assert retrieval.floor(scores, questions, own=True) == pytest.approx(np.mean(each), abs=1e-4)
    assert retrieval.floor(scores, questions, own=False) == pytest.approx(1 / 8)


@given(st.lists(st.text(), max_size=6))
def test_any_captions_have_words(captions: list[str]) -> None:
    """In every script, and of emoji; the same words have the same bag, and what is not known is left out."""
    bags = WordBags(captions)
    assert bags(captions).shape == (len(captions), len(bags))
    assert bags(captions).sum(1).tolist() == [len(set(words(caption))) for caption in captions]
    assert bags(["\x00 no such word"]).shape == (1, len(bags))


def test_words_of_several_scripts() -> None:
    """Letters of either case and width are the same; Chinese has no spaces between words."""
    assert words("A cat, THE cat.") == ["a", "cat", "the", "cat"]
    assert words("红色圆形") == ["红", "色", "圆", "形"]
    assert words("Кошка прыгает") == ["кошка", "прыгает"]
    assert words("🐱 🐶") == ["🐱", "🐶"]


# --- the network ------------------------------------------------------------------------------------------------------


def test_the_network_is_the_same_each_time(train: PackedReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves the random numbers of others alone."""
    monkeypatch.setattr(network, "STEPS", 3)
    before = torch.get_rng_state()
    first, second = (network.video_features(network.train_network(train, 3), train[:8]) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("shape", [(2, 16, 16, 3), (3, 16, 512, 3), (40, 16, 24, 3)], ids=str)
@pytest.mark.parametrize("captions", [["only"], ["", "🐱"], ["one", "two", "two"]], ids=len)
def test_any_clips_can_be_learned_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], captions: list[str]
) -> None:
    """A single one, a wide one, a long one; without words; always finite numbers."""
    monkeypatch.setattr(network, "STEPS", 4)
    clips = np.random.default_rng(0).integers(0, 256, (len(captions), *shape), np.uint8)
    ruler = make_ruler(write_store(tmp_path / "train", clips, captions), captions, seed=0, log_every=60)
    found = ruler.measure(clips)
    assert np.isfinite(found.features).all()
    assert np.isfinite(found.similarities).all()
    assert found.thumbnails.shape[1] <= nearest.FRAMES * nearest.GRID**2 * 3


def test_long_and_large_clips_are_shrunk_for_the_network() -> None:
    """Its cost does not grow with the clips; their proportions stay."""
    assert network.small_video(np.zeros((2, 40, 128, 64, 3), np.uint8)).shape == (2, 16, 3, 64, 32)
    clips = np.arange(2 * 3 * 16 * 16 * 3, dtype=np.uint32).astype(np.uint8).reshape(2, 3, 16, 16, 3)
    np.testing.assert_array_equal(to_clips(network.small_video(clips)), clips)


def test_the_loss_wants_own_captions_and_lets_similar_ones_be() -> None:
    """It is least where each video goes with its own caption alone; whether also with one that has more words makes no
    difference."""
    bags = torch.tensor([[1.0, 0, 0], [0, 1, 0], [1, 0, 1]])
    text, scale = torch.eye(3), torch.tensor(20.0).log()

    def loss(video: list[list[float]]) -> float:
        return network.contrastive_loss(torch.tensor(video, dtype=torch.float), text, bags, scale).item()

    right = loss([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    assert right < 1e-3
    assert loss([[1, 0, 1], [0, 1, 0], [1, 0, 1]]) < 1e-3
    assert loss([[0, 1, 0], [1, 0, 0], [0, 0, 1]]) > 5


# --- distances between sets -------------------------------------------------------------------------------------------


def test_the_frechet_distance_sees_what_is_wrong_with_clips(ruler: Ruler, real: tuple[np.ndarray, list[str]]) -> None:
    """Noise, still pictures and one clip again and again are further from real clips than other real clips are."""
    clips, other = real[0], dots(120, 4)[0]
    features = ruler.measure(clips).features
    bad = {
        "noise": np.random.default_rng(0).integers(0, 256, clips.shape, np.uint8),
        "still": other[:, :1].repeat(SHAPE[0], 1),
        "one": other[:1].repeat(120, 0),
    }
    others = ruler.measure(other).features
    for name, videos in bad.items():
        found = frechet_figures(ruler.measure(videos).features, features, others)
        assert found["model"] > 2 * found["real"], name


def test_the_frechet_distance_of_too_few_clips_is_not_measured() -> None:
    """As with the share found of few captions: nine clips had a number before, which was noise."""
    points = np.random.default_rng(0).normal(size=(12, 8))
    assert frechet_figures(points, points, points)["model"] is not None
    assert frechet_figures(points[:11], points, points) == {"model": None, "real": None}


def test_frechet_distance_of_known_sets() -> None:
    """Nothing for the same set, the square of a shift, the squared difference of two spreads."""
    a = np.random.default_rng(0).normal(size=(500, 3))
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(a, a + np.array([3, 0, 4])) == pytest.approx(25)
    spread = a.var(0, ddof=1)
    wide = (a - a.mean(0)) * 2 + a.mean(0)
    assert frechet_distance(a, wide) == pytest.approx(spread.sum(), rel=1e-6)


def test_diversity_is_zero_for_one_clip_again_and_again(real: tuple[np.ndarray, list[str]]) -> None:
    """And as large as that of real clips for other real clips of the same captions."""
    clips, captions = real
    groups = same_caption(captions)
    assert all(len({captions[row] for row in rows}) == 1 for rows in groups)
    small = nearest.thumbnails(clips)
    shuffled = small.copy()
    for rows in groups:
        shuffled[rows] = small[rows[::-1]]
        small[rows[1:]] = small[rows[0]]
    found = diversity_figures(captions, (small, shuffled), (small, shuffled))
    for entry in found.values():
        assert entry["model"] == 0 < entry["real"]


def test_pairs_of_a_known_distance() -> None:
    """Root mean square per number; where no caption comes twice, all are compared; of one clip nothing is known."""
    points = np.array([[0, 0], [3, 3], [0, 4]], np.uint8)
    assert pair_distance(points, [np.array([0, 1])]) == pytest.approx(3)
    assert pair_distance(points, [np.array([0, 2])]) == pytest.approx(8**0.5, abs=1e-3)
    assert [rows.tolist() for rows in same_caption(["a", "b", "c"])] == [[0, 1, 2]]
    assert [rows.tolist() for rows in same_caption(["a", "b", "A"])] == [[0, 2]]
    assert pair_distance(points[:1], same_caption(["a"])) is None


# --- clips one by one -------------------------------------------------------------------------------------------------


def test_flicker_is_what_jumps_to_and_fro() -> None:
    """A steady change costs nothing, a flash by v costs 4 v / (T - 2); two frames have none."""
    steady = np.arange(0, 60, 10, dtype=np.uint8)[None, :, None, None, None].repeat(3, -1)
    assert flicker(steady).tolist() == [0]
    flash = steady.copy()
    flash[:, 2] += 50
    assert flicker(flash).tolist() == [50]
    assert np.isnan(flicker(steady[:, :2])).all()
    assert flicker_figures(flicker(flash), flicker(steady[:, :2])) == {"model": 50, "real": None}


def test_noise_flickers_more_than_real_clips(real: tuple[np.ndarray, list[str]]) -> None:
    """Also noise that is hardly seen."""
    clips = real[0].astype(int)
    noisy = (clips + np.random.default_rng(0).integers(-20, 21, clips.shape)).clip(0, 255).astype(np.uint8)
    found = flicker_figures(flicker(noisy), flicker(real[0]))
    assert found["model"] > 1.5 * found["real"]


def test_copies_are_told_from_new_clips(train: PackedReader, real: tuple[np.ndarray, list[str]]) -> None:
    """Repeated training clips are at distance zero, and named; other real clips are as far as real ones."""
    known = nearest.thumbnails(real[0])
    copied = nearest.find_nearest(nearest.thumbnails(train[10:100]), known, train, seed=0)
    assert nearest.nearest_figures(copied)["model"] == 0
    fresh = nearest.find_nearest(nearest.thumbnails(dots(120, 5)[0]), known, train, seed=0)
    figures = nearest.nearest_figures(fresh)
    assert figures["model"] == pytest.approx(figures["real"], rel=0.3)


@given(arrays(np.uint8, (5, 12)), arrays(np.uint8, (7, 12)))
def test_the_nearest_is_found(wanted: np.ndarray, known: np.ndarray) -> None:
    """By one matrix product, and as exactly as by comparing each with each; a copy is at distance zero."""
    index, distance = nearest._search(wanted, known)
    each = np.sqrt(((wanted[:, None].astype(float) - known[None]) ** 2).mean(2))
    np.testing.assert_allclose(distance, each.min(1), atol=1e-3)
    np.testing.assert_allclose(each[np.arange(5), index], each.min(1), atol=1e-3)
    assert nearest._search(known, known)[1].tolist() == [0.0] * 7


def test_more_training_clips_than_fit_are_sampled(train: PackedReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays bounded; and what is found is still named by its place in the store."""
    monkeypatch.setattr(nearest, "MOST", 50)
    small = nearest.thumbnails(train[:])
    found = nearest.find_nearest(small, small[:4], train, seed=0)
    copies = np.flatnonzero(found.model_distance == 0)
    assert len(copies) >= 50
    np.testing.assert_array_equal(small[found.model_index[copies]], small[copies])


def test_nothing_is_measured_of_no_clips(ruler: Ruler) -> None:
    """An empty split has empty measures, of the right shape."""
    found = ruler.measure(np.empty((0, *SHAPE), np.uint8))
    assert isinstance(found, measured.Measured)
    assert found.features.shape == (0, network.WIDTH)
    assert found.similarities.shape == (0, len(ruler.captions))
    assert len(found.flicker) == len(found.thumbnails) == 0
