"""The sections of ``params.yaml``, validated: what may be set, what it means, what is refused.

Every stage reads the whole file before it touches anything, so that a mistake in a later section is found by the
first stage. Nothing has a default here: ``params.yaml`` says it all, and DVC sees it. Numbers may be written as text
(``1e-05`` is text to YAML 1.1, and DVC writes it so): pydantic reads them.
"""

import math
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from text2video.errors import UserError

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Width = Annotated[int, Field(ge=1, le=2048)]  # of a layer; wider ones fit no machine that this is made for
Candidates = Annotated[int, Field(ge=1, le=256)]  # at once in memory
Rate = Annotated[float, Field(gt=0)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Precision = Literal["auto", "bf16", "fp32"]
Objects = Annotated[int, Field(ge=1, le=3)]  # in a clip
Side = Annotated[int, Field(ge=16, le=512, multiple_of=8)]  # of a frame, in pixels; the codec needs the 8


class Section(BaseModel):
    """A section of ``params.yaml``: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_booleans_as_numbers(cls, value: Any) -> Any:
        if any(isinstance(item, bool) for item in (value if isinstance(value, list) else [value])):
            raise ValueError("true and false are no values here")
        return value


class DataParams(Section):
    """What clips are brought to, whatever their source (stage ``synthesize``)."""

    source: Literal["shapes", "videos"]
    seed: Seed
    size: Side | Annotated[list[Side], Field(min_length=2, max_length=2)]
    frames: Annotated[int, Field(ge=2, le=256)]
    fps: Annotated[int, Field(ge=1, le=60)]

    @property
    def height_width(self) -> tuple[int, int]:
        """Height and width of every frame in pixels."""
        return (self.size, self.size) if isinstance(self.size, int) else (self.size[0], self.size[1])


class WorldParams(Section):
    """The drawn world and how much of it is drawn (stage ``synthesize`` with ``data.source`` shapes)."""

    train_clips: Positive
    validation_clips: Positive
    test_clips: Count
    prompt_clips: Count
    objects: Annotated[list[Objects], Field(min_length=1)]
    counted: Share
    overlap: Share
    backgrounds: Annotated[list[str], Field(min_length=1)]
    shapes: Annotated[list[str], Field(min_length=1)]
    colours: Annotated[list[str], Field(min_length=1)]
    motions: Annotated[list[str], Field(min_length=1)]
    sizes: list[str]
    speeds: list[str]
    unseen_combinations: Share
    unseen_motions: list[str]
    unseen_pairs: Share
    unseen_wordings: Share
    edge_share: Share
    colour_named: Share
    details_named: Share
    plain_captions: Share
    train_prompts: Annotated[list[str], Field(min_length=1)] | None
    test_prompts: list[str]


class VideosParams(Section):
    """A folder of captioned videos and how its clips are cut (stage ``synthesize`` with ``data.source`` videos)."""

    folder: Annotated[str, Field(min_length=1)]
    fit: Literal["crop", "pad", "stretch"]
    windows: Annotated[int, Field(ge=1, le=10_000)]
    short: Literal["pad", "skip"]
    pictures_fps: Annotated[float, Field(gt=0, le=1000)]
    held_out_clips: Share
    held_out_captions: Share


class TextParams(Section):
    """How prompts are read (stage ``index``) and become vectors (trained in stage ``train``)."""

    kind: Literal["words", "pretrained"]
    encoder: str
    dim: Width
    pooling: Literal["sum", "mean"]
    word_dropout: Share


class CodecParams(Section):
    """The space that models work in (stage ``autoencode``)."""

    kind: Literal["identity", "conv"]
    seed: Seed
    channels: Width
    width: Width
    noise: Annotated[float, Field(ge=0, le=1)]
    steps: Count
    batch: Positive
    optimizer: Literal["adam", "muon"]
    lr: Rate
    precision: Precision


class ModelParams(Section):
    """Which kind of model is trained (stage ``train``); the section of that name has its parameters."""

    kind: str


class KindParams(Section):
    """The parameters of one kind of model. A section of this class makes its name a value of ``model.kind``."""


class VideoGanParams(KindParams):
    """The video GAN (models/video_gan.py)."""

    noise_dim: Width
    width: Width
    code_dim: Width
    harmonics: Annotated[int, Field(ge=1, le=128)]
    critic_width: Annotated[int, Field(ge=4, le=2048)]  # the frame and path critics are half as wide
    beta1: Annotated[float, Field(ge=0, lt=1)]
    beta2: Annotated[float, Field(ge=0, lt=1)]
    gamma: Annotated[float, Field(ge=0)]
    gamma_final: Annotated[float, Field(ge=0)]
    gamma_every: Positive
    mismatch: Annotated[float, Field(ge=0)]
    gate_penalty: Annotated[float, Field(ge=0)]


class FlowParams(KindParams):
    """The rectified flow (models/flow.py)."""

    depth: Annotated[int, Field(ge=2, le=32, multiple_of=2)]
    patch: Annotated[int, Field(ge=1, le=8)]
    token_shift: Share
    conv_width: Width
    words: Literal["tokens", "pooled"]
    target: Literal["residual", "velocity"]
    difference_weight: Annotated[float, Field(ge=0)]
    time_mean: float
    time_std: Annotated[float, Field(gt=0)]
    frame_time_std: Annotated[float, Field(ge=0)]
    self_conditioning: Share
    prompt_dropout: Share
    context_share: Share
    guided_from: Share
    steps: Annotated[int, Field(ge=1, le=1000)]
    shift: Rate
    renoise: Share
    guidance: Annotated[float, Field(ge=1, le=100)]


class FrameGanParams(KindParams):
    """The tutorial's frame GAN (models/frame_gan.py)."""

    noise_dim: Width
    beta1: Annotated[float, Field(ge=0, lt=1)]
    beta2: Annotated[float, Field(ge=0, lt=1)]


class TrainParams(Section):
    """How a model of any kind is trained (stage ``train``)."""

    seed: Seed
    epochs: Annotated[float, Field(gt=0, le=10_000)]
    batch: Positive
    lr: Rate
    lr_final: Rate
    ema: Annotated[float, Field(ge=0, lt=1)]
    precision: Precision
    sample_every: Annotated[float, Field(gt=0)]


class ExportParams(Section):
    """The model that users get (stage ``export``)."""

    candidates: Candidates


class RenderParams(Section):
    """The prompts that become video files (stage ``render``)."""

    prompts: Annotated[list[str], Field(min_length=1)]
    count: Positive
    seed: Seed
    scale: Annotated[int, Field(ge=1, le=8)]


class EvaluateParams(Section):
    """How the exported model is judged (stage ``evaluate``)."""

    seed: Seed


class RuntimeParams(Section):
    """Where and how the work is done. Not tracked by DVC: nothing here is meant to change a result."""

    device: str = "auto"
    threads: Count = 0
    log_every: Rate = 5.0
    checkpoint_every: Rate = 30.0


MOST_TOKENS = 8192  # of a clip: attention compares each with each
UNUSED: Any = Field(None)  # a section that may be left out where nothing uses it


class Params(Section):
    """All sections of ``params.yaml``."""

    data: DataParams
    world: WorldParams = UNUSED
    videos: VideosParams = UNUSED
    text: TextParams
    codec: CodecParams
    model: ModelParams
    video_gan: VideoGanParams = UNUSED
    flow: FlowParams = UNUSED
    frame_gan: FrameGanParams = UNUSED
    train: TrainParams
    export: ExportParams
    render: RenderParams
    evaluate: EvaluateParams
    runtime: RuntimeParams = RuntimeParams()

    @model_validator(mode="after")
    def _sections_are_there(self) -> "Params":
        if self.model.kind not in (known := model_kinds()):
            raise ValueError(f"model.kind: {self.model.kind!r} is unknown; known are {', '.join(known)}")
        source = {"shapes": "world", "videos": "videos"}[self.data.source]
        needed = {source: f"data.source {self.data.source}", self.model.kind: f"model.kind {self.model.kind}"}
        for name, user in needed.items():
            if getattr(self, name) is None:
                raise ValueError(f"{name} is missing, which {user} needs")
        return self

    @model_validator(mode="after")
    def _sizes_fit(self) -> "Params":
        data, latents, user = self.data, 1, ""  # latents to a side of what the model works with
        if data.source == "shapes" and not isinstance(data.size, int):
            raise ValueError(f"data.size: {data.size} is no single number, as data.source shapes needs")
        if self.model.kind == "frame_gan":
            latents, user = 8, "model.kind frame_gan on codec.kind conv"
        elif self.model.kind == "flow":
            latents, user = self.flow.patch, f"flow.patch {self.flow.patch}"
        cell = latents * (8 if self.codec.kind == "conv" else 1)
        if any(side % cell for side in data.height_width):
            raise ValueError(f"data.size: {data.size} is no multiple of {cell}, as {user} needs")
        tokens = data.frames * math.prod(side // cell for side in data.height_width)
        if self.model.kind == "flow" and tokens > MOST_TOKENS:
            raise ValueError(
                f"flow.patch: {self.flow.patch} makes {tokens} tokens of a clip, more than {MOST_TOKENS}; raise it"
            )
        return self

    @property
    def own(self) -> KindParams:
        """The parameters of the kind of model that is trained."""
        own: KindParams = getattr(self, self.model.kind)
        return own


def model_kinds() -> dict[str, type[KindParams]]:
    """The classes of the sections that are kinds of model, by name."""
    sections = {name: field.annotation for name, field in Params.model_fields.items()}
    return {n: k for n, k in sections.items() if isinstance(k, type) and issubclass(k, KindParams)}


RENAMED = {
    "gan": "model.kind and the section of that kind (video_gan, frame_gan)",
    **{f"data.{name}": f"world.{name}" for name in WorldParams.model_fields},
    **{
        f"train.{name}": f"video_gan.{name}"
        for name in ("beta1", "beta2", "gamma", "gamma_final", "gamma_every", "mismatch")
    },
    "world.background": "world.backgrounds",
    "train.effort": "video_gan.gate_penalty",
    "train.validate_every": "train.sample_every",
    "text.unknown_share": "text.word_dropout",
    "flow.neighbours": "flow.token_shift",
    "flow.details": "flow.conv_width",
    "flow.change_weight": "flow.difference_weight",
    "flow.guess_share": "flow.self_conditioning",
    "flow.given_share": "flow.context_share",
}  # keys of earlier versions


def load_params(path: Path) -> Params:
    """Read and check a ``params.yaml``. Raises UserError with the first mistake found, in one line."""
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(
            f"{path} is missing; run from the folder that holds it, or name that folder with --root"
        ) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise UserError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} holds no sections; it should start with 'data:'")
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        raise UserError(f"{path}: {_first_mistake(error)}") from error


def _first_mistake(error: ValidationError) -> str:
    unknown = [mistake for mistake in error.errors() if mistake["type"] == "extra_forbidden"]
    first = (unknown or error.errors())[0]  # a key that is misspelt is missing, too
    parts = [str(part) for part in first["loc"]]
    key = ".".join(part for part in parts if part.isidentifier() or part.isdigit())  # no names of types
    reason = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        return f"unknown key {key}" + (f"; it is {RENAMED[key]} now" if key in RENAMED else "")
    if first["type"] == "missing":
        return f"{key} is missing"
    return f"{key}: {reason} (it is {first['input']!r:.60})" if key else reason
