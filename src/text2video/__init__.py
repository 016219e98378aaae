"""Text to video with a small model: ``from text2video import load_model``."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from text2video.bundle import load_model

__all__ = ["load_model"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load torch and the model code at the first use of ``load_model``, so that a bare import takes no time."""
    if name == "load_model":
        from text2video.bundle import load_model

        return load_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
