"""What was written, read back: as bytes, and by Keras itself."""

from __future__ import annotations

import hashlib
import warnings as python_warnings
from typing import Any

from kover.archive.reader import WEIGHTS, Archive
from kover.archive.weights import StoredArray, WeightsFile
from kover.diffing.report import Check
from kover.engine import keras_private
from kover.engine.identity import OptimizerKey
from kover.engine.judge import Judgement
from kover.engine.made_up import made_up_inputs
from kover.engine.refusals import reason
from kover.engine.train_step import check_step
from kover.values import same, short_float


def check_written(judgement: Judgement, before: Archive, after: Archive) -> list[Check]:
    """Compare the written archive with what was decided: config, every array, the rates."""
    checks = [
        Check("Keras builds the edited model", True, f"{len(judgement.new.arrays)} arrays"),
        *_overrides_hold(judgement),
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


def _overrides_hold(judgement: Judgement) -> list[Check]:
    checks = []
    if judgement.live.verified:
        told = f"{len(judgement.live.verified)} attributes"
        checks.append(Check("every override is in the rebuilt model", True, told))
    if judgement.rated_variables:
        told = f"{judgement.rated_variables} variables"
        checks.append(Check("every variable has the rate asked for", True, told))
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
    """Rates are loaded from the weights file: those that a spec sets must stand there."""
    asked = {
        short_float(plan.array.fill): [
            short_float(float(new.read_scalar(new.arrays[place]))) for place in plan.array.places
        ]
        for plan in judgement.weights.arrays
        if isinstance(plan.array.key, OptimizerKey)
        and plan.array.key.name == "learning_rate"
        and plan.source is None
        and plan.array.fill
    }
    if not asked:
        return []
    ok = all(value == rate for rate, values in asked.items() for value in values)
    return [
        Check("stored learning rates are those asked for", ok, ", ".join(f"{r:g}" for r in asked))
    ]


def check_loaded(
    before: str, after: str, *, train: bool = False, safe_mode: bool = True
) -> list[Check]:
    """Load what was written with `keras.models.load_model`, and run it.

    Args:
        before: the model as it was, for comparison of the outputs.
        after: the written archive; it need not have a name that Keras accepts.
        train: also make one training step.
        safe_mode: as in `keras.models.load_model`.
    """
    with python_warnings.catch_warnings(record=True, action="always") as said:
        try:
            model = keras_private.load(after, safe_mode=safe_mode)
        except Exception as error:  # noqa: BLE001  (whatever Keras raises is the answer)
            return [Check("keras.models.load_model", False, reason(error))]
        lost = [str(each.message) for each in said if "variable loading" in str(each.message)]
        told = lost[0].strip() if lost else "loads without a warning"
        checks = [Check("keras.models.load_model", not lost, told)]
        run = made_up_inputs(model)
        if run is None:
            return [*checks, Check("outputs are finite", True, "not run: its inputs are unknown")]
        inputs, outputs = run
        checks.extend(_compare_outputs(outputs, _outputs_before(before, inputs, safe_mode)))
        return [*checks, *(check_step(model, inputs, outputs) if train else ())]


def _outputs_before(path: str, inputs: Any, safe_mode: bool) -> list[Any] | None:
    """What the model made of `inputs` before the edit; None if Keras cannot tell."""
    import keras

    try:
        outputs = keras_private.load(path, safe_mode=safe_mode)(inputs, training=False)
    except Exception:  # noqa: BLE001  (the old model may be one that Keras refuses)
        return None
    return [keras_private.to_numpy(value) for value in keras.tree.flatten(outputs)]


def _compare_outputs(new: list[Any], old: list[Any] | None) -> list[Check]:
    """Outputs must be finite unless they were not before; how far they moved is told."""
    import numpy as np

    def finite(values: list[Any]) -> bool:
        return all(bool(np.isfinite(value).all()) for value in values if value.dtype.kind == "f")

    ok = finite(new) or (old is not None and not finite(old))
    checks = [Check("outputs are finite", ok, f"{len(new)} outputs on made-up inputs")]
    if old is None:
        return checks
    if [value.shape for value in old] != [value.shape for value in new]:
        shapes = ", ".join(str(value.shape[1:]) for value in new)
        return [*checks, Check("outputs have new shapes", True, shapes)]
    pairs = zip(old, new, strict=True)
    moved = [np.max(np.abs(a - b), initial=0.0) for a, b in pairs if a.dtype.kind == "f"]
    return [*checks, Check("outputs move by", True, f"at most {max(moved, default=0.0):.3g}")]
