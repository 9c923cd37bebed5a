"""Configs that carry or name code: rows C1 to C5. The code would only make a `CANARY_*` file."""

from __future__ import annotations

import base64
import marshal
from typing import Any

from corpus.base import Corpus

Config = dict[str, Any]
_CANARY = "lambda x: (__import__('pathlib').Path(__import__('os').environ['KOVER_CANARY'], 'CANARY_code').touch(), x)[1]"  # noqa: E501


def lambda_record() -> Config:
    """A function as Keras serialises it, which makes a file when it is called."""
    code = eval(_CANARY, {}).__code__
    text = base64.b64encode(marshal.dumps(code)).decode()
    return {"class_name": "__lambda__",
            "config": {"code": text, "defaults": None, "closure": None}}  # fmt: skip


def record(module: str | None, name: str, config: Any = None, registered: Any = None) -> Config:
    """A serialised object."""
    return {"module": module, "class_name": name, "config": {} if config is None else config,
            "registered_name": registered}  # fmt: skip


def function(module: str, name: str) -> Config:
    """A serialised function."""
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def add_code(corpus: Corpus) -> None:
    """All of them."""

    def layer(name: str, row: str, value: Config, verdict: str = "code") -> None:
        value["config"] = {"name": "strange", **value["config"]}
        corpus.changed(
            f"code_{name}", row, verdict, lambda c: c["config"]["layers"].insert(1, value)
        )

    def field(name: str, row: str, key: str, value: Any, verdict: str = "code") -> None:
        corpus.changed(
            f"code_{name}",
            row,
            verdict,
            lambda c: c["config"]["layers"][1]["config"].__setitem__(key, value),
        )

    def compiled(name: str, row: str, key: str, value: Any, verdict: str = "code") -> None:
        corpus.changed(
            f"code_{name}", row, verdict, lambda c: c["compile_config"].__setitem__(key, value)
        )

    _lambdas(layer, field, compiled)
    _modules(corpus, layer, field, compiled)
    _gadgets(layer, field, compiled)
    _outside(layer, field)
    _registered(layer, field, compiled)


def _lambdas(layer: Any, field: Any, compiled: Any) -> None:
    code = lambda_record()
    layer("lambda", "C1", record("keras.layers", "Lambda", {"function": code}))
    layer("lambda_no_module", "C1", record(None, "Lambda", {"function": code}))
    layer("lambda_old_path", "C1",
          record("keras.src.layers.core.lambda_layer", "Lambda", {"function": code}))  # fmt: skip
    raw = code["config"]["code"]
    layer("lambda_list", "C1", record("keras.layers", "Lambda", {"function": [raw, None, None]}))
    inner = record("keras.layers", "Lambda", {"name": "l", "function": code})
    layer("lambda_wrapped", "C1", record("keras.layers", "TimeDistributed", {"layer": inner}))
    model = record("keras", "Sequential", {"name": "inner", "layers": [inner]})
    layer("lambda_nested", "C1", model)
    field("lambda_activation", "C1", "activation", code)
    field("lambda_layer_activation", "C1", "activation", inner)
    field("lambda_initializer", "C1", "kernel_initializer", code)
    field("lambda_regularizer", "C1", "kernel_regularizer", code)
    field("lambda_deep", "C1", "custom", {"a": [{"b": {"c": [code]}}]})
    compiled("lambda_loss", "C1", "loss", code)
    compiled("lambda_metric", "C1", "metrics", [code])
    compiled("lambda_loss_mapping", "C1", "loss", {"dense_b": code})
    rate = record("keras.optimizers", "Adam", {"learning_rate": code})
    compiled("lambda_rate", "C1", "optimizer", rate)


def _modules(corpus: Corpus, layer: Any, field: Any, compiled: Any) -> None:
    canary = record("canary_module", "Thing", {})
    layer("module_layer", "C2", canary)
    field("module_initializer", "C2", "kernel_initializer", canary)
    compiled("module_loss", "C2", "loss", function("canary_module", "fire"))
    compiled("module_optimizer", "C2", "optimizer", canary)
    for name, module, what in (
        ("os_system", "os", "system"),
        ("builtins_eval", "builtins", "eval"),
        ("builtins_exec", "builtins", "exec"),
        ("subprocess", "subprocess", "run"),
        ("importlib", "importlib", "import_module"),
        ("posix", "posix", "system"),
        ("shutil", "shutil", "rmtree"),
    ):
        compiled(name, "C2", "loss", function(module, what))
        field(f"{name}_activation", "C2", "activation", function(module, what))
    field("keras_private", "C2", "activation", function("keras.src.utils.io_utils", "input"))
    field("keras_dotted", "C2", "activation", function("keras.activations", "keras.utils.get_file"))
    field("keras_src_os", "C2", "activation", function("keras.src.saving.saving_lib.os", "system"))
    field("keras_dunder", "C2", "activation", function("keras.activations", "__builtins__"))
    field("typespec", "C2", "custom", {
        "class_name": "__typespec__", "spec_name": "os.system", "module": "os",
        "shape": None, "dtype": None, "config": {}}, "odd")  # fmt: skip
    field("dunder", "C2", "custom", {"class_name": "__import__", "config": "os"})

    def root(config: Config) -> None:
        config.update(module="canary_module", class_name="Thing", registered_name="Thing")

    corpus.changed("code_root", "C2", "odd", root)


