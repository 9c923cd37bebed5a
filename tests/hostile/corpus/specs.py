"""Specs that are no YAML, ask for too much, carry code, or do not fit: rows F1 to F11."""

from __future__ import annotations

from corpus.base import SPEC, Corpus

_HEAD = "version: 1\noverrides:\n"


def add_specs(corpus: Corpus) -> None:
    """All of them."""
    for part in (_files, _tags, _keys, _bombs, _numbers, _values, _schema, _reach, _selectors):
        part(corpus)
    corpus.spec("ok_base", "F7", "ok", SPEC)
    corpus.spec("ok_anchor", "F3", "odd",
                "version: 1\noverrides:\n  - layers: dense_a\n    set: &s {activation: tanh}\n"
                "  - layers: dense_b\n    set: *s\n")  # fmt: skip


def _set(text: str, layers: str = "dense_a") -> str:
    return f"{_HEAD}  - layers: {layers}\n    set: {text}\n"


def _files(corpus: Corpus) -> None:
    for name, data, verdict in (
        ("empty", b"", "no"),
        ("comment", b"# nothing\n", "no"),
        ("null", b"null\n", "no"),
        ("list", b"- 1\n- 2\n", "no"),
        ("scalar", b"hello\n", "no"),
        ("number", b"42\n", "no"),
        ("multi_document", SPEC.encode() + b"---\n" + SPEC.encode(), "no"),
        ("tabs", b"version: 1\noverrides:\n\t- layers: x\n", "no"),
        ("nul", SPEC.encode() + b"# \0\n", "odd"),
        ("escape", SPEC.encode() + b"# \x1b[31m\n", "odd"),
        ("bad_utf8", b"version: 1\ndescription: \xff\xfe\n", "odd"),
        ("utf16", SPEC.encode("utf-16"), "odd"),
        ("utf32", SPEC.encode("utf-32"), "odd"),
        ("bom", b"\xef\xbb\xbf" + SPEC.encode(), "odd"),
        ("crlf", SPEC.replace("\n", "\r\n").encode(), "ok"),
        ("cr", SPEC.replace("\n", "\r").encode(), "odd"),
        ("model", corpus.base, "odd"),
        ("json", b'{"version": 1, "overrides": [{"layers": "dense_a", "set": '
         b'{"activation": "tanh"}}]}', "ok"),
        ("binary", bytes(range(256)) * 8, "odd"),
        ("directive", b"%YAML 1.1\n---\n" + SPEC.encode(), "odd"),
        ("directive_9", b"%YAML 9.9\n---\n" + SPEC.encode(), "odd"),
        ("unclosed", b"version: [1, 2\n", "no"),
        ("surrogate", b'version: 1\ndescription: "\\ud800"\n', "odd"),
        ("newline_escape", b'version: 1\ndescription: "a\\x1b[2Jb\\u202e"\nx: 1\n', "no"),
    ):  # fmt: skip
        corpus.spec(name, "F1", verdict, data)


def _tags(corpus: Corpus) -> None:
    for name, value in {
        "py_apply": "!!python/object/apply:os.system ['touch CANARY_yaml']",
        "py_new": "!!python/object/new:os.system ['touch CANARY_yaml']",
        "py_name": "!!python/name:os.system",
        "py_module": "!!python/module:canary_module",
        "py_tuple": "!!python/tuple [1]",
        "tag_unknown": "!mine 1",
        "tag_binary": "!!binary R0lGODlh",
        "tag_set": "!!set {a, b}",
        "tag_omap": "!!omap [a: 1]",
        "tag_timestamp": "!!timestamp 2024-13-45",
        "tag_int": "!!int x",
        "tag_int_empty": '!!int ""',
        "tag_bool": "!!bool maybe",
        "tag_float": "!!float x",
        "tag_null": "!!null x",
        "tag_include": "!include /etc/passwd",
        "tag_url": "!<tag:yaml.org,2002:python/object/apply:os.system> [x]",
    }.items():
        corpus.spec(name, "F2", "no", _set(f"{{units: {value}}}"))


