"""What was written, read back: as bytes, and by Keras itself."""

from __future__ import annotations

import hashlib
import tempfile
import warnings as python_warnings
from pathlib import Path
from typing import Any

from kover.archive.reader import WEIGHTS, Archive
from kover.archive.weights import StoredArray, WeightsFile
from kover.diffing.report import Check
from kover.engine.identity import OptimizerKey
from kover.engine.judge import Judgement
from kover.engine.made_up import made_up_inputs
from kover.engine.refusals import reason
from kover.values import same, short_float


def check_written(judgement: Judgement, before: Archive, after: Archive) -> list[Check]:
    """Compare the written archive with what was decided: config, every array, the rates."""
    checks = [
        Check("Keras builds the edited model", True, f"{len(judgement.new.arrays)} arrays"),
        Check(
            "every override is in the rebuilt model",
            True,
            f"{sum(judgement.live.verified.values())} attributes",
        ),
        Check(
            "the written config is the planned one", same(after.config, dict(judgement.plan.after))
        ),
    ]
    if before.member(WEIGHTS).crc == after.member(WEIGHTS).crc and (
        before.member(WEIGHTS).size == after.member(WEIGHTS).size
    ):
        checks.append(
            Check(
                "stored arrays are untouched",
                True,
                f"{len(judgement.stored.arrays)} arrays, as bytes",
            )
        )
        return checks
    old, new = before.weights(), after.weights()
    assert old is not None
    assert new is not None
    checks.append(_check_arrays(judgement, old, new))
    checks.extend(_check_rates(judgement, new))
    return checks


def _check_arrays(judgement: Judgement, old: WeightsFile, new: WeightsFile) -> Check:
    """Every array is there, with its shape; the copied ones are equal bit for bit."""
    name = "every stored array is the planned one"
    copied = 0
    for plan in judgement.weights.arrays:
        for place in plan.array.places:
            written = new.arrays.get(place)
            if written is None or written.shape != plan.array.shape:
                return Check(name, False, f"'{plan.array.key}' is not at '{place}'")
            if plan.action != "copy" or plan.source is None:
                continue
            if not _equal(old, old.arrays[plan.source], new, written):
                return Check(name, False, f"'{plan.array.key}' was damaged on the way")
        copied += plan.action == "copy"
    return Check(name, True, f"{copied} of {len(judgement.weights.arrays)} equal bit for bit")


def _equal(old: WeightsFile, before: StoredArray, new: WeightsFile, after: StoredArray) -> bool:
    if before.dtype != after.dtype or before.size_bytes != after.size_bytes:
        return False
    digests = [hashlib.blake2b(), hashlib.blake2b()]
    for digest, weights, array in zip(digests, (old, new), (before, after), strict=True):
        for chunk in weights.chunks(array):
            digest.update(chunk)
    return digests[0].digest() == digests[1].digest()


def _check_rates(judgement: Judgement, new: WeightsFile) -> list[Check]:
    checks = []
    for plan in judgement.weights.arrays:
        key = plan.array.key
        if isinstance(key, OptimizerKey) and key.name == "learning_rate" and not plan.source:
            stored = float(new.read_scalar(new.arrays[plan.array.places[0]]))
            checks.append(
                Check(
                    f"the stored {key} is the one asked for",
                    short_float(stored) == short_float(plan.array.fill),
                    f"{short_float(stored):g}",
                )
            )
    return checks


def check_loaded(before: str, after: str) -> list[Check]:
    """Load what was written with `keras.models.load_model`, and run it.

    Args:
        before: the model as it was, for comparison of the outputs.
        after: the written archive; it need not have a name that Keras accepts.
    """
    with python_warnings.catch_warnings(record=True, action="always") as said:
        try:
            model = _load(after)
        except Exception as error:  # noqa: BLE001  (whatever Keras raises is the answer)
            return [Check("keras.models.load_model", False, reason(error))]
    lost = [str(each.message) for each in said if "variable loading" in str(each.message)]
    checks = [
        Check("keras.models.load_model", not lost, lost[0] if lost else "loads without a warning")
    ]
    return [*checks, *_run(model, before)]


def _load(path: str) -> Any:
    """`load_model` insists on a name that ends in `.keras`."""
    import keras

    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "model.keras"
        link.symlink_to(Path(path).absolute())
        return keras.models.load_model(link)


def _run(model: Any, before: str) -> list[Check]:
    import numpy as np

    outputs = made_up_inputs(model)
    if outputs is None:
        return [Check("outputs are finite", True, "not run: the config does not tell its inputs")]
    inputs, values = outputs
    finite = all(bool(np.isfinite(value).all()) for value in values if value.dtype.kind == "f")
    checks = [Check("outputs are finite", finite, f"{len(values)} outputs on made-up inputs")]
    try:
        old = [np.asarray(value) for value in _flat(_load(before)(inputs, training=False))]
    except Exception:  # noqa: BLE001  (the old model may be one that Keras refuses)
        return checks
    if len(old) == len(values) and all(
        one.shape == other.shape for one, other in zip(old, values, strict=True)
    ):
        moved = max(
            (
                float(np.max(np.abs(one - other), initial=0.0))
                for one, other in zip(old, values, strict=True)
                if one.dtype.kind == "f"
            ),
            default=0.0,
        )
        checks.append(Check("outputs moved by", True, f"at most {moved:.3g}"))
    else:
        checks.append(Check("outputs have new shapes", True, f"{[v.shape for v in values]}"))
    return checks


def _flat(structure: Any) -> list[Any]:
    import keras

    return list(keras.tree.flatten(structure))
