"""From tracks to the motion's name: fits of ideal paths, and the rules that say which one a viewer would name."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from text2video.judge import rules
from text2video.judge.track import Tracks

Array = np.ndarray
PERIODS, PHASES = 24, 16  # of the first search for the best wave
FLAT = 0.02  # variance below which a stretch of a wave is too flat to be scaled up to anything


def name_motions(tracks: Tracks, height: int, width: int) -> dict[str, Array]:
    """``motion``, ``direction``, ``displacement``, ``residual`` and ``speed`` of Verdicts, [N] each, of the frames that
    show the object whole. The residual of what has no name is that of the nearest ideal path."""
    n, t = tracks.present.shape
    side, weight = min(height, width), tracks.whole.astype(float)
    path = _Path(tracks.centre, weight, side)
    middle = np.array([width - 1, height - 1]) / 2
    fits = [path.growth(tracks.area), path.orbit(middle), path.zigzag(), path.bounce(), path.straight()]
    steady = _steady_area(tracks.area, weight)
    names = np.stack([fits[0][0], *(np.where(steady, name, "") for name, _ in fits[1:])])
    near = np.stack([_stays_near(tracks, ideal, side) for _, ideal in fits])
    residuals = np.stack([path.residual(ideal) for _, ideal in fits])
    names = np.where(near, names, "")
    best = np.where((names != "").any(0), (names != "").argmax(0), residuals.argmin(0)), np.arange(n)
    enough = tracks.present.all(1) & (weight.sum(1) >= max(rules.MIN_WHOLE * t, 3))
    both = tracks.whole[:, 1:] & tracks.whole[:, :-1]
    steps = np.linalg.norm(np.diff(tracks.centre, axis=1), axis=2) * both
    enough &= steps.max(1, initial=0) <= rules.MAX_JUMP * side
    dx, dy = path.velocity.T
    return {
        "motion": np.where(enough, names[best], ""),
        "direction": np.degrees(np.arctan2(-dy, dx)) % 360,
        "displacement": np.hypot(dx, dy) * (t - 1),
        "residual": residuals[best],
        "speed": steps.sum(1) / np.maximum(both.sum(1), 1),
    }


def _stays_near(tracks: Tracks, ideal: Array, side: int) -> Array:
    """Whether the object is near the ``ideal`` path [N, T, 2] in every frame, bool[N]. Where an edge cuts it off, the
    centre of the visible part lies further in than the path, by no more than the object's reach."""
    ahead = ideal - tracks.centre
    reach = 0.6 * np.sqrt((tracks.area * tracks.whole).max(1, initial=0))  # a disc's radius is .56 of that
    slack = rules.MAX_OFF * side + tracks.cut * reach[:, None, None]  # left, top, right, bottom
    return np.all((ahead >= -slack[..., :2]) & (ahead <= slack[..., 2:]), axis=(1, 2))


def weighted_mean(values: Array, weight: Array) -> Array:
    """Weighted mean over the frames, keeping the axis."""
    return (values * weight).sum(1, keepdims=True) / np.maximum(weight.sum(1, keepdims=True), 1)


def fit_line(values: Array, weight: Array) -> tuple[Array, Array]:
    """Least squares line through ``values`` [N, T]: slope per frame [N] and fitted values [N, T]."""
    frame = np.arange(values.shape[1], dtype=float)[None]
    centred = frame - weighted_mean(frame, weight)
    slope = (weight * centred * values).sum(1) / np.maximum((weight * centred**2).sum(1), 1e-9)
    return slope, weighted_mean(values, weight) + slope[:, None] * centred


def _steps(values: Array, weight: Array) -> tuple[Array, Array]:
    """Change per frame of ``values`` [N, T], and whether both of its frames count."""
    return np.diff(values, axis=1), (weight[:, 1:] * weight[:, :-1]) > 0


def _is_steady(values: Array, weight: Array, slope: Array, slack: Array | float) -> Array:
    """Whether ``values`` [N, T] go forward in every step, and in none by much more than the mean step, but for
    ``slack`` [N]; bool[N]."""
    steps, counts = _steps(values * np.sign(slope)[:, None], weight)
    size, slack = np.abs(slope)[:, None], np.reshape(slack, (-1, 1))
    forward = (steps > rules.MIN_STEP * size - slack) & (steps < rules.MAX_STEP * size + slack)
    return np.all(forward | ~counts, axis=1)


