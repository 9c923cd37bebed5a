"""A `config.json` that is no JSON, no model, or an odd one: rows B1 to B8, G1 to G4."""

from __future__ import annotations

import json
from typing import Any

from corpus.base import Corpus

Config = dict[str, Any]
ODD_NAMES = {
    "ansi": "\x1b[31mred\x1b[0m",
    "osc": "\x1b]0;owned\x07",
    "c1": "a\x9b31mb",
    "bidi": "abc\u202egpj.exe",
    "isolate": "a\u2066b\u2069",
    "crlf": "a\r\nerror: all is well",
    "tab": "a\tb",
    "markup": "[/dense]",
    "style": "[bold red]dense[/]",
    "md": "a|b`c`[x](http://e.org)",
    "html": "<script>alert(1)</script>",
    "csv": "=cmd|'/c calc'!A0",
    "gha": "::set-output name=x::y",
    "gha_newline": "a\n::error::b",
    "long": "n" * 5000,
    "empty": "",
    "slash": "a/b",
    "glob": "*",
    "dots": "..",
    "nul": "a\0b",
    "separator": "a\u2028b\u2029c",
    "zero_width": "a\u200bb\ufeffc",
    "emoji": "👩‍👩‍👧‍👦" * 20,
    "combining": "a" + "\u0301" * 300,
    "python": "{0.__class__}",
    "percent": "%s%n%x",
}


def add_configs(corpus: Corpus) -> None:
    """All of them."""
    for part in (_broken, _numbers, _deep, _repeated, _shapes, _odd, _large, _versions, _names):
        part(corpus)


def _text(corpus: Corpus) -> bytes:
    return corpus.members["config.json"]


