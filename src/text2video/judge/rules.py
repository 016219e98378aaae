"""Every label and every threshold of the judge, each with its reason.

Lengths are fractions of the frame's shorter side unless they say pixels; "coverage" is how far a pixel is from the
background, 0, towards the object, 1. Nothing here is learned, and nothing is taken from how our own clips are drawn.
"""

# Degrees counter-clockwise from the viewer's right.
DIRECTIONS = {
    "right": 0, "up-right": 45, "up": 90, "up-left": 135, "left": 180, "down-left": 225, "down": 270, "down-right": 315,
}  # fmt: skip
MOTIONS = (
    *DIRECTIONS, "rotating clockwise", "rotating counter-clockwise", "shrinking", "expanding", "bouncing vertically",
    "bouncing horizontally", "zigzagging vertically", "zigzagging horizontally",
)  # fmt: skip
SHAPES = ("circle", "square", "triangle", "star", "cross", "ring")
# Where each hue ends, in degrees, half way between the tones that a viewer calls by these names; behind purple is red.
HUES = {"red": 17, "orange": 44, "yellow": 75, "green": 160, "cyan": 203, "blue": 265, "purple": 333}
COLOURS = (*HUES, "black")
SIZES = ("small", "large")
SPEEDS = ("slowly", "quickly")

# --- the object in one frame -----------------------------------------------------------------------------------------
# Grey levels, in every channel: a pixel this near to the background is background, and +-8 of noise as well.
NOISE = 10
# Share of a frame's pixels that may differ from the background; more is noise, not a picture of an object.
MAX_INK = 0.6
# RGB distance of the object from the background (white to red 361, to black 441); a quarter of red can hardly be seen.
MIN_CONTRAST = 90.0
# Coverage at the object's edge; half is where the true edge runs, whatever the blur.
MASK_LEVEL = 0.5
# Pixels around the mask that still belong to it: an anti-aliased, slightly blurred edge is no wider.
REGION_MARGIN = 2
# Of the frame's largest coverage: pixels from here on lie wholly inside, and show the colour.
CORE_LEVEL = 0.9
# Pixels of a 64-pixel frame; anything smaller is a speck, and has no shape.
MIN_AREA = 5.0
# Share of the frame; a larger object is a broken frame.
MAX_AREA = 0.4
# Coverage outside the object from which a pixel is stray; the rings that JPEG leaves stay below.
STRAY_LEVEL = 0.25
# So many stray pixels are a second object, fewer are specks: a share of the object's area, but at least so many
# pixels of a 64-pixel frame.
STRAY_SHARE = 0.04
STRAY_AREA = 5.0
# Of the clip's contrast: an object fainter than that in some frame has faded away.
FADE = 0.55
# Coverage on an outermost pixel from which the object is cut off there; beside a blurred object it is less.
EDGE_LEVEL = 0.7

# RGB distance from every background tone at which a pixel belongs to an object and not to its soft edge: half of the
# distance of an object that is clearly seen, and well above what JPEG leaves beside one (OFF_PATTERN).
OBJECT_LEVEL = 70.0
# Of its area: an object that touches another and shows less lies behind it; soft edges cost no more.
HIDDEN_SHARE = 0.07
# More objects than that are not followed: twice as many as prompts ask for, so that some too many are counted.
MOST_OBJECTS = 6
# RGB distance between colours that are shades of one: half of that between the nearest hues, orange and yellow.
SAME_COLOUR = 60.0

# --- the background --------------------------------------------------------------------------------------------------
# RGB distance from a tone, or from a mixture of the background's two: NOISE in every channel.
OFF_TONE = 17.3
# The same for a pixel of a pattern that may be background: JPEG mixes the hue of one tone with the light of the other.
OFF_PATTERN = 45.0
# Share of all pixels in one tone, from which the background is plain: stripes and checks show half and half of two.
PLAIN_SHARE = 0.66
# A pixel this near to the middle of two tones lies between them; share of such pixels in a gradient, where it is .3 to
# .5. At the edges of stripes and checks it is less than .16 when they are blurred, .25 after JPEG.
BETWEEN = 0.15
GRADIENT_SHARE = 0.265
# Of the structure tensor: 1 where all edges are parallel, 0 where they run two ways, half of them each.
COHERENCE = 0.6
# Largest minus smallest channel of a background without a hue: a tenth of the range, at which a grey begins to look
# tinted. And its smallest channel if it is white: a tenth below white is grey.
PALE_CHROMA = 25.0
WHITE_FROM = 228.0
# Smallest channel of a red or purple so pale that it is pink: half of the way to white.
PINK_FROM = 120.0

