"""The private pieces of Keras are what kover takes them for; if not, Keras has changed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.keras

NEW = {"ScheduleFreeAdamW": ">=3.14", "MultiOptimizer": ">=3.15.1"}
OPTIMIZERS = [
    pytest.param(name, marks=[pytest.mark.needs_keras(NEW[name])] if name in NEW else [])
    for name in (
        "Adam", "everything", "Adafactor", "Nadam", "SGD", "Muon", "Ftrl", "ScheduleFreeAdamW",
        "LossScaleOptimizer", "MultiOptimizer",
    )
]  # fmt: skip


@pytest.fixture(scope="module")
def private() -> Any:
    from kover.engine import keras_private

    return keras_private


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_state_that_is_recorded_is_the_state_that_keras_saves(
    zoo: Mapping[str, Path], name: str
) -> None:
    from kover.archive.reader import open_archive
    from kover.engine.twin import build_twin

    with open_archive(zoo[name]) as archive:
        twin = build_twin(archive.config)
        stored = archive.weights()
        assert stored is not None
        recorded = {
            place: (array.shape, dtype_code(array.dtype))
            for array in twin.arrays.values()
            for place in array.places
        }
        assert recorded == {
            place: (array.shape, array.dtype.lstrip("<|")) for place, array in stored.arrays.items()
        }
        owners = {place.rpartition("/vars/")[0] for place in recorded}
        named = {group: twin.group_names[group] for group in owners}
        assert named == {group: stored.names[group] for group in owners}
        assert twin.has_optimizer
    assert len(twin.variables()) > 80
    assert len({str(key) for key in twin.arrays}) == len(twin.arrays)


def dtype_code(name: str) -> str:
    import numpy as np

    return np.dtype(name).str.lstrip("<|")


def test_every_variable_is_known_by_its_layers_path(zoo: Mapping[str, Path]) -> None:
    from kover.archive.reader import open_archive
    from kover.engine.twin import build_twin

    with open_archive(zoo["SGD"]) as archive:
        twin = build_twin(archive.config)
    names = {str(key) for key in twin.variables()}
    assert {
        "dense/kernel",
        "nested/dense/kernel",
        "nested/deep/dense/kernel",
        "lora/lora_kernel_a",
        "both/forward_inner/cell/kernel",
        "both/backward_inner/cell/bias",
        "heads/query_dense/kernel",
        "timed/step/kernel",
        "spectral/kernel",
        "spectral/within/bias",
        "spectral/vector_u",
        "frozen_norm/moving_mean",
        "normalization/mean",
        "separable/pointwise_kernel",
    } <= names
    assert not [str(key) for key in twin.variables() if key.layer == ""]


def test_what_would_train_is_what_keras_says(zoo: Mapping[str, Path]) -> None:
    from kover.archive.reader import open_archive
    from kover.engine.twin import build_twin

    with open_archive(zoo["SGD"]) as archive:
        twin = build_twin(archive.config)
    arrays = [array for array in twin.variables().values() if array.live is not None]
    trained = {id(variable) for variable in twin.model.trainable_variables}
    assert {id(array.live) for array in arrays if array.trainable} == trained
    frozen = {str(key) for key, array in twin.variables().items() if not array.trainable}
    assert {"lora/kernel", "frozen_norm/beta", "batch_norm/moving_mean"} <= frozen


def test_a_twin_of_five_hundred_million_parameters_takes_no_memory(tmp_path: Path) -> None:
    """Neither its variables nor its optimizer's slots: two billion bytes each, if they were."""
    program = tmp_path / "twin.py"
    program.write_text(
        """
import json, resource, sys
import keras
from kover.engine.twin import build_twin
config = json.loads(sys.argv[1])
small = json.loads(sys.argv[1].replace("50000", "5"))
build_twin(small)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
twin = build_twin(config)
print(json.dumps([twin.trainable_parameters(), len(twin.arrays), peak() - before]))
"""
    )
    layer = {
        "module": "keras.layers",
        "class_name": "Dense",
        "config": {"name": "huge", "units": 50000},
        "registered_name": None,
        "build_config": {"input_shape": [None, 10000]},
    }
    before = {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": {"batch_shape": [None, 10000], "name": "input"},
        "registered_name": None,
    }
    config = {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "model", "layers": [before, layer]},
        "registered_name": None,
        "compile_config": {"optimizer": "adam", "loss": "mse"},
    }
    done = subprocess.run(
        [sys.executable, "-P", program, json.dumps(config)],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    parameters, arrays, kilobytes = json.loads(done.stdout.splitlines()[-1])
    assert parameters == 500_050_000
    assert arrays == 2 + 2 + 4
    assert kilobytes < 100_000


def test_variables_have_shapes_and_no_values_and_never_get_any(private: Any) -> None:
    import keras
    import numpy as np

    with private.valueless_variables():
        layer = keras.layers.Dense(3)
        layer.build((None, 2))
    assert layer.kernel.shape == (2, 3)
    assert layer.kernel._value is None
    assert private.initializer_of(layer.kernel) is layer.kernel_initializer
    with_values = keras.layers.Dense(3)
    with_values.build((None, 2))
    assert private.initializer_of(with_values.kernel) is None
    assert np.asarray(with_values.kernel.numpy()).shape == (2, 3)
    assert not keras.src.backend.common.stateless_scope.in_stateless_scope()


def test_valueless_variables_do_not_nest_and_leave_nothing_behind_after_a_failure(
    private: Any,
) -> None:
    import keras
    from keras.src.backend.common import global_state

    nested = private.valueless_variables()
    with private.valueless_variables(), pytest.raises(RuntimeError):
        nested.__enter__()
    with pytest.raises(ValueError, match="ndim"), private.valueless_variables():
        keras.Sequential([keras.layers.Dense(3), keras.layers.Conv2D(1, 1)]).build((None, 2))
    assert not keras.src.backend.common.stateless_scope.in_stateless_scope()
    assert not global_state.get_global_attribute("uninitialized_variables", [])


def test_automatic_names_do_not_depend_on_what_the_process_has_made(private: Any) -> None:
    import keras

    outside = keras.layers.Softmax().name
    for _ in range(2):
        with private.names_from_the_start():
            names = [keras.layers.Softmax().name, keras.layers.Softmax().name]
        assert names == ["softmax", "softmax_1"]
    number = int(outside.partition("_")[2] or 0)
    assert keras.layers.Softmax().name == f"softmax_{number + 1}"


def test_keras_takes_configs_apart_and_gets_a_copy(private: Any, zoo: Mapping[str, Path]) -> None:
    from kover.archive.reader import open_archive

    with open_archive(zoo["SGD"]) as archive:
        before = json.dumps(archive.config)
        with private.valueless_variables():
            model = private.deserialize_model(archive.config)
        assert not model.compiled
        private.compile_model(model, archive.config["compile_config"])  # type: ignore[arg-type]
        assert model.compiled
        assert not model.optimizer.built
        assert json.dumps(archive.config) == before


def test_lambdas_are_refused_in_safe_mode_whatever_the_mode_was_outside(private: Any) -> None:
    import keras

    record = keras.saving.serialize_keras_object(keras.layers.Lambda(lambda x: x + 1))
    for outside in (True, False):
        with keras.src.saving.serialization_lib.SafeModeScope(outside):
            with pytest.raises(ValueError, match=r"safe_mode|unsafe"):
                private.deserialize_record(record, safe_mode=True)
            assert private.deserialize_record(record, safe_mode=False).function(1) == 2


def test_a_class_with_a_compile_of_its_own_is_not_compiled_on_loading(private: Any) -> None:
    import keras

    class Own(keras.Model):
        def compile(self, rate: float) -> None:
            super().compile(keras.optimizers.SGD(rate))

    class OwnOfBoth(Own):
        def compile_from_config(self, config: Any) -> None:
            self.compile(**config)

    own, both, usual = Own(), OwnOfBoth(), keras.Sequential()
    assert private.has_own_compile(own)
    assert not private.has_own_compile(both)
    assert not private.has_own_compile(usual)
    with pytest.warns(UserWarning, match="compile"):
        own.compile_from_config({"rate": 0.1})
    assert not own.compiled
    both.compile_from_config({"rate": 0.1})
    assert both.compiled


def test_recording_leaves_keras_as_it_was(private: Any) -> None:
    import keras
    from keras.src.optimizers.base_optimizer import BaseOptimizer

    methods = BaseOptimizer.save_own_variables, BaseOptimizer.add_variable_from_reference
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("adam")
    private.state_of(model)
    with private.observed_slots(lambda *_: None):
        pass
    assert (BaseOptimizer.save_own_variables, BaseOptimizer.add_variable_from_reference) == methods


def test_slots_are_seen_with_their_variables_and_roles(private: Any) -> None:
    import keras

    variable = private.stand_in((2, 3), "float32", "v", "net/a/kernel")
    assert variable.path == "net/a/kernel"
    seen: list[tuple[str, bool, str]] = []
    optimizer = keras.optimizers.Adam(amsgrad=True, use_ema=True)
    with private.observed_slots(
        lambda who, reference, role, slot: seen.append(
            (type(who).__name__, reference is variable, role)
        )
    ):
        optimizer.build([variable])
    assert seen == [
        ("Adam", True, role) for role in ("average", "momentum", "velocity", "velocity_hat")
    ]
    assert len(private.own_variables(optimizer)) == 2 + len(seen)


@pytest.mark.needs_keras(">=3.15.1")
def test_the_optimizer_map_goes_by_the_path(private: Any) -> None:
    import keras

    first, rest = keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.2)
    multi = keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(rest, {"a/.*": first}))
    scaling = keras.optimizers.LossScaleOptimizer(multi)
    a = private.stand_in((1,), "float32", "v", "a/kernel")
    b = private.stand_in((1,), "float32", "v", "b/kernel")
    for optimizer in (multi, scaling):
        assert private.optimizer_for(optimizer, a) is first
        assert private.optimizer_for(optimizer, b) is rest
    assert private.optimizer_for(rest, a) is rest
    assert private.optimizer_parts(scaling) == [
        ("", scaling),
        ("inner_optimizer", multi),
        ("inner_optimizer/optimizers/0", first),
        ("inner_optimizer/optimizers/1", rest),
    ]


