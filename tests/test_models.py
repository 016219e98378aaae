"""The networks: shapes, what they depend on, and what they cannot do."""

import math
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny import ROOT

from text2video.models.base import Spec
from text2video.models.codec import ConvCodec, IdentityCodec, build_codec, squares
from text2video.models.kinds import kind_class
from text2video.models.video_gan import (
    GATE_SCALE,
    RERANK_REALISM,
    Discriminator,
    Gates,
    Generator,
    TrajectoryHead,
    encode_views,
    render,
    unit,
)
from text2video.models.views import (
    SHORTEST_PERIOD,
    TRANSLATION,
    Views,
    centre_of_mass,
    grid_points,
    sampling_points,
    time_functions,
    warp,
)
from text2video.params import load_params, model_kinds
from text2video.text.encoder import Encoded, WordEncoder
from text2video.text.prompts import Prompts

SHAPE = (3, 32, 32)
CODEC = IdentityCodec((32, 32))


def spec(frames: int) -> Spec:
    """Small clips, and a vocabulary of nine words."""
    return Spec(SHAPE, frames, lambda: WordEncoder(9, 8, "sum"), 8)


def video_generator(seed: int = 0) -> Generator:
    """A small one, for the same seed always with the same weights."""
    torch.manual_seed(seed)
    small = {"noise_dim": 5, "width": 16, "code_dim": 24, "harmonics": 3}
    return Generator(load_params(ROOT / "params.yaml").video_gan.model_copy(update=small), spec(6))


def texts(*words: torch.Tensor) -> Encoded:
    """Prompts of as many words, ``float[N, dim]`` each."""
    tokens = torch.stack(words, dim=1)
    return Encoded(tokens, torch.ones(tokens.shape[:2], dtype=torch.bool), sum(words))


def numbers(tokens: torch.Tensor) -> Prompts:
    """Prompts of word numbers, 0 for padding."""
    return Prompts(tokens, tokens > 0, torch.empty(len(tokens), 0))


def discriminator(frames: int) -> Discriminator:
    """A small one for a vocabulary of nine words."""
    return Discriminator(spec(frames), 16)


def shown_video(generator: Generator, noise: torch.Tensor, text: Encoded) -> torch.Tensor:
    """What users see of a generator."""
    return render(*generator(noise, text, CODEC))


def test_codecs_return_what_they_promise():
    """Protects the interface that the GAN relies on: the shape of the code, the same for a video that is cut into
    squares, and a way back to the frame's shape."""
    video = torch.rand(2, 3, 3, 32, 32) * 2 - 1
    for codec in (IdentityCodec((32, 32)), ConvCodec((32, 32), channels=4, width=8, noise=0.1)):
        latents = codec.eval().encode(video)
        assert torch.equal(codec.encode_squares(squares(video, codec.side)), latents)
        assert latents.shape == (2, 3, *codec.latent_shape)
        assert codec.decode(latents).shape == video.shape
    assert torch.equal(IdentityCodec((32, 32)).decode(IdentityCodec((32, 32)).encode(video)), video)


def test_codec_normalises_every_channel():
    """Protects against dead latent channels: whatever the encoder's scale, each channel has spread 1 in training."""
    codec = ConvCodec((32, 32), channels=4, width=8, noise=0.0)
    with torch.no_grad():
        codec.encoder[-2].weight.mul_(0.1)
    spread = codec.encode(torch.randn(8, 4, 3, 32, 32)).std(dim=(0, 1, 3, 4))
    assert spread.min() > 0.5


def test_a_new_generator_already_listens():
    """Protects the initialisation: noise and text must shape the video from the first step, or the GAN collapses."""
    shares = [listening(seed) for seed in range(8)]  # small ones differ a lot
    by_noise_and_text, by_text, by_noise, by_frame = (sum(share) / 8 for share in zip(*shares, strict=True))
    assert by_noise_and_text > 0.3
    assert by_text > 0.2
    assert by_noise > 0.3
    assert by_frame > 0.02, "the frames of a video should differ"


