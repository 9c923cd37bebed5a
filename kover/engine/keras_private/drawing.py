"""What `keras.random` draws from where nobody gives it a seed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def seeded_draws(seed: int) -> Iterator[None]:
    """Let `keras.random` without a seed draw from `seed`; then go on as before.

    Source: keras 3.15 `random.seed_generator.global_seed_generator`, a global attribute.
    """
    import keras
    from keras.src.backend.common import global_state

    before = global_state.get_global_attribute("global_seed_generator")
    generator = keras.random.SeedGenerator(seed, name="kover_seed_generator")
    global_state.set_global_attribute("global_seed_generator", generator)
    try:
        yield
    finally:
        global_state.set_global_attribute("global_seed_generator", before)
