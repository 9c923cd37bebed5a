"""Plain Keras: what is wrong with each `NAME.after.keras` in a folder, beside `NAME.before.keras`.

Before must load, after must load without a warning; every model variable and every optimizer
variable that is still there must be bit-equal. Answers one JSON object: name to complaints.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import keras


def values_of(variables: list[Any]) -> dict[str, bytes]:
    """Bytes by path; seeds that an archive does not hold are drawn anew by every load."""
    kept = [variable for variable in variables if "seed_generator" not in variable.path]
    found = {variable.path: variable.numpy().tobytes() for variable in kept}
    assert len(found) == len(kept)
    return found


def complaints(before: Path, after: Path, expected: dict[str, Any]) -> list[str]:
    """What is wrong with `after`."""
    with warnings.catch_warnings(record=True, action="always") as said:
        new = keras.saving.load_model(after)
    wrong = [f"Keras warns: {each.message}" for each in said]
    old = keras.saving.load_model(before)
    if values_of(old.variables) != values_of(new.variables):
        wrong.append("the variables are not what they were")
    was, now = values_of(old.optimizer.variables), values_of(new.optimizer.variables)
    wrong += [f"{path} is not what it was" for path in now if now[path] != was.get(path)]
    frozen = [layer.name for layer in new.layers if not layer.trainable]
    if frozen != expected["frozen"]:
        wrong.append(f"frozen: {frozen}")
    activations = [keras.activations.serialize(layer.activation)
                   for layer in new._flatten_layers() if hasattr(layer, "activation")]  # fmt: skip
    if "relu" in activations:
        wrong.append("there is a relu left")
    for layer in new._flatten_layers():
        penalty = getattr(layer, "kernel_regularizer", keras.regularizers.L2(1e-3))
        if not isinstance(penalty, keras.regularizers.L2) or abs(penalty.l2 - 1e-3) > 1e-9:
            wrong.append(f"{layer.name} has the regularizer {penalty}")
    return wrong


def main(folder: Path) -> None:
    """Judge all pairs."""
    print(
        json.dumps(
            {
                name: complaints(
                    folder / f"{name}.before.keras", folder / f"{name}.after.keras", expected
                )
                for name, expected in json.loads((folder / "expected.json").read_text()).items()
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