def test_draws_without_a_seed_come_from_the_one_that_was_given(private: Any) -> None:
    import keras

    def start_anew() -> None:
        keras.utils.clear_session()  # older Keras does not seed the generator that is there
        keras.utils.set_random_seed(3)

    def drawn() -> list[float]:
        return [float(keras.random.uniform(())) for _ in range(2)]

    start_anew()
    expected = [drawn(), drawn()]
    start_anew()
    found = [drawn()]
    seeded = []
    for seed in (1, 1, 2):
        with private.seeded_draws(seed):
            seeded.append(drawn())
    found.append(drawn())
    assert found == expected
    assert seeded[0] == seeded[1] != seeded[2]


def test_variables_layers_and_random_initializers_are_known_for_what_they_are(private: Any) -> None:
    import keras
    import numpy as np

    dense = keras.layers.Dense(2)
    model = keras.Sequential([keras.Input((2,)), dense])
    assert private.is_variable(dense.kernel)
    assert not private.is_variable(np.zeros(2))
    assert private.sublayers(model)[-1] is dense
    assert private.sublayers(dense) == []
    assert private.is_random_initializer(keras.initializers.HeNormal())
    assert private.is_random_initializer(keras.initializers.Orthogonal())
    assert not private.is_random_initializer(keras.initializers.Zeros())
    tensor = keras.ops.ones((2,))
    assert private.to_numpy(tensor).tolist() == [1, 1]
    assert private.serialized_config(dense)["units"] == 2


