"""What a prompt asks for, in the labels that the judge answers with. None leaves a choice open."""

from typing import Any, NamedTuple


class Request(NamedTuple):
    """One object: what it looks like, what it does, ``small`` or ``large``, and how: ``slowly`` or ``quickly``."""

    shape: str | None
    colour: str | None
    motion: str | None
    size: str | None = None
    speed: str | None = None


class Scene(NamedTuple):
    """All of these objects, no other, and the background: the name of a plain colour or of a pattern."""

    objects: tuple[Request, ...]
    background: str | None = None

    def labels(self) -> dict[str, Any]:
        """Ready for JSON: ``objects``, each with shape, colour, motion, size and speed, and ``background``."""
        return {"objects": [one._asdict() for one in self.objects], "background": self.background}