def listening(seed: int) -> tuple[float, ...]:
    """How much of its videos' spread a new generator owes to noise and text, to text, to noise and to time."""
    generator = video_generator(seed)
    noise, text, other = torch.randn(32, 5), texts(torch.randn(32, 8)), texts(torch.randn(32, 8))
    with torch.no_grad():
        video = shown_video(generator, noise, text)
        assert video.shape == (32, 6, 3, 32, 32)
        by_text, by_noise = (
            shown_video(generator, noise, other) - video,
            shown_video(generator, noise.flip(0), text) - video,
        )
    shares = (video.std(0).mean(), by_text.std(), by_noise.std(), video.std(1).mean())
    return tuple((share / video.std()).item() for share in shares)


def test_what_swings_swings_regularly():
    """Protects zigzags and bounces: a clip's waves repeat with its own period, and no tempo makes them faster than one
    swing in three frames, which would look like flicker."""
    tempo = torch.tensor([-1e3, 0.0, 0.7, 1e3])
    functions = time_functions(tempo, 19, harmonics=2)
    assert functions.shape == (4, 6, 19)
    assert torch.equal(functions[:, 0], torch.ones(4, 19))
    torch.testing.assert_close(functions[:, 1], torch.linspace(-1, 1, 19).expand(4, -1))
    torch.testing.assert_close(functions[:, 2:].mean(2), torch.zeros(4, 4), atol=1e-5, rtol=0)
    assert not functions[0, 2:].any(), "a clip may not swing at all"
    for repeating, period in ((functions[1, 2:], 6), (functions[3, 2:], 3)):
        torch.testing.assert_close(repeating[:, period:], repeating[:, :-period], atol=1e-4, rtol=0)
    assert functions[1:, 2].std() > 0.5, "and they do swing"
    assert time_functions(tempo, 1, harmonics=2).isfinite().all()


@pytest.mark.parametrize("harmonics", [1, 2, 3])
def test_waves_are_harmonics_at_their_knots(harmonics):
    """Protects the names of the waves: at its knots each is the cosine or the sine that it is called."""
    knots = 2 * harmonics + 2
    once = torch.tensor([SHORTEST_PERIOD / knots]).logit()  # a knot for each frame
    waves = time_functions(once, 2 * knots + 1, harmonics)[0, 2:]
    angle = 2 * math.pi * torch.arange(2 * knots + 1) / knots
    for k in range(1, harmonics + 1):
        for wave, pure in zip(waves[2 * k - 2 : 2 * k], ((k * angle).cos(), (k * angle).sin()), strict=True):
            torch.testing.assert_close(wave, pure - pure.mean(), atol=1e-4, rtol=0)


def test_one_harmonic_turns_at_once():
    """Protects bounces: cosine and sine of one wave are triangles, that start at a turn and between two of them."""
    once_in_twelve = torch.tensor([SHORTEST_PERIOD / 12]).logit()
    waves = time_functions(once_in_twelve, 25, harmonics=1)[0, 2:]
    torch.testing.assert_close(waves.diff().abs(), torch.full((2, 24), 4 / 12), atol=1e-4, rtol=0)
    signs = waves.diff().sign().tolist()
    assert signs == [([-1] * 6 + [1] * 6) * 2, ([1] * 3 + [-1] * 6 + [1] * 3) * 2]


def test_settled_swings_have_the_shape_that_the_text_says():
    """Protects smooth bounces: in the second phase, the swings of one text differ in size and side only; before, they
    go along one line and are as they are; and of what strays, the shape hears and the swings do not."""
    torch.manual_seed(0)
    trajectory = TrajectoryHead(text_dim=8, waves=4)
    ways, text = torch.randn(7, 2, 5), torch.randn(1, 8).expand(7, -1)
    second_phase = trajectory(ways, text)[..., 1:]
    cosines = torch.nn.functional.cosine_similarity(second_phase.flatten(1), second_phase[:1].flatten(1))
    torch.testing.assert_close(cosines.abs(), torch.ones(7))
    assert len(set(cosines.sign().tolist())) == 2, "to either side"
    assert second_phase.flatten(1).norm(dim=1).std() > 0.1, "and as far as it likes"
    again = torch.cat((ways[..., :1], second_phase), dim=2)
    torch.testing.assert_close(trajectory(again, text)[..., 1:], second_phase)
    torch.testing.assert_close(trajectory.off_basis_penalty(again, text), torch.zeros(7), atol=1e-5, rtol=0)
    trajectory.second_phase.fill_(False)
    free = trajectory(ways, text)[..., 1:]
    assert torch.linalg.matrix_rank(free.flatten(1)) > 1
    torch.testing.assert_close(torch.linalg.matrix_rank(free), torch.ones(7, dtype=torch.int64))
    ways.requires_grad_()
    trajectory.off_basis_penalty(ways, text).sum().backward()
    assert ways.grad is None
    assert trajectory.axis.weight.grad is None
    assert trajectory.relative.weight.grad is None
    assert trajectory.waveform.weight.grad.any()