def test_adapters_are_no_part_of_what_is_stored(private: Any) -> None:
    import keras

    layer = keras.layers.Dense(3, lora_rank=1, name="adapted")
    model = keras.Sequential([keras.Input((2,)), layer, keras.layers.Dense(1)])
    state = private.state_of(model)
    ((name, variables),) = private.unstored_variables(model, state)
    assert name == "adapted"
    assert {each.name for each in variables} == {"kernel", "lora_kernel_a", "lora_kernel_b"}
    merged = [each.value for each in state.entries if not private.is_variable(each.value)]
    assert [(tuple(each.shape), private.dtype_of(each)) for each in merged] == [((2, 3), "float32")]
    assert private.dtype_of(variables[0]) == "float32"


def test_a_file_loads_whatever_it_is_called(
    private: Any, make_model: Callable[..., Path], tmp_path: Path
) -> None:
    path = tmp_path / "half-written"
    path.write_bytes(make_model("sequential").read_bytes())
    assert private.load(str(path)).name == "seq"


def test_a_variable_made_of_a_value_has_its_shape_and_dtype_without_a_scope(private: Any) -> None:
    import keras
    import numpy as np

    before = keras.Variable.__init__
    with private.valueless_variables():
        made = keras.Variable(np.zeros((2, 3), "int32"))
        plain = keras.Variable(1.5)
        named = keras.Variable("zeros", (4,), name="named")
    assert [(each.shape, each.dtype) for each in (made, plain, named)] == [
        ((2, 3), "int32"), ((), "float32"), ((4,), "float32"),
    ]  # fmt: skip
    assert keras.Variable.__init__ is before
