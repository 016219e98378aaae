"""Colours of high dynamic range video (PQ and HLG signals in BT.2020) on an ordinary screen (sRGB)."""

from functools import cache

import numpy as np
from av.video.reformatter import ColorTrc

WHITE = 203  # cd/m² of the white of a page (ITU-R BT.2408)
PEAK = 1000  # cd/m² of a screen for HLG
STEPS = 4096  # entries of the tables below
PRIMARIES = np.array(  # from the primaries of BT.2020 to those of BT.709
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
ROWS = 64  # handled together: few enough for the arrays to stay in the processor's cache


def is_high_range(transfer: int) -> bool:
    """Whether a transfer characteristic (ITU-T H.273) is PQ or HLG."""
    return transfer in {ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67}


def to_srgb(signal: np.ndarray, transfer: int) -> np.ndarray:
    """Turn ``uint16[H, W, 3]`` into sRGB ``uint8[H, W, 3]``: white stays white, and what is brighter is cut off."""
    light, encoded = _light(transfer), _encoded()
    pixels = np.empty(signal.shape, np.uint8)
    for top in range(0, len(signal), ROWS):
        linear = light[signal[top : top + ROWS] >> 4] @ PRIMARIES.T
        pixels[top : top + ROWS] = encoded[(linear.clip(0, 1) * (STEPS - 1) + 0.5).astype(np.uint16)]
    return pixels


@cache
def _light(transfer: int) -> np.ndarray:
    """Light of each signal, 1 for white: the inverses of SMPTE ST 2084, or of BT.2100's HLG for each colour alone."""
    signal = np.linspace(0, 1, STEPS)
    if transfer == ColorTrc.SMPTE2084:
        power = signal ** (1 / 78.84375)
        light = 10_000 * (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125)
    else:
        scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12)
        light = PEAK * scene**1.2
    return (light / WHITE).astype(np.float32)


@cache
def _encoded() -> np.ndarray:
    """The sRGB value of each light from 0 to 1."""
    light = np.linspace(0, 1, STEPS)
    return np.rint(255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)).astype(
        np.uint8
    )