def test_a_swing_goes_along_or_across_the_way_of_its_text():
    """Protects zigzags: a word says "across", whichever way the other words say; no sum of words does."""
    torch.manual_seed(0)
    trajectory = TrajectoryHead(text_dim=8, waves=4)
    text = torch.randn(7, 8)
    direction = unit(trajectory.direction, text)
    with torch.no_grad():
        for layer in (trajectory.axis, trajectory.relative):
            layer.weight.zero_()
            layer.bias.zero_()
        for bias, cosine in (([1.0, 0.0], 1.0), ([0.0, 1.0], 0.0)):
            trajectory.relative.bias.copy_(torch.tensor(bias))
            along = (trajectory.swing_axis(text) * direction).sum(1)
            torch.testing.assert_close(along, torch.full((7,), cosine), atol=1e-6, rtol=0)


def test_what_is_shown_swings_in_one_wave():
    """Protects smooth bounces from what colours say of them: when training is over, a swing is the one wave that
    is most of its shape, whole and nothing else; before it has second_phase, it is as it is."""
    torch.manual_seed(0)
    trajectory = TrajectoryHead(text_dim=8, waves=4)
    with torch.no_grad():
        trajectory.waveform.weight.mul_(0.01)
        trajectory.waveform.bias.copy_(torch.tensor([0.2, -0.3, -4, 0.1]))
    ways, text = torch.randn(7, 2, 5), torch.randn(7, 8)
    mixed = trajectory(ways, text)[..., 1:]
    assert mixed.any(dim=(0, 1)).all()
    trajectory.second_phase.fill_(False)
    free = trajectory(ways, text)[..., 1:]
    assert torch.equal(trajectory.eval()(ways, text)[..., 1:], free)
    trajectory.second_phase.fill_(True)
    shown = trajectory(ways, text)[..., 1:]
    assert torch.equal(shown[..., 2], free[..., 2])
    assert not shown[..., [0, 1, 3]].any()


@given(angle=st.floats(-3.1, 3.1), length=st.floats(0.1, 3))
def test_two_words_make_a_direction_between_theirs(angle, length):
    """Protects directions that were never trained on: whatever the noise says, and whatever else is said, a clip goes
    where its words do together; how far is its own."""
    trajectory = TrajectoryHead(text_dim=4, waves=2)
    ways = torch.tensor([[[math.cos(angle)], [math.sin(angle)]]]) * torch.tensor([length, 0.3, -0.2])
    with torch.no_grad():
        trajectory.direction.weight.copy_(torch.tensor([[1.0, 0, 0, 0], [0, -1, 0, 0]]))
        trajectory.direction.bias.zero_()
    right, up, others = torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]])[:, None]
    for text, (x, y) in ((right, (1, 0)), (up, (0, -1)), (right + up, (math.sqrt(0.5), -math.sqrt(0.5)))):
        way = trajectory(ways, text + others)[0, :, 0].tolist()
        assert way == pytest.approx([length * x, length * y], abs=1e-5)