def _steady_area(area: Array, weight: Array) -> Array:
    """Whether the object keeps its size, bool[N]: steadily where it is whole, and no larger where it is cut off."""
    mean = np.maximum(weighted_mean(area, weight), 1e-9)
    spread = np.sqrt(weighted_mean((area - mean) ** 2, weight)) / mean
    log = np.log(np.maximum(area, 1e-9))
    steps, counts = _steps(log, weight)
    quiet = np.all((np.abs(steps) <= rules.AREA_STEP) | ~counts, axis=1)
    quiet &= np.all(log - np.log(mean) <= rules.AREA_STEP, axis=1)
    return (spread[:, 0] <= rules.AREA_SPREAD) & quiet


def _waves(kind: int, log_period: Array, phase: Array, frames: int) -> Array:
    """Regular swings between -1 and 1, float[..., frames]: a triangle wave (0), a sine (1), a bouncing ball (2), with
    periods in frames (as logarithms) and phases (0 to 1) in the middle of the clip."""
    time = np.arange(frames) - (frames - 1) / 2
    turn = (time / np.exp(log_period)[..., None] + phase[..., None]) % 1
    if kind == 0:
        return 4 * np.abs(turn - 0.5) - 1
    return np.cos(2 * np.pi * turn) if kind == 1 else 2 * (2 * turn - 1) ** 2 - 1


@lru_cache
def _wave_grid(kind: int, longest: float, frames: int) -> tuple[Array, Array, Array]:
    """Logarithms of all periods up to ``longest``, and phases, both [K], and their waves float[1, K, frames]."""
    log_periods = np.log(np.geomspace(rules.MIN_PERIOD, max(longest, rules.MIN_PERIOD), PERIODS))
    log_period, phase = (part.reshape(-1) for part in np.meshgrid(log_periods, np.arange(PHASES) / PHASES))
    return log_period, phase, _waves(kind, log_period, phase, frames)[None]


def _fit_wave(values: Array, weight: Array, longest: float) -> "_WaveFit":
    """The regular wave of any kind that comes nearest to ``values`` [N, T]: a coarse grid first, then finer ones."""
    fits = [_fit_kind(kind, values, weight, longest) for kind in range(3)]
    best = np.stack([fit.explained for fit in fits]).argmax(0)
    return _WaveFit(*(np.stack(part)[best, np.arange(len(values))] for part in zip(*fits, strict=True)))


def _fit_kind(kind: int, values: Array, weight: Array, longest: float) -> "_WaveFit":
    """:func:`_fit_wave` for one kind of wave."""
    frames = values.shape[1]
    log_periods, phases, waves = _wave_grid(kind, longest, frames)
    fit = _best_wave(values, weight, waves)
    step, shortest = np.log(max(longest / rules.MIN_PERIOD, 1)) / (PERIODS - 1), np.log(rules.MIN_PERIOD)
    around = np.linspace(-1, 1, 7)
    earlier, longer = (part.reshape(1, -1) for part in np.meshgrid(around, around))
    log_period, phase = log_periods[fit.chosen][:, None], phases[fit.chosen][:, None]
    for width in (0.6, 0.2):
        near = np.maximum(log_period + width * step * longer, shortest), phase + width / PHASES * earlier
        fit = _best_wave(values, weight, _waves(kind, *near, frames))
        log_period, phase = (np.take_along_axis(part, fit.chosen[:, None], 1) for part in near)
    return fit


class _WaveFit(NamedTuple):
    """Which wave [N], its amplitude [N], the share of the variance that it explains [N], the fitted values [N, T]."""

    chosen: Array
    amplitude: Array
    explained: Array
    fitted: Array


