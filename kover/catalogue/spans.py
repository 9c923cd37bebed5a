"""What to say where another version of Keras has a class or an argument, and this one has not."""

from __future__ import annotations

from kover.catalogue.loading import catalogue
from kover.catalogue.versions import Span


def told(span: Span) -> str:
    """Which versions have it, and which one is meant.

    Such as `from Keras 3.13 on; Keras 3.12.0 is installed here`.
    """
    known = catalogue()
    if known.running is None:
        return f"{span.words}; none is installed here, so this goes by {known.keras_version}"
    return f"{span.words}; Keras {known.running} is installed here"


def code_of(span: Span, otherwise: str) -> str:
    """Too old is a Keras for what comes later; what is gone from it has the code `otherwise`."""
    return "keras-too-old" if span.lacks(catalogue().running) else otherwise


def help_of(span: Span) -> str:
    """What to do about it."""
    if span.lacks(catalogue().running):
        newer = f"install keras {span.since} or newer, here and where the model is used"
        return f"{newer}; or leave it out"
    return "leave it out"