def test_discriminator_reads_prompt_and_motion():
    """Protects the conditioning: other words, or the frames in another order, are judged differently."""
    torch.manual_seed(0)
    critic = discriminator(6)
    for weight in (
        critic.clip_projection.query.weight,
        critic.clip_projection.unconditional.weight,
        critic.frame_projection.query.weight,
        critic.path_projection.query.weight,
        critic.path_projection.unconditional.weight,
    ):
        torch.nn.init.normal_(weight)  # a new one has no opinion yet
    latents, tokens, frames = torch.randn(3, 6, *SHAPE), torch.randint(1, 9, (3, 4)), torch.tensor([0, 4])
    prompts = numbers(tokens)
    logits = critic(latents, prompts, frames)
    assert logits.shape == (3, 4)
    assert not torch.allclose(critic(latents, numbers(tokens.flip(1) % 8 + 1), frames), logits)
    assert not torch.allclose(critic(latents.flip(1), prompts, frames)[:, 0], logits[:, 0])
    assert not torch.allclose(critic(latents.flip(1), prompts, frames)[:, 1], logits[:, 1])


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_points_lie_where_something_is(frames):
    """Protects the path critic's sight: a spot that moves by a cell moves the points by a cell, x and y alike."""
    torch.manual_seed(0)
    critic = discriminator(frames).path
    latents = torch.zeros(1, frames, *SHAPE)
    latents[..., 3, 3] = 5
    with torch.no_grad():
        moved = critic.points(latents.roll((2, 1), dims=(3, 4))) - critic.points(latents)
    assert critic(latents).shape == (1, 256)
    assert moved[..., 0::2].abs().max().item() == pytest.approx(2 / 32, rel=0.3)
    assert moved[..., 1::2].abs().max().item() == pytest.approx(4 / 32, rel=0.3)


def test_the_motions_of_words_add_up():
    """Protects directions that were never trained on: ``up`` moves the view the same beside ``right`` as alone."""
    generator = video_generator()
    noise, up, right = torch.randn(1, 5), torch.randn(1, 8), torch.randn(1, 8)
    assert not generator.text_part(noise, up).any(), "nobody has told it anything yet"
    torch.nn.init.normal_(generator.text_coefficients.weight)
    with torch.no_grad():
        both = generator.text_part(noise, up + right)
        assert both.shape == (1, 6, 8)
        torch.testing.assert_close(both, generator.text_part(noise, up) + generator.text_part(noise, right))
        assert not torch.allclose(both, generator.text_part(-noise, up + right)), "the noise says how fast"


def views_of(**numbers: float) -> torch.Tensor:
    """One view of one frame."""
    names = ("turn", "along_x", "along_y", "across", "x", "y")
    return torch.tensor([numbers.get(name, 0.0) for name in names])[None, :, None]


def shown(
    picture: torch.Tensor, centre: tuple[float, float] = (0, 0), anchor: tuple[float, float] = (0, 0),
    **numbers: float,
) -> torch.Tensor:  # fmt: skip
    """A picture, ``float[16, 16]``, through one view."""
    views = Views(views_of(**numbers), torch.tensor([centre]), torch.tensor([anchor]))
    return warp(picture[None, None], views)[0, 0, 0, ..., 0]


def test_a_frame_is_a_view_of_a_picture():
    """Protects the generator's eye: moved by cells, turned clockwise about the middle, and twice as large, a picture
    is what it should be; beyond its edges it goes on."""
    picture = torch.zeros(16, 16)
    picture[5:7, 10] = 1  # above the middle, to the right
    close = partial(torch.testing.assert_close, atol=1e-5, rtol=0)
    close(shown(picture), picture)
    close(shown(picture, x=2 / 16, y=-4 / 16), picture.roll((-2, 1), dims=(0, 1)))
    close(shown(picture, turn=0.5), picture.rot90(-1))
    close(shown(picture, centre=(0.5, -0.5), anchor=(0.5, -0.5)), picture)
    close(shown(picture, centre=(0.5, -0.5), x=0.5, y=-0.5, turn=1.0), rotated_half(picture))
    close(shown(picture, anchor=(2 / 16, -4 / 16), turn=0.5), picture.roll((-2, 1), dims=(0, 1)).rot90(-1))
    large = shown(picture, along_x=1.0, along_y=1.0)
    assert large.sum().item() == pytest.approx(4 * picture.sum().item(), rel=1e-3)
    close(shown(torch.ones(16, 16), x=0.7, turn=1.0), torch.ones(16, 16))


