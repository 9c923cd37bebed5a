"""Configs beyond what a saved model can be: numbers at the edges of types, floods, disguises.

Rows B1 to B8 and C1 to C5. Whatever would run only makes a `CANARY_*` file.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from typing import Any

from corpus.base import Corpus
from corpus.code import function, lambda_record, record
from corpus.configs import functional

Config = dict[str, Any]
_EDGES = {
    "float_edge": 2**1024 - 1,
    "minus_float_edge": -(2**1024 - 1),
    "int64_edge": 2**63,
    "uint64_edge": 2**64,
    "digits_300": 10**300,
    "minus_zero": -0.0,
    "tiny": 5e-324,
    "largest": 1.7976931348623157e308,
    "nan": float("nan"),
    "infinity": float("inf"),
    "true": True,
    "text": "1e5",
}


def add_odd_configs(corpus: Corpus) -> None:
    """All of them."""
    for part in (_edges, _floods, _texts, _layers, _graphs, _compiled, _registered, _disguised):
        part(corpus)


def _put(path: list[str | int], value: Any) -> Callable[[Config], None]:
    def change(config: Config) -> None:
        place: Any = config
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


def _edges(corpus: Corpus) -> None:
    layer: list[str | int] = ["config", "layers", 1]
    optimizer: list[str | int] = ["compile_config", "optimizer", "config"]
    for name, value in _EDGES.items():
        for where, path in {
            "units": [*layer, "config", "units"],
            "rate": [*optimizer, "learning_rate"],
            "beta": [*optimizer, "beta_1"],
            "weights": ["compile_config", "loss_weights"],
            "batch": ["config", "layers", 0, "config", "batch_shape"],
            "seed": [*layer, "config", "kernel_initializer", "config", "seed"],
        }.items():
            put = [None, value] if where == "batch" else value
            corpus.changed(f"odd_{where}_{name}", "B2", "odd", _put(path, put))
    many = [None] + [10**300] * 60
    corpus.changed("odd_shape_product", "B7", "odd",
                   _put(["config", "layers", 0, "config", "batch_shape"], many))  # fmt: skip
    corpus.changed("odd_build_product", "B7", "odd",
                   _put([*layer, "build_config"], {"input_shape": many}))  # fmt: skip
    schedule = record("keras.optimizers.schedules", "ExponentialDecay", {
        "initial_learning_rate": 2**1024 - 1, "decay_steps": 0, "decay_rate": -1.0})  # fmt: skip
    corpus.changed("odd_schedule", "B2", "odd", _put([*optimizer, "learning_rate"], schedule))
    penalty = record("keras.regularizers", "L2", {"l2": 2**1024 - 1})
    corpus.changed("odd_penalty", "B2", "odd",
                   _put([*layer, "config", "kernel_regularizer"], penalty))  # fmt: skip


def _floods(corpus: Corpus) -> None:
    sound = corpus.members["config.json"]

    def flood(name: str, unit: bytes, count: int, verdict: str = "refused") -> None:
        value = b"[" + b",".join([unit] * count) + b"]"
        text = sound.replace(b'"jit_compile": false', b'"jit_compile": ' + value, 1)
        data = corpus.zip({"config.json": text}, zipfile.ZIP_DEFLATED)
        corpus.model(f"odd_flood_{name}", "A10", verdict, data)

    flood("lists", b"[]", 10_000_000)
    flood("objects", b"{}", 10_000_000)
    flood("ones", b"1", 16_000_000)
    flood("keys", b'{"a":{"b":[]}}', 2_000_000)
    flood("strings", b'""', 10_000_000)
    flood("records", b'{"class_name":"Dense","config":{}}', 900_000)
    flood("codes", b'{"class_name":"__lambda__","config":{}}', 20_000, "odd")
    names = b",".join(b'"k%d":0' % number for number in range(2_000_000))
    keys = sound.replace(b'"jit_compile": false', b'"jit_compile": {' + names + b"}", 1)
    corpus.model("odd_flood_names", "A10", "refused",
                 corpus.zip({"config.json": keys}, zipfile.ZIP_DEFLATED))  # fmt: skip
    long = sound.replace(b'"tiny"', b'"' + b"n" * (20 << 20) + b'"', 1)
    corpus.model("odd_long_name", "G4", "odd",
                 corpus.zip({"config.json": long}, zipfile.ZIP_DEFLATED))  # fmt: skip
    escaped = sound.replace(b'"tiny"', b'"' + b"\\u202e" * (1 << 20) + b'"', 1)
    corpus.model("odd_long_escapes", "G4", "odd",
                 corpus.zip({"config.json": escaped}, zipfile.ZIP_DEFLATED))  # fmt: skip

    def layers(count: int) -> Callable[[Config], None]:
        def change(config: Config) -> None:
            config["config"]["layers"] += [
                {"class_name": "A", "config": {"name": f"a{number}"}} for number in range(count)
            ]

        return change

    corpus.changed("odd_layers_8k", "B7", "odd", layers(8_000))
    corpus.changed("odd_layers_200k", "B7", "refused", layers(200_000))


def _texts(corpus: Corpus) -> None:
    sound = corpus.members["config.json"]
    for name, text, verdict in (
        ("ff", sound + b"\x0c", "refused"),
        ("nbsp", b"\xc2\xa0" + sound, "refused"),
        ("line_separator", sound.replace(b"{", b"{\xe2\x80\xa8", 1), "refused"),
        ("trailing_comma", sound[:-1] + b",}", "refused"),
        ("nan_key", sound[:-1] + b", NaN: 1}", "refused"),
        ("minus_nan", sound.replace(b"0.9,", b"-NaN,", 1), "refused"),
        ("lower_nan", sound.replace(b"0.9,", b"nan,", 1), "refused"),
        ("underscores", sound.replace(b"0.9,", b"1_0,", 1), "refused"),
        ("arabic_digits", sound.replace(b"0.9,", "٣,".encode(), 1), "refused"),
        ("surrogate_pair", sound.replace(b'"tiny"', b'"\\ud83d\\ude00"', 1), "ok"),
        ("surrogates_turned", sound.replace(b'"tiny"', b'"\\ude00\\ud83d"', 1), "refused"),
        ("raw_surrogate", sound.replace(b'"tiny"', b'"\xed\xa0\x80"', 1), "refused"),
        ("noncharacter", sound.replace(b'"tiny"', b'"\xef\xbf\xbe\xef\xbf\xbf"', 1), "ok"),
        ("utf16_be", sound.decode().encode("utf-16-be"), "refused"),
        ("utf7", b"+AHs-", "refused"),
        ("cesu", sound.replace(b'"tiny"', b'"\xed\xa0\xbd\xed\xb8\x80"', 1), "refused"),
        ("five_bytes", sound.replace(b'"tiny"', b'"\xf8\x88\x80\x80\x80"', 1), "refused"),
        ("backslash_x", sound.replace(b'"tiny"', b'"\\x41"', 1), "refused"),
        ("short_escape", sound.replace(b'"tiny"', b'"\\u12"', 1), "refused"),
        ("deep_100", sound.replace(b'"jit_compile": false', b'"jit_compile": ' + b"[" * 98
                                   + b"]" * 98, 1), "odd"),
        ("exponent_flood", sound.replace(b"0.9,", b"1e-" + b"9" * 10**6 + b",", 1), "odd"),
        ("digits_flood", sound.replace(b"0.9,", b"9" * 10**6 + b",", 1), "refused"),
        ("dup_deep", sound.replace(b'"seed": null', b'"seed": null, "seed": 1', 1), "refused"),
        ("dup_root", sound[:-1] + b', "config": {}}', "refused"),
        ("comment_hash", b"# x\n" + sound, "refused"),
        ("json_lines", sound + b"\n" + sound, "refused"),
        ("gzip", __import__("gzip").compress(sound), "refused"),
        ("empty_object", b"{}", "refused"),
        ("proto", sound[:-1] + b', "__proto__": {"a": 1}, "constructor": {}}', "ok"),
    ):  # fmt: skip
        corpus.text(f"odd_json_{name}", "B1", verdict, text)


def _layers(corpus: Corpus) -> None:
    layer: list[str | int] = ["config", "layers", 1]
    wrong: list[Any] = [None, "x", [], {"class_name": [], "config": []}]
    fields: dict[str, list[str | int]] = {
        "registered_root": ["registered_name"],
        "module_root": ["module"],
        "build_root": ["build_config"],
        "name_root": ["config", "name"],
        "trainable_root": ["config", "trainable"],
        "dtype_root": ["config", "dtype"],
        "dtype": [*layer, "config", "dtype"],
        "policy": [*layer, "config", "dtype", "config"],
        "policy_name": [*layer, "config", "dtype", "config", "name"],
        "policy_class": [*layer, "config", "dtype", "class_name"],
        "policy_registered": [*layer, "config", "dtype", "registered_name"],
        "initializer_class": [*layer, "config", "kernel_initializer", "class_name"],
        "initializer_module": [*layer, "config", "kernel_initializer", "module"],
        "initializer_registered": [*layer, "config", "kernel_initializer", "registered_name"],
        "initializer_config": [*layer, "config", "kernel_initializer", "config"],
        "use_bias": [*layer, "config", "use_bias"],
        "trainable": [*layer, "config", "trainable"],
        "activation": [*layer, "config", "activation"],
        "registered": [*layer, "registered_name"],
        "module": [*layer, "module"],
        "build": [*layer, "build_config"],
        "build_shape": [*layer, "build_config", "input_shape"],
        "nodes": [*layer, "inbound_nodes"],
        "input_shape": ["config", "layers", 0, "config", "batch_shape"],
        "input_class": ["config", "layers", 0, "class_name"],
    }
    for name, path in fields.items():
        for number, value in enumerate(wrong):
            corpus.changed(f"odd_type_{name}_{number}", "B5", "odd", _put(path, value))
    for number, value in enumerate(wrong):
        metadata = json.dumps({"keras_version": value, "kover": value, "date_saved": value})
        data = corpus.zip({"metadata.json": metadata.encode()})
        corpus.model(f"odd_type_metadata_{number}", "B5", "odd", data)


def _graphs(corpus: Corpus) -> None:
    wrong: list[Any] = [None, "x", [[[]]], [["dense_a"]], [{"args": 1}], ["input", 0, 10**30],
                        [{"args": [{"class_name": "__keras_tensor__", "config": 1}]}],
                        [["input", -1, -1]]]  # fmt: skip
    for name, path in {
        "nodes": ["config", "layers", 1, "inbound_nodes"],
        "outputs": ["config", "output_layers"],
        "inputs": ["config", "input_layers"],
        "layer_name": ["config", "layers", 1, "name"],
    }.items():
        for number, value in enumerate(wrong):

            def change(config: Config, path: list[Any] = path, value: Any = value) -> None:
                functional(config)
                _put(path, value)(config)

            corpus.changed(f"odd_graph_{name}_{number}", "B6", "odd", change)

    def many_nodes(config: Config) -> None:
        functional(config)
        layer = config["config"]["layers"][1]
        layer["inbound_nodes"] *= 3000

    corpus.changed("odd_graph_many_nodes", "B6", "odd", many_nodes)

    def fan(config: Config) -> None:
        functional(config)
        layers = config["config"]["layers"]
        for number in range(300):
            feeding = [
                {
                    "class_name": "__keras_tensor__",
                    "config": {"keras_history": [each["name"], 0, 0]},
                }
                for each in layers
            ]
            inner = {"name": f"add_{number}"}
            node = {"args": [feeding], "kwargs": {}}
            layers.append({"module": "keras.layers", "class_name": "Add", "config": inner,
                           "registered_name": None, "name": inner["name"],
                           "inbound_nodes": [node]})  # fmt: skip

    corpus.changed("odd_graph_fan", "B6", "odd", fan)

    def chain(config: Config) -> None:
        layer = config["config"]["layers"][1]
        for number in range(90):
            inner = {"name": f"m{number}", "layers": [layer]}
            layer = {"module": "keras", "class_name": "Sequential", "config": inner}
            if number == 12:  # each takes four levels of the hundred that JSON may have
                break
        config["config"]["layers"][1] = layer

    corpus.changed("odd_models_in_models", "B3", "odd", chain)


def _compiled(corpus: Corpus) -> None:
    wrong: list[Any] = [None, True, [[]], {"class_name": {}, "config": []}]
    for name, path in {
        "optimizer": ["compile_config", "optimizer"],
        "optimizer_class": ["compile_config", "optimizer", "class_name"],
        "optimizer_module": ["compile_config", "optimizer", "module"],
        "optimizer_registered": ["compile_config", "optimizer", "registered_name"],
        "rate": ["compile_config", "optimizer", "config", "learning_rate"],
        "name": ["compile_config", "optimizer", "config", "name"],
        "loss": ["compile_config", "loss"],
        "loss_weights": ["compile_config", "loss_weights"],
        "metrics": ["compile_config", "metrics"],
        "weighted": ["compile_config", "weighted_metrics"],
        "steps": ["compile_config", "steps_per_execution"],
        "whole": ["compile_config"],
    }.items():
        for number, value in enumerate(wrong):
            corpus.changed(f"odd_compile_{name}_{number}", "B5", "odd", _put(path, value))
    inner = record("keras.optimizers", "Adam", {"learning_rate": 0.1})
    for name, config in {
        "map_missing": {},
        "map_wrong": {"optimizer_map": 3},
        "map_patterns": {"optimizer_map": {
            "class_name": "OptimizerMap", "config": {"(a+)+$": inner}}},
        "default_wrong": {"default_optimizer": [], "optimizer_map": {"config": []}},
        "scaled_self": {"inner_optimizer": record("keras.optimizers", "LossScaleOptimizer", {
            "inner_optimizer": inner})},
    }.items():  # fmt: skip
        for name_of in ("MultiOptimizer", "LossScaleOptimizer"):
            value = record("keras.optimizers", name_of, config)
            corpus.changed(f"odd_{name_of.lower()}_{name}", "B5", "odd",
                           _put(["compile_config", "optimizer"], value))  # fmt: skip


def _registered(corpus: Corpus) -> None:
    layer: list[str | int] = ["config", "layers", 1]
    for number, name in enumerate(("Custom>Lambda", "keras>Lambda", ">Lambda", "Lambda>", "a>b>c",
                                   "\x1b>x", "builtins>exec", "__main__>X", "../x>y")):  # fmt: skip
        corpus.changed(f"odd_registered_{number}", "C5", "odd",
                       _put([*layer, "registered_name"], name))  # fmt: skip


def _disguised(corpus: Corpus) -> None:
    code = lambda_record()

    def field(name: str, value: Any, verdict: str = "code", key: str = "activation") -> None:
        corpus.changed(f"odd_code_{name}", "C2", verdict,
                       _put(["config", "layers", 1, "config", key], value))  # fmt: skip

    def layer(name: str, value: Config, verdict: str = "code") -> None:
        value["config"] = {"name": "strange", **value["config"]}
        corpus.changed(f"odd_code_{name}", "C2", verdict,
                       lambda c: c["config"]["layers"].insert(1, value))  # fmt: skip

    for name, module in {
        "src": "keras.src.layers.core.lambda_layer",
        "api": "keras.api.layers",
        "api_v2": "keras._tf_keras.keras.layers",
        "tf": "tensorflow.keras.layers",
        "tf_python": "tensorflow.python.keras.layers.core",
        "tf_keras": "tf_keras.layers",
        "tf_keras_src": "tf_keras.src.layers.core.lambda_layer",
        "space": "keras.layers ",
        "upper": "Keras.Layers",
        "dots": "keras..layers",
        "empty": "",
        "engine": "keras.engine",
    }.items():
        apart = ("space", "upper", "empty", "tf_keras", "tf_keras_src")
        verdict = "odd" if name in apart else "code"
        layer(f"lambda_{name}", record(module, "Lambda", {"function": code}), verdict)
    layer("lambda_number", record("keras.layers", "Lambda", {"function": 1}))
    layer("lambda_builtin", record("keras.layers", "Lambda", {"function": function(
        "builtins", "exec")}))  # fmt: skip
    layer("lambda_output_shape", record("keras.layers", "Lambda", {
        "function": "relu", "output_shape": code, "mask": code}))  # fmt: skip
    layer("lambda_inside_list", record("keras.layers", "StackedRNNCells", {"cells": [
        record("keras.layers", "Lambda", {"name": "l", "function": code})]}))  # fmt: skip
    for name in ("JaxLayer", "FlaxLayer"):
        layer(name, record("keras.layers", name, {"call_fn": code, "model": code}))
    layer("torch_bytes", record("keras.src.utils.torch_utils", "TorchModuleWrapper", {
        "module": {"class_name": "__bytes__", "config": {"value": "gAR9"}}}))  # fmt: skip
    layer("tfsm_inside", record("keras.layers", "TimeDistributed", {"layer": record(
        "keras.layers", "TFSMLayer", {"name": "t", "filepath": "../saved"})}))  # fmt: skip
    layer("hashing", record("keras.layers", "Hashing", {"num_bins": 10**30, "salt": "x"}), "odd")
    for name, config in {
        "vocabulary_record": {
            "vocabulary": {
                "class_name": "__tensor__",
                "config": {"value": "/etc/passwd", "dtype": "string"},
            }
        },
        "standardize": {"standardize": function("os", "system"), "vocabulary": ["a"]},
        "standardize_lambda": {"standardize": code},
        "split": {"split": function("builtins", "eval")},
        "standardize_text": {"standardize": "os.system", "split": "import os"},
    }.items():
        layer(f"text_{name}", record("keras.layers", "TextVectorization", config),
              "odd" if name in ("standardize_text", "vocabulary_record") else "code")  # fmt: skip
    for name, value in {
        "typespec": {"class_name": "__typespec__", "module": "os", "spec_name": "system",
                     "shape": [1], "dtype": "x", "config": {}},
        "numpy": {"class_name": "__numpy__", "config": {"value": [1], "dtype": "object"}},
        "tensor": {"class_name": "__tensor__", "config": {"value": {"a": 1}, "dtype": "os.system"}},
        "bytes": {"class_name": "__bytes__", "config": {"value": "AA=="}},
        "slice": {"class_name": "__slice__", "config": {"start": {}, "stop": [], "step": "x"}},
        "tuple": {"class_name": "__tuple__", "config": "x"},
        "ellipsis": {"class_name": "__ellipsis__", "config": {}},
        "keras_tensor": {"class_name": "__keras_tensor__", "config": {"keras_history": {}}},
        "odd_dunder": {"class_name": "__lambda", "config": {}},
    }.items():  # fmt: skip
        field(f"value_{name}", value, "odd")
    for name, module, what in (
        ("eval_activation", "keras.src.activations", "eval"),
        ("dunder_import", "builtins", "__import__"),
        ("getattr", "builtins", "getattr"),
        ("open", "io", "open"),
        ("pickle", "pickle", "loads"),
        ("ctypes", "ctypes", "CDLL"),
        ("code", "code", "interact"),
        ("socket", "socket", "create_connection"),
        ("urllib", "urllib.request", "urlretrieve"),
        ("runpy", "runpy", "run_path"),
        ("zipimport", "zipimport", "zipimporter"),
        ("keras_remat", "keras.src.saving.serialization_lib", "deserialize_keras_object"),
        ("keras_register", "keras.saving", "register_keras_serializable"),
        ("keras_custom", "keras.saving", "get_registered_object"),
        ("keras_unpack", "keras.src.saving.saving_lib", "load_model"),
        ("keras_extract", "keras.src.utils.file_utils", "extract_archive"),
        ("keras_exec", "keras.src.utils.python_utils", "func_load"),
        ("keras_dunder", "keras.src.activations.activations", "__import__"),
        ("keras_get", "keras.layers", "deserialize"),
        ("keras_callback", "keras.callbacks", "LambdaCallback"),
        ("keras_hub", "keras_hub.models", "Backbone.from_preset"),
    ):
        # Keras' module of activations has no `eval`, and looks nowhere else.
        verdict = "odd" if name == "eval_activation" else "code"
        field(f"function_{name}", function(module, what), verdict)
        name_of = f"class_{name}"
        field(name_of, record(module, what, {"x": 1}), "odd", "kernel_initializer")
    safe = ["safe_mode", "custom_objects", "__builtins__", "compile", "fn"]
    for key in safe:
        corpus.changed(f"odd_switch_{key}", "C6", "odd", _put([key], False))
        corpus.changed(f"odd_switch_inner_{key}", "C6", "odd", _put(["config", key], {"a": code}))
    field("initializer_path", record("keras.initializers", "Constant", {"value": "/etc/passwd"}),
          "odd", "kernel_initializer")  # fmt: skip
    field("quantization", record("keras.dtype_policies", "QuantizedDTypePolicy", {
        "mode": "int8", "source_name": "../x"}), "odd", "dtype")  # fmt: skip
    root = record("keras.src.models.functional", "Lambda", {"name": "m", "function": code})
    corpus.changed("odd_code_root", "C1", "odd", lambda c: c.update(root))
