"""Trained networks as a folder of safetensors files beside a config.json."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import nn
from torch.overrides import TorchFunctionMode

from text2video.device import on_device
from text2video.errors import UserError
from text2video.files import advice, atomic_write, check_files, read_sealed, replace_folder, sha256, write_sealed
from text2video.models.codec import Codec, build_codec
from text2video.params import CodecParams

Network = TypeVar("Network", bound=nn.Module)


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


def halve_weights(path: Path) -> None:
    """Write a file of ``save_weights`` again with 16 bits a number; ``load_network`` reads both."""
    state = {key: value.half() for key, value in load_file(path).items()}
    with atomic_write(path) as file:
        file.write(save(state))


class _NoInitialisation(TorchFunctionMode):
    """Leaves out the drawing and scaling of weights, for which the meta device would first load a compiler: seconds."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return None if func.__name__.endswith(("normal_", "mul_")) else func(*args, **(kwargs or {}))


def load_network(build: Callable[[], Network], path: Path, remedy: str) -> Network:
    """The network that ``build`` makes, filled from ``save_weights``, to be used and not trained.

    Its shapes are compared with the file's before it takes any memory: a forged config may ask for more than there is.
    Raises UserError, ending in ``remedy``, when the file does not fit.
    """
    try:
        with torch.device("meta"), _NoInitialisation():
            wanted = {name: list(value.shape) for name, value in build().state_dict().items()}
        with safe_open(path, "pt") as file:
            found = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118 (no dict)
        if found != wanted:
            raise UserError(f"{path} does not hold the network of its config.json; {remedy}")
        network = build()
        network.load_state_dict(load_file(path))
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing; {remedy}") from error
    except (SafetensorError, OSError, RuntimeError, ValueError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{path} is damaged or of another shape ({reason}); {remedy}") from error
    if not all(torch.isfinite(value).all() for value in network.state_dict().values()):
        raise UserError(f"{path} holds numbers that are not finite; {remedy}")
    return network.eval().requires_grad_(False)


def load_codec(folder: Path, device: torch.device | str = "cpu") -> Codec:
    """The codec of stage ``autoencode``, ready to encode and decode. Raises UserError when it is missing or damaged."""
    remedy = advice(folder)
    config = read_network_config(folder, remedy)
    try:
        params, size = CodecParams(**config["codec"]), (int(config["size"][0]), int(config["size"][1]))
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise UserError(f"{folder / 'config.json'} is no codec's config ({type(error).__name__}); {remedy}") from error
    codec = load_network(lambda: build_codec(params, size), folder / "codec.safetensors", remedy)
    return on_device(codec, device)