def test_what_is_at_the_centre_grows_where_it_is():
    """Protects growth from drifting: wherever a clip shows what it draws at the centre, there it grows."""
    picture = torch.zeros(16, 16)
    picture[4, 11] = 1  # the cell about (7/16, -7/16)
    small, large = (
        shown(picture, centre=(7 / 16, -7 / 16), anchor=(-5 / 16, 3 / 16), along_x=size, along_y=size)
        for size in (0.0, 1.5)
    )
    assert small[9, 5] == pytest.approx(1)
    for frame in (small, large):
        rows, columns = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
        assert [(frame * at).sum() / frame.sum() for at in (rows, columns)] == pytest.approx([9, 5], abs=1e-4)


def rotated_half(picture: torch.Tensor) -> torch.Tensor:
    """A picture of 16x16 after half a turn about (0.5, -0.5), the corner between cells 3 and 4, 11 and 12."""
    turned = torch.zeros_like(picture)
    rows, columns = picture.nonzero().unbind(1)
    turned[7 - rows, 23 - columns] = picture[rows, columns]
    return turned


def test_the_codec_reads_a_frame_by_squares():
    """Protects the faster way from a picture to its code: frames that are made in squares, and what the codec makes
    channels of, are those of ``nn.PixelUnshuffle``."""
    video = torch.randn(2, 3, 3, 8, 12)
    patches = ConvCodec((32, 32), channels=4, width=8, noise=0.0).encoder[0]
    cut = squares(video, 4)
    assert torch.equal(patches(cut), torch.nn.functional.pixel_unshuffle(video.flatten(0, 1), 4))
    with torch.autocast("cpu", torch.bfloat16):
        assert patches(cut).dtype == torch.bfloat16
    pictures = torch.randn(2, 3, 8, 12)
    views = Views(0.3 * torch.randn(2, 6, 5), torch.zeros(2, 2), torch.zeros(2, 2))
    whole = warp(pictures, views).squeeze(-1)
    assert torch.equal(warp(pictures, views, side=4), squares(whole, 4))
    close = warp(pictures[..., :8], views, samples=3).squeeze(-1)
    assert close.shape == (2, 5, 3, 8, 8)
    assert (close - warp(pictures[..., :8], views).squeeze(-1)).abs().mean() < 0.5


@pytest.mark.parametrize("x", [3, 8, 12])
def test_the_middle_is_where_something_is_drawn(x):
    """Protects growth from drifting: whatever is drawn, on whatever ground, its middle is found to a hundredth of a
    pixel, in half precision, too; and where nothing is, the middle is that of the picture."""
    ground, thing = torch.tensor([0.9, -0.2, 0.5]), torch.tensor([-1.0, 0.3, 0.1])
    picture = ground[:, None, None].expand(3, 16, 16).clone()
    picture[:, 4:7, x - 1 : x + 2] = thing[:, None, None]  # in the middle of a pixel
    with torch.autocast("cpu", torch.bfloat16):
        found = centre_of_mass(torch.stack((picture, ground[:, None, None].expand(3, 16, 16))))
    expected = torch.tensor([[2 * (x + 0.5) / 16 - 1, 2 * 5.5 / 16 - 1], [0.0, 0.0]])
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)


@given(numbers=st.lists(st.floats(-3, 3), min_size=10, max_size=10))
def test_no_view_is_without_end(numbers):
    """Protects training from a view that is squeezed to a line: where a frame looks is always a number."""
    six, points = numbers[:6], torch.tensor(numbers[6:])
    views = Views(torch.tensor(six)[None, :, None], points[None, :2], points[None, 2:])
    assert sampling_points(views, grid_points(4, 4)).isfinite().all()


