"""Specs beyond what people write: YAML that readers disagree on, floods, numbers at the edges.

Rows F1 to F11.
"""

from __future__ import annotations

from corpus.base import SPEC, Corpus

_HEAD = "version: 1\noverrides:\n"


def add_odd_specs(corpus: Corpus) -> None:
    """All of them."""
    _one_line(corpus)
    for part in (_bytes, _yaml, _bombs, _edges, _compiled, _reach, _parameters, _records):
        part(corpus)


def _set(text: str, layers: str = "dense_a") -> str:
    return f"{_HEAD}  - layers: {layers}\n    set: {text}\n"


def _bytes(corpus: Corpus) -> None:
    sound = SPEC.encode()
    for name, data, verdict in (
        ("utf16_be", SPEC.encode("utf-16-be"), "odd"),
        ("utf16_le_mark", b"\xff\xfe" + SPEC.encode("utf-16-le"), "odd"),
        ("utf7", b"+AHs-", "no"),
        ("two_marks", b"\xef\xbb\xbf\xef\xbb\xbf" + sound, "odd"),
        ("mark_inside", sound + "\ufeff# x\n".encode(), "odd"),
        ("nel", SPEC.replace("\n", "\x85").encode(), "odd"),
        ("ls", SPEC.replace("\n", "\u2028").encode(), "odd"),
        ("form_feed", sound + b"\x0c\n", "odd"),
        ("bell", sound + b"# \x07\n", "odd"),
        ("del", sound + b"# \x7f\n", "odd"),
        ("c1", sound + "# \x9b31m\n".encode(), "odd"),
        ("overlong", sound + b"# \xc0\xaf\n", "odd"),
        ("surrogate_bytes", sound + b"description: \xed\xa0\x80\n", "odd"),
        ("nulls", bytes(1000), "odd"),
        ("gzip", b"\x1f\x8b\x08\x00" + bytes(40), "odd"),
        ("tab_value", b"version:\t1\noverrides:\t[]\n", "odd"),
        ("no_newline", sound.rstrip(b"\n"), "ok"),
        ("mixed_ends", sound.replace(b"\n", b"\r\n", 1).replace(b"\n", b"\r", 1), "odd"),
        ("line_1mb", sound + b"# " + b"x" * (1 << 20) + b"\n", "odd"),
        ("line_value_1mb", b"version: 1\ndescription: '" + b"x" * (1 << 20) + b"'\n", "odd"),
        ("lines_500k", sound + b"\n" * 500_000, "odd"),
        ("spaces_1mb", b" " * (1 << 20) + b"x", "odd"),
    ):
        corpus.spec(f"odd_{name}", "F1", verdict, data)


def _yaml(corpus: Corpus) -> None:
    for name, text, verdict in (
        ("end_marker", SPEC + "...\n", "odd"),
        ("after_end", SPEC + "...\nversion: 2\n", "no"),
        ("empty_documents", "---\n---\n", "no"),
        ("tag_directive", "%TAG ! tag:python.org,2002:\n---\n" + SPEC, "odd"),
        ("tag_handle", "%TAG !p! tag:yaml.org,2002:python/\n---\n"
                       + _set("!p!name:os.system ''"), "no"),
        ("tag_verbatim", _set("!<!> {units: 3}"), "odd"),
        ("tag_on_root", "!!map\n" + SPEC, "odd"),
        ("tag_str_number", _set("{units: !!str 3}"), "no"),
        ("tag_python_dict", "!!python/dict\n" + SPEC, "no"),
        ("tag_yaml_super", "!!python/object/apply:builtins.exec [\"open('CANARY_spec','w')\"]\n",
         "no"),
        ("anchor_on_key", "version: 1\n&a overrides: []\n", "no"),
        ("alias_as_key", "version: 1\nx: &a overrides\n*a : []\n", "no"),
        ("alias_cycle", "version: 1\nparameters: &a {x: *a}\n" + SPEC[11:], "no"),
        ("alias_cycle_list", "version: 1\nparameters: {x: &a [*a]}\n" + SPEC[11:], "no"),
        ("merge_cycle", "version: 1\nparameters: &a {<<: *a}\n" + SPEC[11:], "no"),
        ("merge_list_scalar", "version: 1\nparameters: {<<: [1, 2]}\n" + SPEC[11:], "no"),
        ("merge_null", "version: 1\nparameters: {<<: null}\n" + SPEC[11:], "no"),
        ("value_key", "version: 1\n=: 3\n", "no"),
        ("complex_key", "version: 1\n? {a: 1, b: [c]}\n: 2\n", "no"),
        ("long_anchor", _set("&" + "a" * 20_000 + " {units: 3}"), "odd"),
        ("block_scalar", _set("\n      activation: |\n        tanh"), "odd"),
        ("folded", _set("\n      activation: >-\n        tanh"), "ok"),
        ("indent_indicator", "version: 1\ndescription: |9\n         x\n", "no"),
        ("dup_merge", _set("{<<: {activation: relu}, activation: tanh}"), "odd"),
        ("dup_after_alias", "version: 1\nversion : 1\n", "no"),
        ("key_true", "version: 1\ntrue: 2\n", "no"),
        ("key_float", "version: 1\n1.0: 2\n", "no"),
        ("key_date", "version: 1\n2024-01-01: 2\n", "no"),
        ("escape_8", 'version: 1\ndescription: "\\UFFFFFFFF"\n', "odd"),
        ("escape_surrogate", 'version: 1\ndescription: "\\ud83d\\ude00"\n' + SPEC[11:], "odd"),
        ("escape_bad", 'version: 1\ndescription: "\\q"\n', "no"),
        ("plain_markup", _set("{activation: '[bold]'}"), "no"),
        ("percent", "version: 1\n%YAML 1.2\n", "no"),
        ("reserved", "version: 1\ndescription: @x\n", "no"),
        ("backtick", "version: 1\ndescription: `x`\n", "no"),
    ):  # fmt: skip
        corpus.spec(f"odd_{name}", "F3", verdict, text)