def _gadgets(layer: Any, field: Any, compiled: Any) -> None:
    for name, module, what in (
        ("get_file", "keras.utils", "get_file"),
        ("get_file_top", "keras.src.utils.file_utils", "get_file"),
        ("public_set_floatx", "keras.config", "set_floatx"),
        ("public_backend", "keras.config", "set_backend"),
        ("public_seed", "keras.utils", "set_random_seed"),
        ("public_gallery", "keras.visualization", "plot_image_gallery"),
        ("enable_unsafe", "keras.config", "enable_unsafe_deserialization"),
        ("public_load", "keras.models", "load_model"),
        ("public_load_saving", "keras.saving", "load_model"),
        ("public_clear", "keras.utils", "clear_session"),
        ("public_plot", "keras.utils", "plot_model"),
        ("public_save_img", "keras.utils", "save_img"),
        ("public_preprocess", "keras.preprocessing", "image_dataset_from_directory"),
        ("public_tree", "keras.tree", "map_structure"),
        ("public_applications", "keras.applications", "ResNet50"),
        ("public_datasets", "keras.datasets.mnist", "load_data"),
    ):
        field(name, "C3", "activation", function(module, what))
    compiled("get_file_loss", "C3", "loss", function("keras.utils", "get_file"))
    gadget = {"function": function("keras.utils", "get_file")}
    layer("get_file_lambda", "C3", record("keras.layers", "Lambda", gadget))
    unsafe = function("keras.config", "enable_unsafe_deserialization")
    layer("enable_unsafe_first", "C3", record("keras.layers", "Activation", {"activation": unsafe}))
    field("callback", "C3", "custom", record("keras.callbacks", "CSVLogger", {"filename": "x"}))
    field("export", "C3", "custom", record("keras.export", "ExportArchive", {}))


def _outside(layer: Any, field: Any) -> None:
    layer("tfsm", "C4", record("keras.layers", "TFSMLayer", {"filepath": "/tmp/saved"}))
    layer("torch", "C4", record("keras.layers", "TorchModuleWrapper", {"module": {
        "class_name": "__bytes__", "config": "gAR9"}}))  # fmt: skip
    for name, value in {
        "path": "/etc/passwd",
        "url": "http://169.254.169.254/latest",
        "gs": "gs://bucket/words",
        "relative": "../../words.txt",
        "tilde": "~/.netrc",
    }.items():
        layer(f"vocab_{name}", "C4", record("keras.layers", "StringLookup", {"vocabulary": value}))
    words = {"vocabulary": ["a"], "idf_weights": "/etc/passwd"}
    layer("vocab_idf", "C4", record("keras.layers", "TextVectorization", words))
    layer(
        "vocab_integers", "C4", record("keras.layers", "IntegerLookup", {"vocabulary": "/dev/zero"})
    )
    sound = record("keras.layers", "StringLookup", {"vocabulary": ["a", "b"], "max_tokens": None})
    layer("ok_vocab", "C4", sound, "ok")


def _registered(layer: Any, field: Any, compiled: Any) -> None:
    dense = {"units": 3, "name": "strange"}
    layer("registered_dense", "C5", record("keras.layers", "Dense", dense, "evil>Dense"), "odd")
    layer("registered_lambda", "C5",
          record("keras.layers", "Dense", dense, "keras>Lambda"), "odd")  # fmt: skip
    layer("registered_foreign", "C5", record("builtins", "Dense", dense, "keras>Dense"), "odd")
    lambda_dressed = record("my_package", "Lambda", {"function": lambda_record()}, "my>Lambda")
    layer("registered_lambda_custom", "C5", lambda_dressed)
    field("registered_activation", "C5", "activation", {
        **function("builtins", "print"), "registered_name": "relu"}, "odd")  # fmt: skip
    field("custom_unknown", "C5", "kernel_regularizer",
          record(None, "Clip", {"limit": 3}, "my_pkg>Clip"), "odd")  # fmt: skip
    compiled("registered_optimizer", "C5", "optimizer",
             record("keras.optimizers", "Adam", {}, "evil>Adam"), "odd")  # fmt: skip
