"""Variables that Keras does not store as they are.

With LoRA, what is stored is the kernel with the adapters merged into it; the adapters themselves
are not stored at all.

Source: keras 3.15 `layers.core.dense.Dense.save_own_variables`, and the like of other layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kover.engine import keras_private
from kover.engine.identity import StateKey
from kover.planning.plan import Plan
from kover.problems import Problem

if TYPE_CHECKING:
    from kover.engine.twin import TwinArray


class Unstored:
    """The variables of a model that saving passes over.

    Args:
        model: the live model.
        state: what saving would store for it.
    """

    def __init__(self, model: Any, state: keras_private.State) -> None:
        self._left = keras_private.unstored_variables(model, state)

    def behind(self, name: str, shape: tuple[int, ...]) -> list[Any]:
        """The variable that a computed array stands for, then the adapters merged into it.

        Args:
            name: of the layer that stores the array.
            shape: of the array.
        """
        for number, (layer, variables) in enumerate(self._left):
            if layer != name:
                continue
            for variable in variables:
                if tuple(variable.shape) == shape and not variable.name.startswith("lora_"):
                    del self._left[number]
                    return [variable, *(each for each in variables if each is not variable)]
        return []


def idle_adapters(plan: Plan, arrays: Mapping[StateKey, TwinArray]) -> list[Problem]:
    """A warning for each override that adds adapters, which Keras will not train.

    Source: keras 3.15 `layers.core.dense.Dense.load_own_variables`, which sets both adapters to
    zero. The gradient of each is a product with the other.
    """
    adapted = {str(key).rpartition("/")[0] for key, array in arrays.items() if not array.places}
    return [
        Problem(
            "idle-adapters",
            f"Keras loads the LoRA adapters of '{change.layer}' as zeros, from which they never "
            "move: its kernel is frozen, and only its bias trains",
            change.source,
            "leave `lora_rank` alone and call `layer.enable_lora(rank)` after loading",
            "warning",
        )
        for change in plan.changes
        if change.attribute == "lora_rank" and change.layer in adapted
    ]