def _bombs(corpus: Corpus) -> None:
    for name, text in {
        "flow_maps": "version: 1\nmodel: " + "{? " * 4000,
        "keys_in_keys": "version: 1\n" + "? " * 4000 + "a\n",
        "tags_deep": "version: 1\nx: " + "!!seq [" * 2000,
        "quotes": "version: 1\nx: " + "'" * 400_001,
        "anchors_deep": "version: 1\nx: " + "".join(f"&a{n} [" for n in range(2000)),
        "colons": "version: 1\n" + "a: " * 5000 + "\n",
        "commas": "version: 1\nx: [" + "," * 100_000,
        "hash": "version: 1\n" + "#\n" * 200_000,
        "percents": "%X\n" * 100_000 + SPEC,
        "documents": "---\n" * 100_000,
        "ends": "...\n" * 100_000,
        "overrides_20k": _HEAD + "  - {layers: dense_a, set: {activation: tanh}}\n" * 20_000,
        "layers_20k": _set("{activation: tanh}", "[" + "dense_a, " * 20_000 + "dense_a]"),
        "any_deep": _set("{activation: tanh}", "{any: [" * 500 + "dense_a" + "]}" * 500),
        "attributes_20k": _set("{" + ", ".join(f"a{n}: 1" for n in range(20_000)) + "}"),
        "dotted": _set("{" + "a." * 20_000 + "b: 1}"),
        "merge_wide": "version: 1\nparameters:\n  a: &a {"
        + ", ".join(f"k{n}: 1" for n in range(2000))
        + "}\n"
        + "".join(f"  b{n}: {{<<: *a}}\n" for n in range(2000)),
        "interpolation": "version: 1\nparameters: {a: " + "x" * 5000 + "}\n"
        + _set("{activation: '" + "${a}" * 5000 + "'}")[11:],
    }.items():  # fmt: skip
        corpus.spec(f"odd_bomb_{name}", "F4", "odd", text)


def _one_line(corpus: Corpus) -> None:
    """As many problems as there are values, all of them on one long line."""
    for name, key in (("ascii", "k"), ("wide", "\u754c"), ("combining", "k\u0301")):
        flood = _set("{" + ", ".join(f"{key}{n}: 1" for n in range(4000)) + "}")
        corpus.spec(f"one_line_{name}", "F4", "no", flood)


def _edges(corpus: Corpus) -> None:
    numbers = {
        "float_edge": str(2**1024 - 1),
        "past_edge": str(2**1025),
        "digits_400": "9" * 400,
        "digits_4400": "9" * 4400,
        "hex": "0x" + "f" * 300,
        "hex_flood": "0x" + "f" * 50_000,
        "octal": "0o777",
        "binary": "0b11",
        "subnormal": "5e-324",
        "minus_zero": "-0.0",
        "exponent": "1e-99999999",
        "huge_exponent": "1e99999999999",
        "plus_inf": "+.inf",
        "sexagesimal": "190:20:30",
        "date": "2024-01-01T00:00:00Z",
        "int64": str(2**63),
        "dots": "1.2.3",
        "arabic": "٣",
        "fullwidth": "\uff11",
    }
    for name, text in numbers.items():
        for where, spec in {
            "units": _set(f"{{units: {text}}}"),
            "rate": f"version: 1\ncompile:\n  optimizer: {{learning_rate: {text}}}\n",
            "factor": _HEAD + f"  - layers: dense_a\n    learning_rate: {{multiply: {text}}}\n",
            "expect": SPEC + f"    expect: {text}\n",
            "index": _set("{activation: tanh}", f"{{index: {text}}}"),
        }.items():
            corpus.spec(f"odd_{where}_{name}", "F6", "odd", spec)