def test_what_the_gates_shut_out_does_not_change():
    """Protects standing still and going straight: with its gate shut, a clip keeps its form, its place, its line; and
    a swing has a line, from which it does not stray. Waves of rotation and stretch are there for a while only."""
    generator = video_generator()
    noise, text = torch.randn(7, 5), texts(torch.randn(7, 8), torch.randn(7, 8))
    motion = generator.clip_codes(noise, text.pooled)[2]

    def views(*open_gates: float) -> torch.Tensor:
        with torch.no_grad():
            generator.gates.layer.bias.copy_((torch.tensor(open_gates) - 1) / GATE_SCALE)
            return generator.view(motion, noise, text, torch.zeros(7, 2)).affine

    def changing(*open_gates: float) -> list[bool]:
        return (views(*open_gates).std(2).amax(0) > 1e-6).tolist()

    turn, stretch, way = [True], [True] * 3, [True] * 2
    no_turn, no_stretch, no_way = [False], [False] * 3, [False] * 2
    assert changing(1, 1, 1, 1) == turn + stretch + way
    assert changing(0, 1, 1, 1) == no_turn + stretch + way
    assert changing(1, 0, 1, 1) == turn + no_stretch + way
    assert changing(1, 1, 0, 1) == turn + stretch + way, "a swing is a way, too"
    assert changing(1, 1, 1, 0) == turn + stretch + way
    assert changing(1, 1, 0, 0) == turn + stretch + no_way
    assert changing(0, 0, 0, 0) == no_turn + no_stretch + no_way
    straight = views(1, 1, 1, 0)
    torch.testing.assert_close(straight.diff(dim=2), straight.diff(dim=2)[..., :1].expand(-1, -1, 5), atol=1e-5, rtol=0)
    generator.fade.fill_(0.5)
    waving = views(1, 1, 1, 0).diff(dim=2)
    assert ((waving - waving.mean(2, keepdim=True)).abs().amax((0, 2)) > 2e-5).tolist() == turn + stretch + no_way
    generator.fade.zero_()
    trajectory = generator.trajectory
    direction, axis = unit(trajectory.direction, text.pooled), trajectory.swing_axis(text.pooled)
    for numbers_, along in ((views(0, 0, 1, 0), direction), (views(0, 0, 0, 1), axis)):
        way, (x, y) = numbers_[:, TRANSLATION], along.detach().unbind(1)
        torch.testing.assert_close(way[:, 0] * y[:, None], way[:, 1] * x[:, None], atol=1e-5, rtol=1e-3)
    assert generator.gates.penalty(text).tolist() == pytest.approx([2] * 7), "each word pays"


def test_a_gate_that_is_shut_can_be_opened_again():
    """Protects motions that the cost shut out for a while: whoever needs a gate is heard by all words, and the cost
    pushes no further than to just shut."""
    gates = Gates(text_dim=8)
    with torch.no_grad():
        gates.layer.bias.fill_(-9)
    open_gates = gates(texts(*torch.randn(3, 4, 8)))
    assert not open_gates.any()
    open_gates.sum().backward()
    assert gates.layer.bias.grad.tolist() == pytest.approx([4 * 3 * GATE_SCALE] * 4)
    generator = video_generator()
    generator.gates.penalty(texts(torch.randn(7, 8))).sum().backward()
    assert generator.gates.layer.bias.grad.min() > 0
    generator.zero_grad()
    with torch.no_grad():
        generator.gates.layer.bias.fill_(-9)
    generator.gates.penalty(texts(torch.randn(7, 8))).sum().backward()
    assert not generator.gates.layer.bias.grad.any()


def test_a_gate_listens_to_the_words_that_open_it():
    """Protects motions that keep their place: what most motions of a shape want of a gate is not heard by the shape
    where another word opens it further; where words are level, all of them are heard."""
    gates = Gates(text_dim=3)
    with torch.no_grad():
        gates.layer.weight.copy_(torch.tensor([1.0, 0.9, -1.0]))
        gates.layer.bias.zero_()

    def heard(*words: int) -> list[float]:
        given = torch.eye(3)[list(words)][None].requires_grad_()
        gates(Encoded(given, torch.ones(given.shape[:2], dtype=torch.bool), given.sum(1))).sum().backward()
        return (given.grad[0].sum(1) / given.grad.sum()).tolist()

    assert heard(0, 2) == pytest.approx([1, 0], abs=1e-3)
    first, second = heard(0, 1)
    assert 0.5 < first < 0.8
    assert 0.2 < second < 0.5
    assert heard(0, 0, 0) == pytest.approx([1 / 3] * 3)


def test_one_word_is_enough_to_open_a_gate():
    """Protects combinations that were never trained on: a gate is as wide as the one word opens it that opens it most,
    whatever stands beside it; padding opens nothing."""
    gates = Gates(text_dim=8)
    rotating, circle, padding = torch.randn(1, 8), torch.randn(1, 8), torch.zeros(1, 8)
    alone, beside, both = gates(texts(rotating)), gates(texts(circle)), gates(texts(circle, rotating))
    torch.testing.assert_close(both, torch.maximum(alone, beside))
    padded = Encoded(torch.stack((rotating, padding), dim=1), torch.tensor([[True, False]]), rotating)
    torch.testing.assert_close(gates(padded), alone)