def _broken(corpus: Corpus) -> None:
    sound = _text(corpus)
    for name, text in {
        "cut": sound[: len(sound) // 2],
        "trailing": sound + b"]",
        "two": sound + sound,
        "comment": b"// model\n" + sound,
        "single_quotes": b"{'class_name': 'Sequential'}",
        "bom": b"\xef\xbb\xbf" + sound,
        "utf16": sound.decode().encode("utf-16"),
        "utf16_no_mark": sound.decode().encode("utf-16-le"),
        "utf32": sound.decode().encode("utf-32"),
        "latin1": sound.replace(b'"tiny"', b'"t\xefny"', 1),
        "nul": sound + b"\0",
        "nul_inside": sound.replace(b'"tiny"', b'"t\0ny"', 1),
        "control": sound.replace(b'"tiny"', b'"t\x1bny"', 1),
        "newline_in_string": sound.replace(b'"tiny"', b'"t\nny"', 1),
        "overlong": sound.replace(b'"tiny"', b'"t\xc0\xafny"', 1),
        "null": b"null",
        "list": b"[1, 2]",
        "number": b"42",
        "string": b'"Sequential"',
        "python": b"__import__('os').system('touch CANARY_json')",
        "escape_in_error": b'{"a": \x1b[2J}',
        "spaces": b"   \n  ",
    }.items():
        corpus.text(f"json_{name}", "B1", "refused", text)
    broken = corpus.zip({"metadata.json": b"{"})
    corpus.model("json_metadata", "B1", "refused", broken)
    listed = corpus.zip({"metadata.json": b"[]"})
    corpus.model("json_metadata_list", "B1", "refused", listed)
    odd = corpus.zip({"metadata.json": b'{"keras_version": 3, "date_saved": ["\\u001b[31m"]}'})
    corpus.model("json_metadata_types", "B1", "ok", odd)


def _numbers(corpus: Corpus) -> None:
    sound = _text(corpus)
    for name, number, verdict in (
        ("nan", b"NaN", "odd"),
        ("inf", b"Infinity", "odd"),
        ("minus_inf", b"-Infinity", "odd"),
        ("1e999", b"1e999", "refused"),
        ("minus_1e999", b"-1e999", "refused"),
        ("bigint", b"9" * 400, "refused"),
        ("bigint_5000", b"9" * 5000, "refused"),
        ("hex", b"0x10", "refused"),
        ("leading_zero", b"017", "refused"),
        ("plus", b"+1", "refused"),
        ("long_fraction", b"0." + b"3" * 100_000, "odd"),
        ("tiny", b"1e-400", "odd"),
        ("bigint_300", b"9" * 300, "odd"),
    ):
        text = sound.replace(b"0.0010000000474974513", number, 1)
        corpus.text(f"json_{name}", "B2", verdict, text)
    lone = sound.replace(b'"tiny"', b'"t\\ud800ny"', 1)
    corpus.text("json_surrogate", "B2", "refused", lone)
    key = sound.replace(b'"jit_compile"', b'"\\udfff": 1, "jit_compile"', 1)
    corpus.text("json_surrogate_key", "B2", "refused", key)


def _deep(corpus: Corpus) -> None:
    sound = _text(corpus)
    for name, value in {
        "lists": b"[" * 5000 + b"]" * 5000,
        "objects": b'{"a":' * 5000 + b"1" + b"}" * 5000,
        "open": b"[" * 200_000,
        "101": b"[" * 101 + b"]" * 101,
        "million": b"[" * 1_000_000 + b"]" * 1_000_000,
    }.items():
        text = sound.replace(b'"jit_compile": false', b'"jit_compile": ' + value, 1)
        corpus.text(f"json_deep_{name}", "B3", "refused", text)

    def nest(config: Config) -> None:
        layer = config["config"]["layers"][1]
        for number in range(40):
            inner = {"name": f"w{number}", "layer": layer}
            layer = {"module": "keras.layers", "class_name": "TimeDistributed", "config": inner}
        config["config"]["layers"][1] = layer

    corpus.changed("json_deep_layers", "B3", "odd", nest)


def _repeated(corpus: Corpus) -> None:
    sound = _text(corpus)
    for name, old, new in (
        ("class", b'"class_name": "Sequential"', b'"class_name": "A", "class_name": "Sequential"'),
        ("units", b'"units": 3', b'"units": 3, "units": 4'),
        ("escaped", b'"units": 3', b'"units": 3, "un\\u0069ts": 4'),
        ("empty", b'"units": 3', b'"units": 3, "": 1, "": 2'),
    ):
        corpus.text(f"json_dup_{name}", "B4", "refused", sound.replace(old, new, 1))


def _shapes(corpus: Corpus) -> None:
    def at(path: list[str | int], value: Any) -> Any:
        def change(config: Config) -> None:
            place: Any = config
            for key in path[:-1]:
                place = place[key]
            if value is KeyError:
                del place[path[-1]]
            else:
                place[path[-1]] = value

        return change

    layer: list[str | int] = ["config", "layers", 1]
    for name, path, value, verdict in (
        ("no_class", ["class_name"], KeyError, "refused"),
        ("class_number", ["class_name"], 3, "refused"),
        ("class_null", ["class_name"], None, "refused"),
        ("no_config", ["config"], KeyError, "refused"),
        ("config_list", ["config"], [], "refused"),
        ("config_null", ["config"], None, "refused"),
        ("layers_mapping", ["config", "layers"], {"a": 1}, "odd"),
        ("layers_string", ["config", "layers"], "layers", "odd"),
        ("layers_null", ["config", "layers"], None, "odd"),
        ("no_layers", ["config", "layers"], KeyError, "odd"),
        ("layers_empty", ["config", "layers"], [], "odd"),
        ("layer_null", layer, None, "odd"),
        ("layer_number", layer, 3, "odd"),
        ("layer_list", layer, [], "odd"),
        ("layer_empty", layer, {}, "odd"),
        ("layer_no_config", [*layer, "config"], KeyError, "odd"),
        ("layer_config_list", [*layer, "config"], [1], "odd"),
        ("layer_class_list", [*layer, "class_name"], ["Dense"], "odd"),
        ("layer_module_number", [*layer, "module"], 7, "odd"),
        ("layer_registered_list", [*layer, "registered_name"], ["x"], "odd"),
        ("name_number", [*layer, "config", "name"], 5, "odd"),
        ("name_null", [*layer, "config", "name"], None, "odd"),
        ("name_mapping", [*layer, "config", "name"], {"a": "b"}, "odd"),
        ("model_name_list", ["config", "name"], ["m"], "odd"),
        ("units_string", [*layer, "config", "units"], "3", "odd"),
        ("units_list", [*layer, "config", "units"], [[[]]], "odd"),
        ("trainable_string", [*layer, "config", "trainable"], "yes", "odd"),
        ("activation_number", [*layer, "config", "activation"], 3, "odd"),
        ("activation_mapping", [*layer, "config", "activation"], {"class_name": 1}, "odd"),
        ("dtype_list", [*layer, "config", "dtype"], ["float32"], "odd"),
        ("build_config_list", [*layer, "build_config"], [None], "odd"),
        ("build_shape_string", [*layer, "build_config", "input_shape"], "abc", "odd"),
        ("batch_shape_string", ["config", "layers", 0, "config", "batch_shape"], "x", "odd"),
        ("compile_list", ["compile_config"], [1], "odd"),
        ("compile_empty", ["compile_config"], {}, "odd"),
        ("compile_null", ["compile_config"], None, "odd"),
        ("optimizer_number", ["compile_config", "optimizer"], 3, "odd"),
        ("optimizer_list", ["compile_config", "optimizer"], [[]], "odd"),
        ("optimizer_config", ["compile_config", "optimizer", "config"], "adam", "odd"),
        ("rate_mapping", ["compile_config", "optimizer", "config", "learning_rate"], {}, "odd"),
        ("rate_list", ["compile_config", "optimizer", "config", "learning_rate"], [1], "odd"),
        ("metrics_mapping", ["compile_config", "metrics"], {"a": [[{}]]}, "odd"),
        ("loss_number", ["compile_config", "loss"], 1.5, "odd"),
        ("root_build_null", ["build_config"], None, "odd"),
    ):
        corpus.changed(f"cfg_{name}", "B5", verdict, at(path, value))


def functional(config: Config) -> None:
    """Rewrite the model as a Functional one."""
    layers = config["config"]["layers"]
    for before, layer in zip([None, *layers], layers, strict=False):
        name = layer["config"].get("name")
        layer["name"] = name
        layer["inbound_nodes"] = []
        if before is not None:
            history = [before["config"]["name"], 0, 0]
            tensor = {"shape": [None, 4], "dtype": "float32", "keras_history": history}
            node = {"class_name": "__keras_tensor__", "config": tensor}
            layer["inbound_nodes"] = [{"args": [node], "kwargs": {}}]
    config.update(class_name="Functional", module="keras.src.models.functional")
    config["config"]["input_layers"] = [["input", 0, 0]]
    config["config"]["output_layers"] = [["dense_b", 0, 0]]


def _odd(corpus: Corpus) -> None:
    def functional_with(change: Any) -> Any:
        def both(config: Config) -> None:
            functional(config)
            change(config["config"])

        return both

    def node(model: Config, layer: int) -> Any:
        return model["layers"][layer]["inbound_nodes"][0]["args"][0]["config"]["keras_history"]

    def set_history(layer: int, history: list[Any]) -> Any:
        return lambda model: node(model, layer).__setitem__(slice(None), history)

    def set_nodes(value: Any) -> Any:
        return lambda model: model["layers"][1].__setitem__("inbound_nodes", value)

    for name, change in {
        "ok_functional": lambda _: None,
        "cyclic_nodes": set_history(1, ["dense_b", 0, 0]),
        "self_node": set_history(1, ["dense_a", 0, 0]),
        "dangling_node": set_history(2, ["nobody", 0, 0]),
        "node_index": set_history(2, ["dense_a", 99, 99]),
        "node_types": set_history(2, [None, "x", {}]),
        "node_short": set_history(2, []),
        "nodes_number": set_nodes(3),
        "nodes_strings": set_nodes(["a", "b"]),
        "nodes_null": set_nodes(None),
        "output_missing": lambda m: m.__setitem__("output_layers", [["nobody", 0, 0]]),
        "output_number": lambda m: m.__setitem__("output_layers", 7),
        "inputs_null": lambda m: m.__setitem__("input_layers", None),
        "name_mismatch": lambda m: m["layers"][1].__setitem__("name", "dense_z"),
    }.items():
        verdict = "ok" if name.startswith("ok_") else "odd"
        corpus.changed(f"cfg_{name}", "B6", verdict, functional_with(change))

    def repeat(config: Config) -> None:
        config["config"]["layers"][2]["config"]["name"] = "dense_a"

    def casing(config: Config) -> None:
        config["config"]["layers"][2]["config"]["name"] = "Dense_A"

    corpus.changed("cfg_dup_layer_name", "B6", "refused", repeat)
    corpus.changed("cfg_case_layer_name", "B6", "odd", casing)


def _large(corpus: Corpus) -> None:
    def units(value: Any) -> Any:
        return lambda c: c["config"]["layers"][1]["config"].__setitem__("units", value)

    for name, value in {"huge": 10**15, "int64": 2**63, "negative": -1, "zero": 0}.items():
        corpus.changed(f"units_{name}", "B7", "odd", units(value))

    def shape(value: Any) -> Any:
        return lambda c: c["config"]["layers"][0]["config"].__setitem__("batch_shape", value)

    corpus.changed("shape_huge", "B7", "odd", shape([None, 10**12]))
    corpus.changed("shape_long", "B7", "odd", shape([None] * 10_000))
    corpus.changed("shape_negative", "B7", "odd", shape([None, -4]))

    def many(config: Config) -> None:
        layer = config["config"]["layers"][1]
        config["config"]["layers"] += [
            {**layer, "config": {**layer["config"], "name": f"extra_{number}"}}
            for number in range(5_000)
        ]

    corpus.changed("json_many_layers", "B7", "odd", many)


def _versions(corpus: Corpus) -> None:
    for name, version in {
        "future": "99.0.0",
        "keras2": "2.15.0",
        "odd": "x\x1b[1m",
        "digits": f"{'9' * 5000}.{'9' * 5000}",
        "": "",
    }.items():
        text = json.dumps({"keras_version": version}).encode()
        data = corpus.zip({"metadata.json": text})
        corpus.model(f"cfg_{name or 'no_version'}", "B8", "odd", data)

    def old(config: Config) -> None:
        config["keras_version"] = "2.15.0"
        for layer in config["config"]["layers"]:
            layer.pop("module")
            layer.pop("registered_name")
        config["config"]["layers"][0]["config"].pop("batch_shape")
        config["config"]["layers"][0]["config"]["batch_input_shape"] = [None, 4]

    corpus.changed("cfg_keras2_form", "B8", "odd", old)


def _names(corpus: Corpus) -> None:
    for name, text in ODD_NAMES.items():
        row = "G2" if name in {"md", "html", "csv", "gha", "gha_newline"} else "G1"

        def change(config: Config, text: str = text) -> None:
            config["config"]["layers"][2]["config"]["name"] = text
            config["config"]["layers"][2]["config"]["activation"] = text
            config["config"]["name"] = text

        corpus.changed(f"name_{name}_layer", row, "odd", change)

    def everywhere(config: Config) -> None:
        text = ODD_NAMES["ansi"]
        layer = config["config"]["layers"][2]
        layer.update(class_name=text, module=text, registered_name=text)
        layer["config"][text] = {text: [text]}
        config["compile_config"].update(loss=text, metrics=[text])
        config["compile_config"]["optimizer"]["class_name"] = text

    corpus.changed("name_everywhere", "G1", "odd", everywhere)
