"""Every private piece of Keras that kover relies on, with its source and version.

Nothing else in kover touches `keras.src`. Each function names the code that it uses; the tests of
this package fail when Keras changes it. All of it was read in, and is pinned to, Keras 3.15.
"""

from kover.engine.keras_private.building import (
    compile_model,
    deserialize_model,
    deserialize_record,
    has_own_compile,
    load,
    names_from_the_start,
    serialized_config,
    valueless_variables,
)
from kover.engine.keras_private.drawing import seeded_draws
from kover.engine.keras_private.optimizers import (
    has_multi_optimizer,
    momentum_product,
    observed_slots,
    optimizer_for,
    optimizer_parts,
    own_variables,
    stand_in,
    version,
)
from kover.engine.keras_private.state import (
    State,
    StateEntry,
    dtype_of,
    initializer_of,
    is_random_initializer,
    is_variable,
    state_of,
    sublayers,
    to_numpy,
    unstored_variables,
)

__all__ = [
    "State",
    "StateEntry",
    "compile_model",
    "deserialize_model",
    "deserialize_record",
    "dtype_of",
    "has_multi_optimizer",
    "has_own_compile",
    "initializer_of",
    "is_random_initializer",
    "is_variable",
    "load",
    "momentum_product",
    "names_from_the_start",
    "observed_slots",
    "optimizer_for",
    "optimizer_parts",
    "own_variables",
    "seeded_draws",
    "serialized_config",
    "stand_in",
    "state_of",
    "sublayers",
    "to_numpy",
    "unstored_variables",
    "valueless_variables",
    "version",
]