# --- shape: moments of the outline, see track.py ---------------------------------------------------------------------
# |c30| / area^2.5 of an equilateral triangle; it is 0 for a circle and a square.
TRIANGLE_MOMENT = 0.0675
# |c40| / area^3 of a square; it is 0 for a circle and an equilateral triangle.
SQUARE_MOMENT = 1 / 60
# |c50| / area^3.5 of a star of five points with hollows at .45 of its radius; it is 0 for all the others.
STAR_MOMENT = 0.0319
# Of those: half way between having the corners, 1, and not, 0; less for a star, whose points a blur rounds first.
TRIANGLE_FROM = 0.5
SQUARE_FROM = 0.5
STAR_FROM = 0.4
# Fourfold moment of a cross whose arms are a third of its width is 1.9, of a square 1; half way.
CROSS_FROM = 1.45
# (2 c11^2 / area - c22) / area^3 of a ring whose hole is half as wide as itself; .017 for a circle, .020 for a cross.
RING_CUMULANT = 0.062
RING_FROM = 0.55
# Of those; more is rags. (A shape of 3 pixels radius reaches 1.5 after JPEG.)
MOST_CORNERED = 1.8
MOST_CROSSED = 2.6
# (a^2 - b^2) / (a^2 + b^2): at 1.3 : 1 a viewer begins to say oval or bar.
MAX_ELONGATION = 0.25
# Polar moment / area^2 (circle .159, square .167, equilateral triangle .192), blur taken off; more is ragged.
MAX_SPREAD = 0.24
MAX_RING_SPREAD = 0.34
# Pixels: what the pixel grid (1/6) and a blur of sigma 0.7 (2 * 0.49) add to polar moment / area.
BLUR_SPREAD = 1.2
# Share of the whole frames that must show the clip's shape; under noise, single frames of small objects err.
SHAPE_AGREEMENT = 0.7

# --- colour ----------------------------------------------------------------------------------------------------------
# Largest minus smallest channel of a coloured object; a dark green triangle of 3 pixels has 65 after JPEG.
MIN_CHROMA = 55.0
# Largest channel of a black object; a black triangle of 3 pixels radius reaches 90 after a blur.
BLACK_BELOW = 115.0
# Share of the clip's largest area: of an object that the frame cuts down to less, the colour need not be the same.
COLOUR_AREA = 0.5
# RGB distance of any frame's colour from the clip's median colour; more is flicker.
COLOUR_JUMP = 90.0

# --- motion ----------------------------------------------------------------------------------------------------------
# Share of the frames that must show the object uncut, else its path cannot be told.
MIN_WHOLE = 0.5
# Straight travel over the clip: the words say a quarter of the frame; 15 % tolerance.
MIN_TRAVEL = 0.25 * 0.85
# Root mean square residual of any path: 0.64 pixels at 64, plus a share of the travel, half of a visible zigzag's.
WOBBLE = 0.01
WOBBLE_SHARE = 0.03
# Of the mean step: each step goes forward, else the travel is not steady; and none goes much further, else it jumps.
MIN_STEP = 0.1
MAX_STEP = 2.2
# Off both: half a pixel at 64, which nobody sees, and which is a third of the slowest step.
SLACK = 0.008
# Degrees about the frame's centre over the clip: the words say 150; 10 % tolerance.
MIN_TURN = 150 * 0.9
# Radius of an orbit, 4 pixels at 64; less is wobbling on the spot.
MIN_ORBIT = 0.06
# Standard deviation of the radius over the radius: how steady it has to be.
ORBIT_WOBBLE = 0.12
# Largest over smallest area while shrinking or expanding: the words say 3; 15 % tolerance.
MIN_GROWTH = 3 * 0.85
# Of ln(area): a step may go back by this much, which is noise on the smallest objects.
GROWTH_SLACK = 0.04
# Of the whole change of ln(area) in one step; more is a switch, not a growth.
GROWTH_JUMP = 0.5
# How far the centre may be from its mean while shrinking or expanding: 3 pixels at 64.
MAX_DRIFT = 0.045
# Standard deviation over mean, and largest |change of ln(area)| between frames, of an object that keeps its size.
AREA_SPREAD = 0.2
AREA_STEP = 0.35
# Frames of one swing: the words say four; 10 % tolerance.
MIN_PERIOD = 3.6
# Amplitude of a zigzag across its path: 2.2 pixels at 64, clearly more than wobble.
MIN_SWING = 0.035
# Share of the swing's variance that a regular wave has to explain.
SWING_FIT = 0.9
# Way forth, and way back, of a bounce: 6 pixels at 64.
BOUNCE_TRAVEL = 0.1
# Share of the variance along the axis that a regular to and fro has to explain.
BOUNCE_FIT = 0.95
# Spread across the axis of a bounce over the spread along it.
BOUNCE_ACROSS = 0.15
# How far the object may be off its ideal path in any frame: 3.5 pixels at 64; more is a jerk or a teleport.
MAX_OFF = 0.055
# Longest step between two frames in any motion; more is a teleport.
MAX_JUMP = 0.35

# --- relative words --------------------------------------------------------------------------------------------------
# Radius of a circle of the same area over the frame's shorter side: up to a fifth of the side across is small, from
# 23 hundredths on large. Between the two, a gap of a third in area, a viewer would say neither.
SMALL_RADIUS = 0.1
LARGE_RADIUS = 0.115
# Mean way of the centre in a second, in frame sides: across half of the frame in less than a second is quick, in more
# than that slow, with a gap of a sixth between them.
SLOW = 0.44
QUICK = 0.52
