"""Training: what a step is made of, that the text is learned, and that a broken loss changes nothing."""

import copy

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from text2video.errors import UserError
from text2video.models.codec import IdentityCodec
from text2video.models.video_gan import VideoDiscriminator, VideoGenerator
from text2video.params import TrainParams
from text2video.text.encoder import TextEncoder
from text2video.training.batches import LEAST_MARGIN, Batches, Priorities
from text2video.training.gan import Gan, GanTrainer, cosine
from text2video.training.losses import gradient_penalty, mismatched, relativistic

SHAPE, FRAMES, WORDS = (3, 4, 4), 3, 8


def train_params(**changes) -> TrainParams:
    """Small and quick."""
    values = {
        "seed": 0, "epochs": 1, "batch": 16, "lr": 2e-3, "lr_final": 2e-3, "beta1": 0, "beta2": 0.9, "ema": 0.9,
        "gamma": 0.1, "gamma_final": 0.1, "gamma_every": 4, "mismatch": 1.0, "priority": 0, "effort": 0.1,
        "precision": "fp32", "validate_every": 1,
    }  # fmt: skip
    return TrainParams(**(values | changes))


def new_trainer(steps: int, **changes) -> GanTrainer:
    """A GAN of toy size."""
    torch.manual_seed(0)
    gan = Gan(
        VideoGenerator(SHAPE, FRAMES, text_dim=6, noise_dim=4, width=16, code_dim=16, harmonics=1),
        TextEncoder(WORDS, 6, "sum"),
        VideoDiscriminator(SHAPE, FRAMES, WORDS, text_dim=6, width=16, dim=32),
    )
    return GanTrainer(gan, IdentityCodec(SHAPE[1]), train_params(**changes), steps)


@given(samples=st.integers(1, 50), batch=st.integers(1, 60), seed=st.integers(0, 99))
def test_an_epoch_shows_every_sample_at_most_once(samples, batch, seed):
    """Protects the data order: a permutation per epoch, the same for the same seed, in whatever order."""
    batches = Batches(samples, batch, seed)
    epoch = torch.cat([batches[step] for step in range(batches.per_epoch)]).tolist()
    assert len(set(epoch)) == len(epoch) == samples // batches.batch * batches.batch
    late = 3 * batches.per_epoch - 1
    assert Batches(samples, batch, seed)[late].tolist() == batches[late].tolist()


@given(margins=st.lists(st.floats(-1, 8), min_size=2, max_size=5), exponent=st.floats(0.5, 3))
def test_prompts_that_lag_are_drawn_more_often(margins, exponent):
    """Protects the priorities: shares go by the margins' power, no prompt is lost, and a prompt's clips stay alike."""
    captions = [str(prompt) for prompt in range(len(margins)) for _ in range(3)]
    priorities, rng = Priorities(captions, exponent), torch.Generator().manual_seed(0)
    clips = 3 * torch.arange(len(margins))
    for _ in range(99):
        priorities.update(clips, torch.tensor(margins))
    drawn = torch.bincount(priorities.draw(30_000, rng), minlength=len(captions)).double() / 10_000
    wanted = torch.tensor(margins).double().clamp(min=LEAST_MARGIN) ** exponent
    wanted = (wanted / wanted.sum()).repeat_interleave(3)
    assert drawn.tolist() == pytest.approx(wanted.tolist(), abs=0.06)
    other = Priorities(captions, exponent)
    other.load_state_dict(priorities.state_dict())
    again = [p.draw(9, torch.Generator().manual_seed(1)).tolist() for p in (priorities, other)]
    assert again[0] == again[1]


@given(
    st.lists(st.lists(st.integers(1, 7), min_size=1, max_size=4), min_size=1, max_size=12), st.integers(0, 9)
)
def test_a_mismatched_prompt_says_something_else(prompts, seed):
    """Protects the conditioning from false negatives: a prompt that merely says less (or more) is no mismatch."""
    tokens = torch.tensor([words + [0] * (4 - len(words)) for words in prompts])
    others = mismatched(tokens, torch.Generator().manual_seed(seed))
    for words, other in zip(tokens.tolist(), others.tolist(), strict=True):
        mine, its = set(words) - {0}, set(other) - {0}
        alone = all(mine <= set(p) or set(p) <= mine for p in prompts)
        assert (words == other) if alone else (mine - its and its - mine)