def _keys(corpus: Corpus) -> None:
    for name, text, verdict in (
        ("dup_top", SPEC + "version: 1\n", "no"),
        ("dup_inner", _set("{units: 3, units: 4}"), "no"),
        ("dup_quoted", _set('{units: 3, "units": 4}'), "no"),
        ("merge", "version: 1\nx: &a {b: 1}\noverrides:\n  - <<: *a\n", "no"),
        ("merge_scalar", _HEAD + "  - <<: 3\n    layers: dense_a\n", "no"),
        ("merge_dup", _set("{<<: {units: 3}, <<: {units: 4}}"), "no"),
        ("cyclic", "version: 1\noverrides: &a\n  - *a\n", "no"),
        ("cyclic_map", "version: 1\nmodel: &a {name: *a}\n", "no"),
        ("anchor_undefined", _set("*nobody"), "no"),
        ("anchor_twice", "version: 1\noverrides:\n  - layers: &a dense_a\n    set: {name: &a b}\n",
         "odd"),
        ("key_number", "version: 1\n1: 2\n", "no"),
        ("key_list", "version: 1\n? [a, b]\n: 2\n", "no"),
        ("key_map", "version: 1\n? {a: b}\n: 2\n", "no"),
        ("key_null", "version: 1\n~: 2\n", "no"),
        ("key_nan", "version: 1\n.nan: 2\n", "no"),
        ("key_dunder", _set("{__class__: 1}"), "no"),
        ("key_empty", _set('{"": 1}'), "no"),
        ("key_dots", _set('{"...": 1}'), "no"),
        ("key_long", _set("{? " + "k" * 5000 + " : 1}"), "no"),
        ("key_escape", 'version: 1\n"\\e[31m": 2\n', "no"),
    ):  # fmt: skip
        corpus.spec(name, "F3", verdict, text)


