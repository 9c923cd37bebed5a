"""What is in a model, as JSON data: values in short form, what is not known left out."""

from __future__ import annotations

import json
from collections.abc import Mapping

from kover import __version__
from kover.report.diff_json import value
from kover.showing.model import Finding, LayerDetail, LayerShown, ModelShown
from kover.values import JSON, Missing

Object = dict[str, JSON]


def shown_json(shown: ModelShown) -> str:
    """The model as JSON text in ASCII, ended with a line end."""
    result: Object = {
        "version": 1,
        "kover": __version__,
        "model": {
            "path": shown.facts.path,
            "name": shown.facts.name,
            "class_name": shown.facts.class_name,
            "keras_version": shown.facts.keras_version,
            "size_bytes": shown.facts.size_bytes,
            "date_saved": shown.saved,
            "parameters": shown.parameters,
            "trainable_parameters": shown.trainable_parameters,
            **({"settings": _values(shown.model_settings)} if shown.model_settings else {}),
        },
        "layers": [_layer(layer) for layer in shown.layers],
        "compile": _values(shown.settings) if shown.compiled or shown.settings else None,
        "learning_rates": [
            {
                "where": rate.where,
                "value": value(rate.value),
                **({} if isinstance(rate.written, Missing) else {"written": value(rate.written)}),
            }
            for rate in shown.rates
        ],
        "optimizer_state": {"slots": shown.slots, "iterations": shown.iterations},
        "findings": [_finding(each) for each in shown.findings],
        "assets": [{"name": name, "size_bytes": size} for name, size in shown.files],
        "provenance": _values(shown.provenance),
        "warnings": [
            {"code": each.code, "message": each.message, "source": str(each.source)}
            for each in shown.warnings
        ],
    }
    return _dumps(result)


def layer_json(detail: LayerDetail) -> str:
    """One layer as JSON text."""
    return _dumps(
        {
            "version": 1,
            "kover": __version__,
            "model": {"path": detail.facts.path, "name": detail.facts.name},
            **_layer(detail.layer),
            "config": _values(detail.config),
            "defaults": [name for name in detail.config if name in detail.defaults],
            "holds": list(detail.held),
            "findings": [_finding(each) for each in detail.findings],
        }
    )


def _dumps(result: Object) -> str:
    return json.dumps(result, indent=1, allow_nan=False) + "\n"


def _values(values: Mapping[str, JSON]) -> Object:
    return {name: value(item) for name, item in values.items()}


def _layer(layer: LayerShown) -> Object:
    shape = layer.output_shape
    return {
        "layer": layer.path,
        "class_name": layer.class_name,
        **({} if isinstance(shape, Missing) else {"output_shape": shape}),
        "parameters": layer.parameters,
        "trainable": layer.trainable,
        "settings": _values(layer.settings),
        "inputs": list(layer.inputs),
        "variables": [
            {"variable": each.variable, "shape": list(each.shape), "dtype": each.dtype}
            for each in layer.arrays
        ],
    }


def _finding(finding: Finding) -> Object:
    return {
        "severity": finding.severity,
        "what": finding.what,
        "where": finding.where,
        "why": finding.why,
    }