def test_losses_are_the_papers():
    """Protects the formulas against hand-computed values."""
    winner, loser = torch.tensor([[1.0, 2.0, 0.5, 0.5]]), torch.tensor([[0.0, 0.0, 0.5, 0.5]])
    alone = (F.softplus(torch.tensor(-difference)) for difference in (1.0, 2.0, 0.0))
    assert relativistic(winner, loser).item() == pytest.approx(float(sum(alone)))
    weights = torch.randn(3, 3)
    penalty = gradient_penalty(
        lambda x: x @ weights.T, torch.randn(5, 3)
    )  # clip, paths, one frame: all linear
    assert penalty.item() == pytest.approx(weights.sum(0).square().sum().item(), rel=1e-5)
    assert cosine(4.0, 1.0, 0.0) == 4.0
    assert cosine(4.0, 1.0, 0.5) == pytest.approx(2.5)
    assert cosine(4.0, 1.0, 2.0) == 1.0


def test_the_generator_learns_what_the_words_mean():
    """Protects the whole step: on two prompts with opposite clips, the averaged generator tells them apart."""
    trainer = new_trainer(steps=80)
    rng = torch.Generator().manual_seed(0)
    prompts = torch.tensor([[2, 3], [2, 4]])
    for step in range(80):
        which = torch.randint(2, (16,), generator=rng)
        real = (2.0 * which - 1)[:, None, None, None, None] + 0.1 * torch.randn(
            16, FRAMES, *SHAPE, generator=rng
        )
        losses, margins = trainer.step(step, real, prompts[which], rng)
    assert set(losses) == {"loss_d", "loss_g"}
    assert margins.shape == (16,)
    average = trainer.average
    with torch.no_grad():
        down, up = (
            average.generator(torch.randn(16, 4), average.text_encoder(p.expand(16, 2)), trainer.codec).mean()
            for p in prompts
        )
    assert down < -0.5
    assert up > 0.5


def test_a_loss_that_is_no_number_stops_before_the_weights_change():
    """Protects a run from poisoned data: the step is named, and every weight is as it was."""
    trainer = new_trainer(steps=10)
    before = copy.deepcopy(trainer.gan.discriminator.state_dict())
    real = torch.full((4, FRAMES, *SHAPE), float("nan"))
    with pytest.raises(UserError, match="step 7"):
        trainer.step(6, real, torch.ones(4, 2, dtype=torch.int64), torch.Generator())
    assert all(
        torch.equal(before[key], value) for key, value in trainer.gan.discriminator.state_dict().items()
    )


def test_the_same_seed_gives_the_same_weights():
    """Protects reproducibility: two runs of a few steps end in the same bits."""
    ends = []
    for _ in range(2):
        trainer, rng = new_trainer(steps=6), torch.Generator().manual_seed(1)
        for step in range(6):
            trainer.step(
                step,
                torch.randn(8, FRAMES, *SHAPE, generator=rng),
                torch.randint(1, 8, (8, 3), generator=rng),
                rng,
            )
        ends.append(torch.cat([p.flatten() for p in trainer.average.generator.parameters()]))
    assert torch.equal(*ends)


def test_gates_wait_until_there_is_something_to_keep():
    """Protects motions that bend: in the first half the gates stand open, whatever is said; then they learn, and one
    that costs more than it brings goes towards shut."""
    trainer, rng = new_trainer(steps=20, effort=50.0), torch.Generator().manual_seed(1)
    tokens, gates = torch.randint(1, 8, (8, 3), generator=rng), []
    for step in range(20):
        trainer.step(step, torch.randn(8, FRAMES, *SHAPE, generator=rng), tokens, rng)
        with torch.no_grad():
            gates.append(trainer.gan.generator.effort(trainer.gan.text_encoder(tokens)).mean().item())
    assert gates[:10] == pytest.approx([tokens.shape[1] * 5] * 10), "each word pays for each of five gates"
    assert gates[19] < gates[14] < gates[10] < gates[9]


def test_swings_settle_when_the_gates_start_to_learn():
    """Protects smooth bounces: in the first half the shape of a text's swings is learned from them and does not bind
    them; then it does, in the averaged networks, too, which are the ones that are kept."""
    trainer, rng = new_trainer(steps=40), torch.Generator().manual_seed(1)
    tokens, noise = torch.randint(1, 8, (1, 3), generator=rng).expand(8, -1), torch.randn(8, 4)
    astray, settled = [], []
    for step in range(40):
        trainer.step(step, torch.randn(8, FRAMES, *SHAPE, generator=rng), tokens, rng)
        with torch.no_grad():
            text = trainer.gan.text_encoder(tokens)
            astray.append(trainer.gan.generator.astray(noise, text).mean().item())
        settled.append([part.generator.course.settled.item() for part in (trainer.gan, trainer.average)])
    assert settled == [[False, False]] * 20 + [[True, True]] * 20
    assert sum(astray[15:20]) < sum(astray[:5])
