"""How stages and commands talk to people: errors, warnings, progress, where the time went. All on stderr."""

import io
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn, TextIO

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

    What cannot be done for the system's sake (a full disk, a folder that may not be read) is one line, too. SIGTERM is
    made an exception like Ctrl-C, so that no half-written file is left behind. Whoever reads the output may go before
    the work is done: it is finished all the same.
    """
    signal.signal(signal.SIGTERM, _terminate)
    output = _make_streams_patient()
    code = _exit_code(app)
    sys.stdout.flush()
    if output and output.error and not code:
        note(f"error: cannot print the results: {output.error.strerror}")
        code = 2
    sys.exit(code)


def _exit_code(app: Callable[[], object]) -> str | int | None:
    """Run an app to its end, say what ended it, and return the exit code."""
    try:
        app()
    except (UserError, OSError) as error:
        note(f"error: {describe(error)}")
        return 2
    except Stopped as stop:
        note(str(stop))
        return 128 + stop.signal
    except (KeyboardInterrupt, SystemExit) as stop:
        if isinstance(stop, SystemExit) and stop.code != 130:  # typer turns Ctrl-C into exit code 130
            return stop.code
        note("interrupted")
        return 130
    return 0


def describe(error: UserError | OSError) -> str:
    """What it says or, from the system, also of which file: ``videos: Permission denied``."""
    if isinstance(error, UserError):
        return str(error)
    where = f"{error.filename}: " if error.filename is not None else ""
    return f"{where}{error.strerror or error}"


class _Patient(io.RawIOBase):
    """Writes to another raw stream for as long as that takes it; what comes then is dropped.

    ``error`` says why, unless the reader has just gone: it closed its pipe or its terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._raw = getattr(stream.buffer, "raw", stream.buffer)  # the same when Python runs unbuffered
        self._terminal, self._gone = self._raw.isatty(), False
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._raw.fileno())

    def isatty(self) -> bool:
        return bool(self._raw.isatty())

    def write(self, data: Any, /) -> int:
        size = memoryview(data).nbytes
        try:
            while not self._gone:
                written = self._raw.write(data)
                if written is not None:
                    return int(written)
                select.select([], [self._raw], [], 1.0)  # not ready: some programs hand on pipes that do not wait
        except OSError as error:
            self._gone = True
            if not (self._terminal or isinstance(error, ConnectionError)):
                self.error = error
        return size


def _make_streams_patient() -> _Patient | None:
    """Let no failed print stop the work. Returns what stdout is written through, if that is the process's own.

    Streams that were closed from the start are opened on the null device, lest a video file takes their place.
    """
    for name in ("stdin", "stdout", "stderr"):  # in the order of their numbers, which open() gives again
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: SIM115 (kept open)
            setattr(sys, f"__{name}__", getattr(sys, name))
    stdout, stderr, output = sys.__stdout__, sys.__stderr__, None
    if stdout is not None and sys.stdout is stdout:
        output = _Patient(stdout)
        sys.stdout = _text_stream(output, stdout)
    if stderr is not None and sys.stderr is stderr:
        sys.stderr = _text_stream(_Patient(stderr), stderr)
    return output


def _text_stream(raw: _Patient, like: TextIO) -> io.TextIOWrapper:
    """A text stream on ``raw`` that shows each line at once. An odd prompt is no reason to fail on an old terminal."""
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=like.encoding, errors="backslashreplace", line_buffering=True
    )


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Stopped("terminated", number)


def clock_time(seconds: float) -> str:
    """A duration as ``m:ss`` or ``h:mm:ss``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Progress(AbstractContextManager["Progress"]):
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

    def __exit__(self, *error: object) -> None:
        """Show the last state, if it was not shown, and end the line."""
        if self._pending:
            self._show(self._clock())
        if self._terminal:
            with suppress(OSError):
                print(file=self._stream, flush=True)

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
