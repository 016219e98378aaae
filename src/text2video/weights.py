"""Trained networks as a folder of safetensors files beside a config.json."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from text2video.device import on_device
from text2video.errors import UserError
from text2video.files import atomic_write, check_files, read_sealed, replace_folder, sha256, write_sealed
from text2video.models.codec import Codec, build_codec
from text2video.params import CodecParams


def save_network(folder: Path, networks: dict[str, nn.Module], config: dict[str, Any]) -> None:
    """Write ``NAME.safetensors`` for each network and ``config.json``, as one new folder in place of an older one.

    The bytes depend on the weights alone. The config keeps their checksums: safetensors has none.
    """
    with replace_folder(folder) as fresh:
        for name, network in networks.items():
            save_weights(fresh / f"{name}.safetensors", network)
        digests = {file.name: sha256(file) for file in sorted(fresh.iterdir())}
        write_sealed(fresh / "config.json", config | {"files": digests})


def read_network_config(folder: Path, remedy: str) -> dict[str, Any]:
    """The config that ``save_network`` wrote. Raises UserError, ending in ``remedy``, when a file is not as it was."""
    config = read_sealed(folder / "config.json", remedy)
    check_files(folder, config.pop("files", {}), remedy)
    return config


def save_weights(path: Path, network: nn.Module) -> None:
    """Write a network's parameters and buffers as float32 safetensors."""
    state = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    with atomic_write(path) as file:
        file.write(save(state))


def load_weights(path: Path, network: nn.Module, remedy: str) -> None:
    """Fill a network from ``save_weights``. Raises UserError, ending in ``remedy``, when the file does not fit."""
    if not path.is_file():
        raise UserError(f"{path} is missing; {remedy}")
    try:
        network.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError, OSError, ValueError) as error:
        raise UserError(
            f"{path} is damaged or of another shape ({str(error).splitlines()[0]}); {remedy}"
        ) from error
    if not all(torch.isfinite(value).all() for value in network.state_dict().values()):
        raise UserError(f"{path} holds numbers that are not finite; {remedy}")


def load_codec(folder: Path, device: torch.device | str = "cpu") -> Codec:
    """The codec of stage ``autoencode``, ready to encode and decode. Raises UserError when it is missing or damaged."""
    remedy = "run the stage autoencode again"
    config = read_network_config(folder, remedy)
    try:
        codec = build_codec(CodecParams(**config["codec"]), config["size"])
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{folder / 'config.json'} is no codec's config ({type(error).__name__}); {remedy}"
        ) from error
    load_weights(folder / "codec.safetensors", codec, remedy)
    return on_device(codec.eval().requires_grad_(False), device)
