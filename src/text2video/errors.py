"""The exceptions that reach a person as a plain line instead of a traceback."""


class UserError(Exception):
    """A mistake that the person can mend. The message is one line: what is wrong, where, and what to do."""


class Stopped(Exception):
    """A signal ended the work. The message is one line; ``signal`` is the signal's number."""

    def __init__(self, message: str, signal: int) -> None:
        super().__init__(message)
        self.signal = signal
