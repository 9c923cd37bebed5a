"""Slots are exchanged only where they mean the same."""

from __future__ import annotations

import itertools

import pytest

from kover.engine.slot_meanings import meaning, starts_as_variable

MEANS = [(name, "momentum") for name in ("Adam", "AdamW", "Nadam", "Lamb", "Adamax", "Lion")]
SQUARES = [
    (name, "velocity")
    for name in ("Adam", "AdamW", "Nadam", "Lamb", "RMSprop", "ScheduleFreeAdamW")
]


@pytest.mark.parametrize("same", [MEANS, SQUARES])
def test_running_means_are_exchanged(same: list[tuple[str, str]]) -> None:
    assert len({meaning(*each) for each in same}) == 1


def test_the_same_word_for_other_things_is_not_exchanged() -> None:
    momenta = [
        meaning(name, "momentum")
        for name in ("Adam", "SGD", "RMSprop", "Muon", "ScheduleFreeAdamW", "Custom>Adam")
    ]
    assert len(set(momenta)) == len(momenta)
    assert meaning("Muon", "velocity") != meaning("Adam", "velocity")
    assert meaning("Adam", "velocity_hat") == meaning("AdamW", "velocity_hat")
    assert meaning("Adam", "velocity_hat") != meaning("Adam", "velocity")
    assert meaning("RMSprop", "average_gradient") == meaning("Adam", "momentum")
    assert meaning("Adadelta", "accumulated_grad") == meaning("RMSprop", "velocity")
    assert meaning("Adagrad", "accumulator") != meaning("Ftrl", "accumulator")


@pytest.mark.parametrize("role", ["average", "gradient_accumulator"])
def test_what_every_optimizer_may_keep_passes_between_all(role: str) -> None:
    for one, other in itertools.combinations(("Adam", "SGD", "Mine"), 2):
        assert meaning(one, role) == meaning(other, role)


def test_some_fresh_slots_are_copies_of_their_variables() -> None:
    assert starts_as_variable("SGD", "average")
    assert starts_as_variable("ScheduleFreeAdamW", "momentum")
    assert not starts_as_variable("Adam", "momentum")


@pytest.mark.keras
@pytest.mark.needs_keras(">=3.14")  # the first with ScheduleFreeAdamW
def test_the_running_means_of_keras_are_what_the_table_says() -> None:
    """Three steps of a constant gradient: the slot that results tells what it is."""
    import keras

    def slots(optimizer: keras.optimizers.Optimizer) -> dict[str, float]:
        variable = keras.Variable([1.0])
        optimizer.build([variable])
        for _ in range(3):
            optimizer.apply([keras.ops.convert_to_tensor([0.5], "float32")], [variable])
        named = {
            v.path.rpartition("_")[2]: float(v.numpy().ravel()[0]) for v in optimizer.variables
        }
        return {role: named[role] for role in ("momentum", "velocity") if role in named}

    mean, square = 0.5 * (1 - 0.9**3), 0.25 * (1 - 0.999**3)
    optimizers = keras.optimizers
    for cls in (optimizers.Adam, optimizers.AdamW, optimizers.Nadam, optimizers.Lamb):
        found = slots(cls(0.1))
        assert found == {
            "momentum": pytest.approx(mean, rel=1e-4),
            "velocity": pytest.approx(square, rel=1e-4),
        }, cls
    assert slots(optimizers.Adamax(0.1))["momentum"] == pytest.approx(mean, rel=1e-4)
    lion = slots(optimizers.Lion(0.1, beta_2=0.9))
    assert lion["momentum"] == pytest.approx(mean, rel=1e-4)
    assert slots(optimizers.RMSprop(0.1, rho=0.999))["velocity"] == pytest.approx(square, rel=1e-4)
    free = slots(optimizers.ScheduleFreeAdamW(0.1))
    assert free["velocity"] == pytest.approx(square, rel=1e-4)
    assert free["momentum"] != pytest.approx(mean, rel=0.1)
    assert slots(optimizers.SGD(0.1, momentum=0.9))["momentum"] < 0
