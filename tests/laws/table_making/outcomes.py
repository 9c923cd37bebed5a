"""Whether an override of one attribute holds: asked of kover, and of Keras alone."""

from __future__ import annotations

import copy
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from table_making.minimal_models import ATTRIBUTES_LEFT_OUT, NAME, minimal_model
from table_making.other_values import other_values

from kover.applying import ApplyRequest, apply
from kover.catalogue import Argument, catalogue
from kover.errors import KoverError

SPEC = "version: 1\noverrides:\n- layers: /{path}\n  set: {{{attribute}: {value}}}\n"
CONSENT = '- layers: "**"\n  reinitialize: true\n'
SET_LINE = 4


@dataclass(frozen=True)
class Row:
    """One attribute of one class, and what became of an override of it."""

    class_name: str
    attribute: str
    value: str  # as JSON
    outcome: str
    said: str = ""  # the first problem, for people; not kept

    @property
    def line(self) -> str:
        return "\t".join((self.class_name, self.attribute, self.value, self.outcome))


class Subject:
    """A layer class in its minimal model, saved."""

    def __init__(self, class_name: str, layer_class: Any, folder: Path) -> None:
        self.class_name = class_name
        self.folder = folder
        self.path = folder / "before.keras"
        model, self.layer = minimal_model(class_name, layer_class)
        model.save(self.path)
        with ZipFile(self.path) as archive:
            self.config = json.loads(archive.read("config.json"))
        record = record_of(self.config)
        self.attributes: dict[str, Any] = {
            name: value
            for name, value in sorted(record["config"].items())
            if f"{class_name}.{name}" not in ATTRIBUTES_LEFT_OUT
        }
        self.saved_class: str = record["class_name"]

    def argument(self, attribute: str) -> Argument | None:
        entry = catalogue().layer(self.saved_class)
        return entry.arguments.get(attribute) if entry is not None else None

    def value_for(self, attribute: str) -> Any:
        """The first other value that Keras alone takes and keeps, or else the first one."""
        current = self.attributes[attribute]
        values = list(other_values(self.class_name, attribute, current, self.argument(attribute)))
        for value in values:
            if self.keras_keeps(attribute, value):
                return value
        return values[0] if values else None

    def keras_keeps(self, attribute: str, value: Any) -> bool:
        """Whether Keras builds the model with that value in its config, and keeps it."""
        import keras

        config = copy.deepcopy(self.config)
        record_of(config)["config"][attribute] = value
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = keras.saving.deserialize_keras_object(config)
                return self.holds(model, attribute, value)
        except Exception:  # noqa: BLE001  (Keras raises whatever it likes; each means "no")
            return False

    def holds(self, model: Any, attribute: str, value: Any) -> bool:
        """Whether the live layer's config says that the attribute has the value."""
        import keras

        layer = next(each for each in model._flatten_layers() if each.name == NAME)
        live = plain(keras.saving.serialize_keras_object(layer)["config"].get(attribute))
        return is_what_was_asked(live, value, self.argument(attribute))

    def row(self, attribute: str, value: Any) -> Row:
        """Apply the override, then let Keras alone load the result."""
        outcome, said = self._apply(attribute, value, consent=False)
        if outcome == "refused: needs-reinitialize":
            outcome, said = self._apply(attribute, value, consent=True)
            outcome = f"needs consent, {outcome}"
        return Row(self.class_name, attribute, json.dumps(value), outcome, said)

    def _apply(self, attribute: str, value: Any, *, consent: bool) -> tuple[str, str]:
        import keras

        spec, output = self.folder / "spec.yaml", self.folder / "after.keras"
        text = SPEC.format(path=self.layer, attribute=attribute, value=json.dumps(value))
        spec.write_text(text + (CONSENT if consent else ""), encoding="utf-8")
        request = ApplyRequest(str(self.path), (str(spec),), output=str(output), force=True)
        try:
            report = apply(request).report
        except KoverError as error:
            first = error.problems[0]
            place = first.source
            at_line = place is not None and place.path == str(spec) and place.line == SET_LINE
            code = first.code if at_line else f"{first.code}, not at the spec's line"
            return f"refused: {code}", first.message
        except Exception as error:  # noqa: BLE001  (whatever it is, it is a row of the table)
            return f"bug: {type(error).__name__}", str(error)[:200]
        with warnings.catch_warnings(record=True, action="always") as heard:
            try:
                model = keras.models.load_model(output)
            except Exception as error:  # noqa: BLE001  (likewise)
                return f"does not load: {type(error).__name__}", str(error)[:200]
        told = {problem.code for problem in report.applied.warnings}
        if heard and "keras-warning" not in told:
            return "loads with a warning", str(heard[0].message)
        if not self.holds(model, attribute, value):
            seen = report.applied.verified.get((self.layer, attribute))
            return ("not kept by Keras, as the report says" if seen is False else "lost"), ""
        return ("holds, Keras warns as the report says" if heard else "holds"), ""


def record_of(config: dict[str, Any]) -> dict[str, Any]:
    """The record of the layer in question, wherever it stands in the config."""
    pending: list[Any] = [config]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            inner = value.get("config")
            if "class_name" in value and isinstance(inner, dict) and inner.get("name") == NAME:
                return value
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    raise LookupError(NAME)


def is_what_was_asked(live: Any, asked: Any, argument: Argument | None) -> bool:
    """Whether a saved value is what was asked for, in Keras' own form of it."""
    import keras

    makers = {
        "activation": keras.activations.get,
        "constraint": keras.constraints.get,
        "dtype_policy": keras.dtype_policies.get,
        "initializer": keras.initializers.get,
        "regularizer": keras.regularizers.get,
    }
    kind = "any" if argument is None else argument.kind
    if kind in makers and asked is not None:
        if isinstance(asked, dict):
            asked = as_record(asked)
        made = makers[kind](asked)
        serialize = keras.saving.serialize_keras_object
        asked = plain(
            keras.activations.serialize(made) if kind == "activation" else serialize(made)
        )
    if isinstance(live, list) and not isinstance(
        asked, list
    ):  # 3 is kept as [3, 3], 0.1 as a range
        return live in ([asked] * len(live), [-asked, asked], [0.0, asked], [1 - asked, 1 + asked])
    if isinstance(live, float) and isinstance(asked, (int, float)):
        return abs(live - asked) < 1e-6
    return bool(live == asked)


def as_record(asked: dict[str, Any]) -> dict[str, Any]:
    """What Keras calls `{class: MaxNorm, max_value: 3}`, or `{l2: 0.01}` of a regularizer."""
    settings = {name: value for name, value in asked.items() if name != "class"}
    by_settings = "L1L2" if len(settings) == 2 else "".join(settings).upper()
    return {"class_name": asked.get("class", by_settings), "config": settings}


def plain(value: Any) -> Any:
    """The value as `config.json` would hold it."""
    return json.loads(json.dumps(value, default=str))