def test_videos_are_shown_more_finely_than_they_are_learned():
    """Protects what users see: the generator reads several points of its picture for a pixel that is shown."""
    generator = video_generator()
    noise, text = torch.randn(2, 5), texts(torch.randn(2, 8))
    learned = encode_views(*generator(noise, text, CODEC), CODEC)
    shown = shown_video(generator, noise, text)
    assert shown.shape == learned.shape
    assert not torch.equal(shown, learned)
    assert shown.abs().max() <= 1
    assert (shown - learned.clamp(-1, 1)).abs().mean() < 0.2 * learned.std()


@given(x=st.floats(-2, 2), y=st.floats(-2, 2), turn=st.floats(-1, 1))
def test_what_is_drawn_at_the_edge_of_a_picture_ends_there(x, y, turn):
    """Protects plain grounds: a stain at the edge of what was drawn is not shown as a ray to the edge of the frame."""
    picture = torch.tensor([0.9, 0.8, 0.7])[:, None, None].repeat(1, 32, 32)
    picture[:, 15:17, 0] = -1
    views = Views(views_of(x=x, y=y, turn=turn), torch.zeros(1, 2), torch.zeros(1, 2))
    shown = render(picture[None], views)[0, 0]
    stained = (shown[0] < 0.89).sum()
    assert stained <= 12
    torch.testing.assert_close(shown.flatten(1).median(1).values, picture[:, 0, 0])


def test_a_choice_goes_by_the_prompt_more_than_by_taste():
    """Protects variety: which of some videos is shown depends less on what the frame critic finds real whatever the
    prompt, black things, say, than on what it says of the prompt."""
    critic = discriminator(2)
    for value in critic.frame_projection.parameters():
        torch.nn.init.normal_(value)
    latents, prompts = torch.randn(5, 2, *SHAPE), numbers(torch.tensor([[3, 4]] * 5))

    def choice(weight: float) -> tuple[torch.Tensor, torch.Tensor]:
        with torch.no_grad():
            critic.frame_projection.unconditional.weight.fill_(weight)
            return critic.rerank_score(latents, prompts), critic(latents, prompts, torch.arange(2))[:, 2:].mean(1)

    (fit, said_of_fit), (liked, said_of_liked) = choice(0.0), choice(1.0)
    assert fit.std() > 0
    torch.testing.assert_close(liked - fit, RERANK_REALISM * (said_of_liked - said_of_fit))


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_padding_means_nothing(kind):
    """Protects prompts of different lengths in one batch: padding adds nothing to a prompt's vector."""
    critic = discriminator(2).to(kind)
    short, padded = torch.tensor([[3, 4]]), torch.tensor([[3, 4, 0, 0]])
    assert torch.equal(critic.text_encoder(numbers(short)).pooled, critic.text_encoder(numbers(padded)).pooled)


@pytest.mark.parametrize("page", ["params.yaml", "scenes/params.yaml"])
def test_every_kind_of_a_page_draws_clips_of_its_size(page: str) -> None:
    """`-S model.kind=NAME` is all that it takes, whatever the page's codec and clips are."""
    params = load_params(ROOT / page)
    kinds = [kind for kind in model_kinds() if getattr(params, kind) is not None]
    assert len(kinds) == len(model_kinds())
    codec, frames, size = (
        build_codec(params.codec, params.data.height_width),
        params.data.frames,
        params.data.height_width,
    )
    text = Prompts(torch.ones(2, 3, dtype=torch.int64), torch.ones(2, 3, dtype=torch.bool), torch.empty(2, 0))
    spec = Spec(codec.latent_shape, frames, lambda: WordEncoder(9, params.text.dim, "sum"), params.text.dim)
    for kind in kinds:
        model = kind_class(kind)(getattr(params, kind), spec).eval()
        with torch.no_grad():
            assert model.sample(torch.randn(2, *model.noise_shape()), text, codec).shape == (2, frames, 3, *size), kind
