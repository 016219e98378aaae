"""What a prompt asks for, in the labels that the judge answers with."""

from typing import NamedTuple


class Request(NamedTuple):
    """The shape, colour and motion that a prompt names; None where it leaves the choice open."""

    shape: str | None
    colour: str | None
    motion: str | None
