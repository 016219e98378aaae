"""Every label and every threshold of the judge, each with its reason.

Lengths are fractions of the frame's shorter side unless they say pixels; "coverage" is how far a pixel is from the
background, 0, towards the object, 1. Nothing here is learned, and nothing is taken from how our own clips are drawn.
"""

DIRECTIONS = {"right": 0, "up-right": 45, "up": 90, "up-left": 135, "left": 180, "down-left": 225, "down": 270,
              "down-right": 315}  # fmt: skip
"""Degrees counter-clockwise from the viewer's right."""
MOTIONS = (
    "up", "down", "left", "right", "up-left", "up-right", "down-left", "down-right",
    "rotating clockwise", "rotating counter-clockwise", "shrinking", "expanding",
    "bouncing vertically", "bouncing horizontally", "zigzagging vertically", "zigzagging horizontally",
)  # fmt: skip
SHAPES = ("circle", "square", "triangle")
COLOURS = ("red", "green", "blue", "black")
HUES = {"red": (0, 25), "green": (120, 40), "blue": (235, 35)}
"""Colour name: (hue in degrees, half width). Between them lie orange, yellow, cyan and purple, which are none of ours."""

# --- the object in one frame -----------------------------------------------------------------------------------------
NOISE = 10  # grey levels in every channel; a pixel this near to the background is background
MAX_INK = 0.6  # share of a frame's pixels that are not background; more is noise, not a picture of an object
MIN_CONTRAST = 90.0  # RGB distance (white to red 361, to black 441); below a quarter of that there is nothing to see
MASK_LEVEL = 0.5  # coverage; half is where the true edge runs, whatever the blur
REGION_MARGIN = 2  # pixels around the mask that still belong to it: an anti-aliased, slightly blurred edge is no wider
CORE_LEVEL = 0.8  # of the frame's largest coverage: pixels wholly inside, where colour is read
MIN_AREA = 5.0  # pixels of a 64-pixel frame; smaller is a speck, and has no shape
MAX_AREA = 0.4  # of the frame; more is a broken frame, not an object on a background
STRAY_LEVEL = 0.25  # coverage outside the object that counts as something else being there; JPEG rings stay below
STRAY_SHARE = 0.04  # of the area of the object, and
STRAY_AREA = 5.0  # pixels of a 64-pixel frame: so many stray pixels are a second object, fewer are specks
FADE = 0.55  # of the clip's contrast: an object fainter than that in some frame has faded away
EDGE_LEVEL = 0.7  # coverage on an outermost pixel from which the object counts as cut off there; a blurred neighbour has less

# --- shape: rotation-, size- and blur-invariant moments, see track.py ------------------------------------------------
TRIANGLE_MOMENT = 0.0675  # |c30| / area^2.5 of an equilateral triangle (0 for circle and square)
SQUARE_MOMENT = 1 / 60  # |c40| / area^3 of a square (0 for circle and equilateral triangle)
TRIANGLE_FROM = 0.5  # of the triangle's moment: half way between 0 and 1
SQUARE_FROM = 0.5  # of the square's moment: half way between 0 and 1
MOST_CORNERED = 1.8  # of either; more is a star, a cross or rags (a 3-pixel shape after JPEG reaches 1.5)
MAX_ELONGATION = 0.25  # (a^2-b^2)/(a^2+b^2): an ellipse of 1.3 : 1; a viewer calls more than that an oval or a bar
MAX_SPREAD = 0.24  # polar moment / area^2 (circle .159, square .167, triangle .192), blur taken off; more is ragged
BLUR_SPREAD = 1.2  # pixels: what the pixel grid (1/6) and a blur of sigma 0.7 (2 * 0.49) add to polar moment / area
SHAPE_AGREEMENT = 0.7  # of the whole frames must show the clip's shape; single small frames err under noise

# --- colour ----------------------------------------------------------------------------------------------------------
MIN_CHROMA = 70.0  # largest minus smallest channel of a coloured object; a red one blurred to a third still has 85
BLACK_BELOW = 115.0  # largest channel of a black object; a 3-pixel black triangle after blur reaches 90
COLOUR_JUMP = 90.0  # RGB distance of a frame's colour from the clip's median colour; more is flicker

# --- motion ----------------------------------------------------------------------------------------------------------
MIN_WHOLE = 0.5  # of the frames must show the object uncut, else its path cannot be told
MIN_TRAVEL = 0.25 * 0.85  # straight travel: the words say a quarter of the frame; 15 % tolerance for measuring
WOBBLE = 0.008  # residual allowed to any path (0.5 px at 64), plus
WOBBLE_SHARE = 0.025  # of the travel: half of what a visible zigzag has
MIN_STEP = 0.1  # of the mean step: each step goes forward, else the travel is not steady
MAX_STEP = 2.2  # of the mean step: more is a jump
MIN_TURN = 150 * 0.9  # degrees about the frame's centre; the words say 150
MIN_ORBIT = 0.06  # radius of an orbit: 4 px at 64; less is wobbling on the spot
ORBIT_WOBBLE = 0.12  # of the radius: how steady it is
MIN_GROWTH = 3 * 0.85  # largest to smallest area; the words say 3
GROWTH_SLACK = 0.04  # of ln(area): a step may go back by this much (noise on the smallest objects)
GROWTH_JUMP = 0.5  # of the whole change in one step: more is a switch, not a growth
MAX_DRIFT = 0.045  # how far the centre may wander while shrinking or expanding: 3 px at 64
AREA_SPREAD = 0.2  # standard deviation / mean of the area of an object that keeps its size
AREA_STEP = 0.35  # |change of ln(area)| between frames; more is flicker
MIN_PERIOD = 3.6  # frames of one swing; the words say four
MIN_SWING = 0.035  # amplitude across the path: 2.2 px at 64, clearly more than wobble
SWING_FIT = 0.85  # share of the swing's variance that a regular wave explains
BOUNCE_TRAVEL = 0.1  # both forth and back: 6 px at 64
BOUNCE_FIT = 0.9  # share of the path's variance that a regular to and fro explains
BOUNCE_ACROSS = 0.15  # extent across the axis over extent along it
MAX_OFF = 0.07  # how far the object may be off its ideal path in any one frame: 4.5 px at 64; more is a teleport
MAX_JUMP = 0.35  # largest step between frames in any motion; more is a teleport
