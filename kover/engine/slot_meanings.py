"""What the slots of Keras' optimizers mean, so that a slot is carried over only where it fits.

`momentum` is the running mean of gradients in Adam, and the running sum of updates, learning rate
included, in SGD: the same word for different things. Two slots are exchanged only if they have
the same meaning. Read off the `update_step` methods of Keras 3.15 `optimizers/*.py`.
"""

from __future__ import annotations

_MEAN = "mean of gradients"
_MEAN_OF_SQUARES = "mean of squared gradients"

_MEANINGS: dict[tuple[str, str], str] = {
    **{(name, "momentum"): _MEAN for name in ("Adam", "AdamW", "Nadam", "Lamb", "Adamax", "Lion")},
    **{
        (name, "velocity"): _MEAN_OF_SQUARES
        for name in ("Adam", "AdamW", "Nadam", "Lamb", "RMSprop", "ScheduleFreeAdamW")
    },
    **{(name, "velocity_hat"): "largest mean of squared gradients" for name in ("Adam", "AdamW")},
    ("Adadelta", "accumulated_grad"): _MEAN_OF_SQUARES,
    ("RMSprop", "average_gradient"): _MEAN,
}
_OF_EVERY_OPTIMIZER = {
    "average": "moving average of the variable",
    "gradient_accumulator": "sum of gradients since the last update",
}


def starts_as_variable(owner: str, role: str) -> bool:
    """Whether a fresh slot is a copy of its variable.

    So does Keras start the slot of `use_ema` in the first step ever, and this momentum, which is
    the point that gradients move, when it builds the optimizer.
    """
    return role == "average" or (owner, role) == ("ScheduleFreeAdamW", "momentum")


def moves_without_rate(owner: str, role: str) -> bool:
    """Whether what is in the slot moves its variable also where the rate is 0.

    The rate is part of what SGD and RMSprop sum up.
    """
    return role == "momentum" and owner in {"SGD", "RMSprop"}


def meaning(owner: str, role: str) -> str:
    """The meaning of slot `role` in optimizer class `owner`.

    Two slots with the same meaning can stand in for each other. A class that is not listed, such
    as a custom one, shares its meanings with nobody.
    """
    return _OF_EVERY_OPTIMIZER.get(role) or _MEANINGS.get((owner, role)) or f"{role} of {owner}"
