"""The one exception that reaches a person as a plain line instead of a traceback."""


class UserError(Exception):
    """A mistake that the person can mend. The message is one line: what is wrong, where, and what to do."""