def _compiled(corpus: Corpus) -> None:
    for name, text in {
        "loss_map_odd": "loss: {nobody: mse}",
        "loss_list": "loss: [mse, mse, mse]",
        "loss_deep": "loss: " + "[" * 30 + "mse" + "]" * 30,
        "metrics_map": "metrics: {a: {b: {c: accuracy}}}",
        "weights_text": "loss_weights: {dense_b: x}",
        "steps": "steps_per_execution: 99999999999999999999",
        "optimizer_state": "optimizer_state: [keep]",
        "unknown": "nobody: 1",
        "schedule_self": "optimizer: {learning_rate: {class: CosineDecay, "
        "initial_learning_rate: {class: CosineDecay}}}",
        "decay": "layer_decay: {rate: 1.0e+300, groups: ['*', '*']}",
        "decay_zero": "layer_decay: {rate: 0, groups: ['*']}",
        "inner": "optimizer: {class: LossScaleOptimizer, inner_optimizer: os.system}",
        "multi": "optimizer: {class: MultiOptimizer, optimizer_map: {a: b}}",
        "keras_form": "optimizer: {class_name: Adam, config: {learning_rate: 1}, module: os}",
    }.items():
        corpus.spec(f"odd_compile_{name}", "F6", "odd", f"version: 1\ncompile:\n  {text}\n")


def _reach(corpus: Corpus) -> None:
    for name, text in {
        "path_proc": "model: {path: /proc/self/environ}\n",
        "path_fifo": "model: {path: fifo}\n",
        "path_folder": "model: {path: .}\n",
        "path_up": "model: {path: ../../../../../../etc/passwd}\n",
        "path_nul": 'model: {path: "a\\0b"}\n',
        "path_stdin": "model: {path: /dev/stdin}\n",
        "path_url": "model: {path: 'http://169.254.169.254/'}\n",
        "path_long": f"model: {{path: {'a/' * 3000}}}\n",
        "path_escape": 'model: {path: "\\e[2J"}\n',
        "path_home": "model: {path: ~/.ssh/id_rsa}\n",
        "name_number": "model: {name: 3}\n",
        "version": "model: {keras_version: '>=3,(a'}\n",
        "version_flood": f"model: {{keras_version: '{'>=3,' * 20_000}>=3'}}\n",
        "version_digits": f"model: {{keras_version: '>={'9' * 5000}'}}\n",
        "version_digits_odd": f"model: {{keras_version: '>=3, >= {'9' * 5000}rc1'}}\n",
        "sha": "model: {sha256: xyz}\n",
        "schema_file": "$schema: /etc/passwd\n",
        "schema_fifo": "$schema: fifo\n",
    }.items():
        corpus.spec(f"odd_{name}", "F9", "odd", text + SPEC)


def _parameters(corpus: Corpus) -> None:
    for name, text in {
        "self": "parameters: {a: '${a}'}",
        "each_other": "parameters: {a: '${b}', b: '${a}'}",
        "doubling": "parameters: {"
        + ", ".join(f"a{n}: '${{a{n + 1}}}${{a{n + 1}}}'" for n in range(40))
        + ", a40: xx}",
        "format": "parameters: {a: '{0.__class__.__mro__}'}",
        "key_number": "parameters: {1: 2}",
        "key_odd": "parameters: {'a b': 1, '': 2, '${x}': 3}",
        "list": "parameters: [a, b]",
        "deep": "parameters: {a: " + "[" * 60 + "]" * 60 + "}",
    }.items():
        corpus.spec(f"odd_parameter_{name}", "F7", "odd",
                    f"version: 1\n{text}\n" + SPEC[11:].replace("tanh", "'${a}'"))  # fmt: skip


def _records(corpus: Corpus) -> None:
    for name, text in {
        "registered_map": "{class_name: Zeros, config: {}, registered_name: {}}",
        "registered_list": "{class_name: Zeros, config: {}, registered_name: [a]}",
        "module_map": "{class_name: Zeros, config: {}, module: {}}",
        "config_list": "{class_name: Zeros, config: [1]}",
        "class_map": "{class_name: {}, config: {}}",
        "class_list": "{class: [Zeros]}",
        "both": "{class: Zeros, class_name: Ones, config: {}}",
        "function": "{class_name: function, config: {a: b}}",
    }.items():
        spec = _set(f"{{kernel_initializer: {text}}}")
        corpus.spec(f"odd_record_{name}", "F8", "odd", spec)
        spec = f"version: 1\ncompile:\n  optimizer: {text}\n  loss: {text}\n  metrics: [{text}]\n"
        corpus.spec(f"odd_record_compiled_{name}", "F8", "odd", spec)
