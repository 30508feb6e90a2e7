"""What a request may not ask for: the one exception that every check of the domain raises."""

from __future__ import annotations


class Invalid(ValueError):
    """A value that breaks a rule of the specification; the message says which, to the person who sent it.

    Operations answer it as `ValidationException`.
    """
