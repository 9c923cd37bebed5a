"""The shape that `config.json` must have, and what to say where it has not."""

from __future__ import annotations

from collections.abc import Mapping

from kover.errors import InputError
from kover.modelconfig.edit import Pointer, json_path
from kover.problems import Problem, Severity
from kover.source import Source
from kover.values import JSON, Missing

_BROKEN = "save the model again with Keras, or undo what was edited by hand"
_ODD = "nothing has to be done; `kover show` lists the paths of all layers"


class Shapes:
    """Reads single fields of records, and refuses what Keras never writes."""

    def __init__(self, path: str) -> None:
        self._path = path

    def problem(
        self, code: str, message: str, pointer: Pointer, severity: Severity = "error"
    ) -> Problem:
        """A problem at a place in `config.json`."""
        source = Source(self._path, inside="config.json")
        help = _ODD if severity == "warning" else _BROKEN
        return Problem(code, f"{message}, at {json_path(pointer)}", source, help, severity)

    def broken(self, message: str, pointer: Pointer) -> InputError:
        """The error for a config that is not of Keras' shape."""
        return InputError(self.problem("broken-config", message, pointer))

    def class_name(self, record: Mapping[str, JSON], pointer: Pointer) -> str:
        """The record's class."""
        class_name = record.get("class_name")
        if not isinstance(class_name, str) or not class_name:
            raise self.broken("the record has no 'class_name'", pointer)
        return class_name

    def config(self, record: Mapping[str, JSON], pointer: Pointer) -> dict[str, JSON]:
        """The record's `config`; Keras takes null for `{}`."""
        config = record.get("config", Missing.MISSING)
        if config is Missing.MISSING:
            raise self.broken("the record has no 'config'", pointer)
        if config is None:
            return {}
        if not isinstance(config, dict):
            raise self.broken("'config' is not a mapping", (*pointer, "config"))
        return config

    def name(self, value: JSON, pointer: Pointer) -> str | None:
        """A layer's name, None where there is none."""
        if value is None:
            return None
        if not isinstance(value, str) or not value:
            raise self.broken("a layer's name is not a text", pointer)
        if "/" in value:
            raise self.broken("a layer's name contains '/'", pointer)
        return value

    def layer_list(self, config: Mapping[str, JSON], pointer: Pointer) -> list[JSON]:
        """The `layers` of a Sequential or Functional."""
        if "layers" not in config:
            raise self.broken("the model has no 'layers'", pointer)
        layers = config["layers"]
        if not isinstance(layers, list):
            raise self.broken("'layers' is not a list", (*pointer, "layers"))
        return layers

    def wiring(self, config: Mapping[str, JSON], pointer: Pointer) -> None:
        """`input_layers` and `output_layers`: a list, a mapping or one bare triple."""
        for key in ("input_layers", "output_layers"):
            if key in config and not isinstance(config[key], (list, dict)):
                raise self.broken(f"'{key}' is neither a list nor a mapping", (*pointer, key))

    def inbound_nodes(self, record: Mapping[str, JSON], pointer: Pointer) -> None:
        """The calls of a layer: mappings with `args`, or lists in files from Keras 2."""
        nodes = record.get("inbound_nodes", [])
        place = (*pointer, "inbound_nodes")
        if not isinstance(nodes, list):
            raise self.broken("'inbound_nodes' is not a list", place)
        for position, node in enumerate(nodes):
            if not isinstance(node, (dict, list)):
                raise self.broken("a call of a layer is not a mapping", (*place, position))