def _best_wave(values: Array, weight: Array, waves: Array) -> _WaveFit:
    """The one of ``waves`` [N or 1, K, T], shifted and scaled, that comes nearest to ``values`` [N, T]."""
    total = np.maximum(weight.sum(1, keepdims=True), 1)
    centred = (values - weighted_mean(values, weight)) * weight
    turned = np.swapaxes(waves, 1, 2)
    mean, square, product = (((a[:, None] / total[:, None]) @ b)[:, 0] for a, b in
                             ((weight, turned), (weight, turned**2), (centred, turned)))  # fmt: skip
    variance = square - mean**2
    gain = np.where(variance > FLAT, product / np.maximum(variance, FLAT), 0)
    index = (gain * product).argmax(1)
    row = np.arange(len(values))
    gain, product, mean = gain[row, index], product[row, index], mean[row, index]
    chosen = np.broadcast_to(waves, (len(values), *waves.shape[1:]))[row, index]
    spread = np.maximum((centred**2).sum(1) / total[:, 0], 1e-9)
    fitted = weighted_mean(values, weight) + gain[:, None] * (chosen - mean[:, None])
    return _WaveFit(index, np.abs(gain), gain * product / spread, fitted)


class _Path:
    """Centres [N, T, 2] with weights [N, T] (0: do not use), in a frame whose shorter side is ``side``. Each motion's
    method gives its name, or "" where it is not that motion, str[N], and the ideal path nearest to it, [N, T, 2]."""

    def __init__(self, centre: Array, weight: Array, side: int) -> None:
        self.centre, self.weight, self.side, self.gaps = centre, weight, side, weight.shape[1] - 1
        self.slack = rules.SLACK * side
        self.x, self.y = centre[..., 0], centre[..., 1]
        (vx, line_x), (vy, line_y) = fit_line(self.x, weight), fit_line(self.y, weight)
        self.velocity, self.line = np.stack([vx, vy], 1), np.stack([line_x, line_y], 2)

    def residual(self, ideal: Array) -> Array:
        """Root mean square distance to the path ``ideal`` [N, T, 2] in pixels, float[N]."""
        return np.sqrt(weighted_mean(((self.centre - ideal) ** 2).sum(2), self.weight)[:, 0])

    def straight(self) -> tuple[Array, Array]:
        """One of the eight directions."""
        speed = np.linalg.norm(self.velocity, axis=1)
        unit = self.velocity / np.maximum(speed, 1e-9)[:, None]
        travel = speed * self.gaps
        good = travel >= rules.MIN_TRAVEL * self.side
        good &= self.residual(self.line) <= rules.WOBBLE * self.side + rules.WOBBLE_SHARE * travel
        good &= _is_steady(self.x * unit[:, :1] + self.y * unit[:, 1:], self.weight, speed, self.slack)
        sector = np.round(np.degrees(np.arctan2(-unit[:, 1], unit[:, 0])) / 45).astype(int) % 8
        return np.where(good, np.array(list(rules.DIRECTIONS))[sector], ""), self.line

    def orbit(self, middle: Array) -> tuple[Array, Array]:
        """Rotating about ``middle`` (x, y)."""
        dx, dy = np.moveaxis(self.centre - middle, -1, 0)
        angle, radius = np.unwrap(np.arctan2(dy, dx), axis=1), np.hypot(dx, dy)
        mean = weighted_mean(radius, self.weight)
        slope, fitted = fit_line(angle, self.weight)
        ideal = middle + mean[..., None] * np.stack([np.cos(fitted), np.sin(fitted)], 2)
        uneven = np.sqrt(weighted_mean((radius - mean) ** 2, self.weight))
        turn = np.abs(slope) * self.gaps
        good = (np.degrees(turn) >= rules.MIN_TURN) & (mean[:, 0] >= rules.MIN_ORBIT * self.side)
        good &= (uneven <= rules.WOBBLE * self.side + rules.ORBIT_WOBBLE * mean)[:, 0]
        good &= self.residual(ideal) <= rules.WOBBLE * self.side + 2 * rules.WOBBLE_SHARE * turn * mean[:, 0]
        good &= _is_steady(angle, self.weight, slope, self.slack / np.maximum(mean, 1))
        name = np.where(slope > 0, "rotating clockwise", "rotating counter-clockwise")  # y points down
        return np.where(good, name, ""), ideal

    def growth(self, area: Array) -> tuple[Array, Array]:
        """Shrinking or expanding on the spot, with visible areas [N, T]."""
        spot = np.stack([weighted_mean(self.x, self.weight), weighted_mean(self.y, self.weight)], 2)
        log, used = np.log(np.maximum(area, 1e-9)), self.weight > 0
        slope, _ = fit_line(log, self.weight)
        change = np.where(used, log, -99).max(1) - np.where(used, log, 99).min(1)
        steps, counts = _steps(log * np.sign(slope)[:, None], self.weight)
        limits = (steps >= -rules.GROWTH_SLACK) & (steps <= rules.GROWTH_JUMP * change[:, None])
        good = (change >= np.log(rules.MIN_GROWTH)) & (limits | ~counts).all(1)
        good &= (np.linalg.norm(self.centre - spot, axis=2) * used).max(1) <= rules.MAX_DRIFT * self.side
        return np.where(good, np.where(slope > 0, "expanding", "shrinking"), ""), spot + 0 * self.centre

    def zigzag(self) -> tuple[Array, Array]:
        """Steady progress along one axis, regular swings across it."""
        vertical = np.abs(self.velocity[:, 1]) > np.abs(self.velocity[:, 0])
        along, across = np.moveaxis(_exchanged(self.centre, vertical), 2, 0)
        slope, line = fit_line(along, self.weight)
        _, swing, explained, wave = _fit_wave(across, self.weight, self.gaps * 1.1)
        travel = np.abs(slope) * self.gaps
        uneven = np.sqrt(weighted_mean((along - line) ** 2, self.weight)[:, 0])
        good = (travel >= rules.MIN_TRAVEL * self.side) & _is_steady(along, self.weight, slope, self.slack)
        good &= (uneven <= rules.WOBBLE * self.side + rules.WOBBLE_SHARE * travel) & (explained >= rules.SWING_FIT)
        good &= (swing >= rules.MIN_SWING * self.side) & (_turns(wave, rules.MIN_SWING * self.side) >= 2)
        name = np.where(vertical, "zigzagging vertically", "zigzagging horizontally")
        return np.where(good, name, ""), _exchanged(np.stack([line, wave], 2), vertical)

    def bounce(self) -> tuple[Array, Array]:
        """To and fro along one axis."""
        extent_x, extent_y = (np.sqrt(weighted_mean((v - weighted_mean(v, self.weight)) ** 2, self.weight))[:, 0]
                              for v in (self.x, self.y))  # fmt: skip
        vertical = extent_y > extent_x
        along, across = np.moveaxis(_exchanged(self.centre, vertical), 2, 0)
        _, _, explained, wave = _fit_wave(along, self.weight, self.gaps * 3)
        forth, back = (self._longest_run(sign * along) for sign in (1, -1))
        good = (np.minimum(forth, back) >= rules.BOUNCE_TRAVEL * self.side) & (explained >= rules.BOUNCE_FIT)
        wide, narrow = np.maximum(extent_x, extent_y), np.minimum(extent_x, extent_y)
        good &= narrow <= rules.WOBBLE * self.side + rules.BOUNCE_ACROSS * wide
        still = np.broadcast_to(weighted_mean(across, self.weight), across.shape)
        name = np.where(vertical, "bouncing vertically", "bouncing horizontally")
        return np.where(good, name, ""), _exchanged(np.stack([wave, still], 2), vertical)

    def _longest_run(self, values: Array) -> Array:
        """The furthest way that ``values`` [N, T] rise from any frame to any later one, float[N]."""
        lowest = np.minimum.accumulate(np.where(self.weight > 0, values, np.inf), axis=1)
        return np.where(self.weight > 0, values - lowest, 0).max(1, initial=0)


def _exchanged(points: Array, vertical: Array) -> Array:
    """``points`` [N, T, 2] with x and y exchanged where ``vertical`` bool[N]: along and across the axis, and back."""
    return np.where(vertical[:, None, None], points[..., ::-1], points)


def _turns(values: Array, least: float) -> Array:
    """How often ``values`` [N, T] turn round and then go at least ``least`` the other way, int[N]."""
    heading, turns = np.zeros(len(values)), np.zeros(len(values), int)
    extreme = values[:, 0]
    for value in values.T[1:]:
        moved = np.where(np.abs(value - extreme) >= least, np.sign(value - extreme), 0)
        turned = (moved != 0) & (moved != heading)
        turns += turned & (heading != 0)
        heading = np.where(turned, moved, heading)
        extreme = np.where(turned | ((value - extreme) * heading > 0), value, extreme)
    return turns
