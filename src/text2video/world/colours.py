"""The colours an object can have. A new colour is one entry in COLOURS."""

COLOURS: dict[str, tuple[int, int, int]] = {  # RGB, 0..255
    "red": (225, 25, 25),
    "green": (0, 165, 50),
    "blue": (25, 60, 225),
    "black": (0, 0, 0),
}
