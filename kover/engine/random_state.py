"""The generators that code without a seed of its own draws from, seeded for a while.

A custom layer or initializer may draw from NumPy or from the backend: the same spec would give
other bytes each time. Afterwards every generator goes on as if nothing had been drawn, since
`kover.override` runs in the user's process.
"""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Iterator
from typing import Any

from kover.engine.keras_private import seeded_draws


@contextlib.contextmanager
def seeded_generators(seed: int) -> Iterator[None]:
    """Seed Python's, NumPy's, Keras' and the backend's global generators; restore them after.

    Args:
        seed: 31 bits.
    """
    with contextlib.ExitStack() as restored:
        state = random.getstate()
        restored.callback(random.setstate, state)
        random.seed(seed)
        for seeded in (_numpy, _torch, _tensorflow, seeded_draws):
            restored.enter_context(seeded(seed))
        yield


@contextlib.contextmanager
def _numpy(seed: int) -> Iterator[None]:
    import numpy as np

    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)


@contextlib.contextmanager
def _torch(seed: int) -> Iterator[None]:
    torch: Any = sys.modules.get("torch")
    if torch is None:
        yield
        return
    state = torch.get_rng_state()
    torch.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(state)


@contextlib.contextmanager
def _tensorflow(seed: int) -> Iterator[None]:
    """Let `tf.random` without a seed draw from `seed`; then go on as before.

    Source: tensorflow 2.21 `python.eager.context.Context._set_global_seed`.
    """
    if "tensorflow" not in sys.modules:
        yield
        return
    import tensorflow as tf
    from tensorflow.python.eager import context

    eager = context.context()
    before = {name: getattr(eager, name, None) for name in ("_seed", "_rng")}
    tf.random.set_seed(seed)
    try:
        yield
    finally:
        vars(eager).update(before)
