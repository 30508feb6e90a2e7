from __future__ import annotations

from toque.core import Secret
from toque.core.masking import mask


def test_a_secret_made_later_is_hidden_from_then_on() -> None:
    assert mask("made-later-123") == "made-later-123"

    Secret("made-later-123")

    assert mask("made-later-123") == "***"
