"""How stages and commands talk to people: errors, warnings, progress, where the time went. All on stderr."""

import io
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import NoReturn, TextIO

from text2video.errors import Stopped, UserError

REDRAW = 0.1  # seconds between two states of the progress line on a terminal


def escape(text: str) -> str:
    """``text`` on one line and harmless to a terminal: control characters become ``\\n``, ``\\x1b``, …"""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def note(text: str) -> None:
    """Print one line, if anybody is there to read it: a closed terminal is no reason to fail."""
    with suppress(OSError):
        print(escape(text), file=sys.stderr, flush=True)


def warn(text: str) -> None:
    """Print one ``warning:`` line."""
    note(f"warning: {text}")


def run(app: Callable[[], object]) -> NoReturn:
    """Run a typer app and exit: 0 when done; 2 for a mistake, which gets one line; 130, 143, … when a signal ended it.

    SIGTERM is made an exception like Ctrl-C, so that no half-written file is left behind.
    """
    signal.signal(signal.SIGTERM, _terminate)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(
            errors="backslashreplace"
        )  # an odd prompt is no reason to fail on an old terminal
    try:
        app()
    except UserError as error:
        note(f"error: {error}")
        sys.exit(2)
    except Stopped as stop:
        note(str(stop))
        sys.exit(128 + stop.signal)
    except (KeyboardInterrupt, SystemExit) as stop:
        if isinstance(stop, SystemExit) and stop.code != 130:  # typer turns Ctrl-C into exit code 130
            raise
        note("interrupted")
        sys.exit(130)
    sys.exit(0)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Stopped("terminated", number)


def clock_time(seconds: float) -> str:
    """A duration as ``m:ss`` or ``h:mm:ss``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Progress:
    """How far a long loop is, at what speed, and how long it still takes.

    On a terminal it is one line that overwrites itself, elsewhere (a log, a queue) one plain line per tick of
    ``every`` seconds: ``train 120/1000 steps  12%  85.3 clips/s  0:42 left  loss_d 0.69``. With ``batch`` the
    speed is told in clips (``unit`` holds ``batch`` of them); a resumed loop passes its ``start``.
    """

    def __init__(
        self,
        label: str,
        total: int,
        unit: str = "steps",
        every: float = 5.0,
        *,
        batch: int | None = None,
        start: int = 0,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.label, self.total, self.unit, self.batch = label, total, unit, batch
        self._stream = stream or sys.stderr
        self._clock = clock
        self._terminal = self._stream.isatty()
        self._every = min(every, REDRAW) if self._terminal else every
        self._start, self._began = start, clock()
        self._shown_at, self._pending = self._began, ""

    def update(self, done: int, **figures: float) -> None:
        """Tell that ``done`` units are done in all (not: how many more), with figures to show behind them."""
        now = self._clock()
        self._pending = self._line(done, now - self._began, figures)
        if now - self._shown_at >= self._every:
            self._show(now)

    def close(self) -> None:
        """Show the last state, if it was not shown, and end the line."""
        if self._pending:
            self._show(self._clock())
        if self._terminal:
            with suppress(OSError):
                print(file=self._stream, flush=True)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _line(self, done: int, seconds: float, figures: dict[str, float]) -> str:
        parts = [f"{self.label} {done}/{self.total} {self.unit}", f"{done / max(self.total, 1):4.0%}"]
        speed = (done - self._start) / seconds if seconds > 0 else 0.0
        if speed:
            told, unit = (speed * self.batch, "clips") if self.batch else (speed, self.unit)
            parts.append(f"{told:.1f} {unit}/s" if told >= 1 else f"{told:.2g} {unit}/s")
            parts.append(f"{clock_time((self.total - done) / speed)} left")
        return "  ".join(parts + [f"{name} {value:.3g}" for name, value in figures.items()])

    def _show(self, now: float) -> None:
        # \x1b[K: clear what a longer line left behind
        text = f"\r{self._pending}\x1b[K" if self._terminal else f"{self._pending}\n"
        with suppress(OSError):  # the terminal was closed: what is being done is not lost by it
            self._stream.write(text)
            self._stream.flush()
        self._shown_at, self._pending = now, ""


class Stopwatch:
    """Where a stage's time went: ``with watch("draw"): …``, not nested, and at the end ``watch.report()``."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.sections: dict[str, float] = {}
        self._clock, self._began = clock, clock()

    @contextmanager
    def __call__(self, section: str) -> Iterator[None]:
        """Add the time that the block takes to ``section``."""
        began = self._clock()
        try:
            yield
        finally:
            self.sections[section] = self.sections.get(section, 0.0) + self._clock() - began

    def report(self, stream: TextIO | None = None) -> None:
        """Print one line per section, and one for the rest: seconds and share of the time since the start."""
        total = self._clock() - self._began
        rows = {**self.sections, "the rest": max(total - sum(self.sections.values()), 0.0), "in all": total}
        for section, seconds in rows.items():
            share = seconds / total if total > 0 else 0.0
            print(f"  {section:<16} {seconds:8.1f} s {share:5.0%}", file=stream or sys.stderr, flush=True)