def _bombs(corpus: Corpus) -> None:
    lines = ["version: 1", "parameters:", "  a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    corpus.spec("alias_bomb", "F4", "no", "\n".join(lines) + "\n")
    lines = ["version: 1", "parameters:", "  b0: &b0 {k: v}"]
    lines += [f"  b{n}: &b{n} {{x: *b{n - 1}, y: *b{n - 1}}}" for n in range(1, 40)]
    corpus.spec("alias_bomb_maps", "F4", "no", "\n".join(lines) + "\n")
    lines = ["version: 1", "parameters:", "  m0: &m0 {k0: v}"]
    lines += [f"  m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 10)}], k{n}: v}}"
              for n in range(1, 30)]  # fmt: skip
    corpus.spec("merge_bomb", "F4", "no", "\n".join(lines) + "\n")
    for name, text in {
        "deep_lists": "version: 1\noverrides: " + "[" * 50_000,
        "deep_closed": "version: 1\noverrides: " + "[" * 3000 + "]" * 3000,
        "deep_maps": "version: 1\nmodel: " + "{a: " * 3000 + "1" + "}" * 3000,
        "deep_blocks": "version: 1\n" + "".join(" " * n + "a:\n" for n in range(1500)),
        "deep_dashes": "version: 1\noverrides:\n  " + "- " * 5000 + "x\n",
        "keys_50k": "version: 1\n" + "".join(f"k{n}: 1\n" for n in range(50_000)),
        "anchors_20k": "version: 1\nparameters:\n"
        + "".join(f"  k{n}: &a{n} 1\n" for n in range(20_000)),
        "scalar_10mb": "version: 1\ndescription: " + "x" * (10 << 20) + "\n",
        "comment_10mb": SPEC + "#" + "x" * (10 << 20) + "\n",
        "digits": _set("{units: " + "9" * 5000 + "}"),
        "digits_float": _set("{units: " + "9" * 5000 + ".0e1}"),
    }.items():
        corpus.spec(name, "F4", "odd", text)


def _numbers(corpus: Corpus) -> None:
    def rate(value: str) -> str:
        return f"version: 1\ncompile:\n  optimizer: {{learning_rate: {value}}}\n"

    for name, value, verdict in (
        ("1e4", "1e-4", "ok"),
        ("octal", "017", "odd"),
        ("sexagesimal", "1:30", "no"),
        ("underscore", "1_000", "no"),
        ("bool", "true", "no"),
        ("no", "no", "no"),
        ("date", "2024-01-01", "no"),
        ("bad_date", "2024-13-45", "no"),
        ("nan", ".nan", "no"),
        ("inf", ".inf", "no"),
        ("minus_inf", "-.inf", "no"),
        ("negative", "-1", "no"),
        ("1e999", "1e999", "no"),
        ("f32_overflow", "1e39", "no"),
        ("text", '"0.1"', "no"),
        ("list", "[0.1]", "no"),
        ("null", "null", "no"),
    ):
        corpus.spec(f"rate_{name}", "F6" if name in {"nan", "inf", "negative"} else "F5", verdict,
                    rate(value))  # fmt: skip
    for name, value in {
        "bool": "true", "negative": "-3", "zero": "0", "float": "3.5", "text": "three",
        "nan": ".nan", "list": "[3]", "null": "null", "map": "{a: 1}",
    }.items():  # fmt: skip
        corpus.spec(f"units_{name}", "F6", "no", _set(f"{{units: {value}}}"))
    corpus.spec("units_huge", "F6", "odd", _set(f"{{units: {10**15}}}"))
    for value in ("no", "on", "off", "yes", "null_", "rellu"):
        corpus.spec(f"act_{value}", "F5", "no", _set(f"{{activation: {value}}}"))


def _values(corpus: Corpus) -> None:
    for name, text in {
        "lambda": "{activation: 'lambda x: x'}",
        "lambda_class": "{activation: {class: Lambda, function: x}}",
        "dunder_lambda": "{activation: {class: __lambda__, code: AAAA}}",
        "keras_form": "{activation: {module: os, class_name: function, config: system}}",
        "function_path": "{activation: os.system}",
        "keras_path": "{activation: keras.utils.get_file}",
        "get_file": "{kernel_initializer: {class: get_file, origin: x}}",
        "custom_objects": "{custom_objects: {a: b}}",
        "class_name": "{class_name: Lambda}",
        "module": "{module: os}",
        "registered_name": "{registered_name: 'keras>Lambda'}",
        "inbound": "{inbound_nodes: []}",
        "layers": "{layers: []}",
        "build_config": "{build_config: {}}",
        "dotted_class": "{activation.class_name: Lambda}",
        "dotted_module": "{kernel_initializer.module: os}",
        "tfsm": "{kernel_initializer: {class: TFSMLayer, filepath: /tmp}}",
    }.items():
        corpus.spec(f"field_{name}", "F8", "no", _set(text))
    for name, text in {
        "loss_path": "loss: os.system",
        "loss_get_file": "loss: {class: get_file}",
        "optimizer_path": "optimizer: os.system",
        "optimizer_lambda": "optimizer: {class: Lambda}",
        "metric_code": 'metrics: [\'__import__("os").system("x")\']',
    }.items():
        corpus.spec(f"spec_{name}", "F8", "no", f"version: 1\ncompile:\n  {text}\n")


def _schema(corpus: Corpus) -> None:
    for name, text in {
        "unknown_top": SPEC + "overides: []\n",
        "no_version": "overrides:\n  - layers: a\n    set: {units: 1}\n",
        "version_2": SPEC.replace("version: 1", "version: 2"),
        "version_text": SPEC.replace("version: 1", "version: '1'"),
        "version_float": SPEC.replace("version: 1", "version: 1.5"),
        "version_bool": SPEC.replace("version: 1", "version: true"),
        "version_list": SPEC.replace("version: 1", "version: [1]"),
        "rules_empty": "version: 1\noverrides: []\n",
        "rules_none": "version: 1\n",
        "rules_null": "version: 1\noverrides:\n",
        "rules_map": "version: 1\noverrides: {layers: a}\n",
        "rule_null": "version: 1\noverrides:\n  -\n",
        "rule_nothing": "version: 1\noverrides:\n  - layers: dense_a\n",
        "rule_no_layers": "version: 1\noverrides:\n  - set: {units: 1}\n",
        "set_empty": _set("{}"),
        "set_list": _set("[units]"),
    }.items():
        corpus.spec(name, "F7", "no", text)
    for name, text in {
        "undeclared": _set("{units: '${nobody}'}"),
        "unclosed": _set("{units: '${nobody'}"),
        "nested": "version: 1\nparameters: {a: '${a}'}\n" + SPEC[11:],
        "escape": 'version: 1\nparameters: {"\\e[1m": 1}\n' + SPEC[11:],
    }.items():
        corpus.spec(f"parameter_{name}", "F7", "odd", text)


def _reach(corpus: Corpus) -> None:
    for name, text, verdict in (
        ("include_top", "include: /etc/passwd\n" + SPEC, "no"),
        ("include_extends", "extends: ../../other.yaml\n" + SPEC, "no"),
        ("output_top", SPEC + "output: /tmp/CANARY_output.keras\n", "no"),
        ("output_report", SPEC + "report: /tmp/CANARY_report.json\n", "no"),
        ("import_top", SPEC + "import: canary_module\n", "no"),
        ("model_path_etc", SPEC + "model: {path: /etc/passwd}\n", "odd"),
        ("model_path_device", SPEC + "model: {path: /dev/zero}\n", "odd"),
        ("schema_url", "$schema: http://169.254.169.254/x\n" + SPEC, "odd"),
    ):
        corpus.spec(name, "F9", verdict, text)


def _selectors(corpus: Corpus) -> None:
    for name, pattern, verdict in (
        ("redos_stars", "'" + "*a" * 400 + "b'", "odd"),
        ("redos_deep", "'" + "**/" * 300 + "x'", "odd"),
        ("redos_sets", "'" + "[a-z]*" * 300 + "!'", "odd"),
        ("regex", "'(a+)+$'", "no"),
        ("regex_open", "'[z'", "odd"),
        ("regex_range", "'[z-a]'", "odd"),
        ("regex_huge", "'" + "x" * 100_000 + "'", "odd"),
        ("braces", "'" + "{a,b}" * 30 + "'", "odd"),
        ("backslash", "'dense\\\\'", "odd"),
        ("number", "3", "odd"),
        ("null", "null", "no"),
        ("empty", "''", "no"),
        ("empty_list", "[]", "no"),
        ("bool", "true", "odd"),
    ):
        corpus.spec(f"sel_{name}", "F10", verdict, _set("{activation: tanh}", pattern))
    deep = "{not: " * 60 + "dense_a" + "}" * 60
    for name, selector, verdict in (
        ("nothing", "nobody", "no"),
        ("homoglyph", "'d\u0435nse_a'", "no"),
        ("case", "Dense_A", "no"),
        ("star", "'*'", "odd"),
        ("ansi", '"\\e[31mx"', "no"),
        ("bidi", '"a\\u202eb"', "no"),
        ("newline", '"a\\nb"', "no"),
        ("markup", "'[/dense]'", "no"),
        ("index_huge", "{index: 99999999999999999999}", "no"),
        ("index_slice", "{index: '::0'}", "no"),
        ("unknown_condition", "{nobody: 1}", "no"),
        ("not_deep", deep, "odd"),
        ("where_nan", "{where: {units: .nan}}", "odd"),
    ):
        row = "G1" if name in {"ansi", "bidi", "newline", "markup"} else "F11"
        corpus.spec(f"sel_{name}", row, verdict, _set("{activation: tanh}", selector))
    for name, value in {
        "ansi": '"\\e[31mx"',
        "slash": "a/b",
        "empty": '""',
        "bidi": '"\\u202e"',
    }.items():
        text = f"version: 1\noverrides:\n  - layers: dense_a\n    rename: {value}\n"
        corpus.spec(f"rename_{name}", "G1", "odd", text)
