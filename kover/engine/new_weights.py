"""What replaces `model.weights.h5`: nothing, a patch of a few bytes, or a file written anew.

The latter is written beside the output, where there is room for it: locked, never committed, and
removed by the next run if this one is killed.
"""

from __future__ import annotations

import contextlib
import os
import re
from typing import Any

from kover.archive.new_file import NewFile
from kover.archive.reader import WEIGHTS
from kover.archive.target import check_target, write_failed
from kover.archive.writer import Replacement
from kover.engine.fresh import fresh_value
from kover.engine.judge import Judgement
from kover.engine.refusals import refused_initializer
from kover.engine.twin import TwinArray
from kover.engine.weights_file import WeightsWriter, patches
from kover.planning.plan import Plan

_ERRNO = re.compile(r"errno = (\d+)")


def new_weights(
    judgement: Judgement, plan: Plan, output: str, cleanup: contextlib.ExitStack
) -> dict[str, Replacement]:
    """The weights member, if it differs from the stored one.

    Args:
        judgement: what becomes of every stored array.
        plan: what was asked for, to say which override is to blame.
        output: where the model goes.
        cleanup: removes what is written beside it.

    Raises:
        KerasError: `keras-refuses-initializer`.
        OutputError: `output-unwritable`, `disk-full`.
    """
    if judgement.weights.is_unchanged:
        return {}

    def fresh(array: TwinArray, seed: int) -> Any:
        try:
            return fresh_value(array, seed)
        except Exception as error:
            raise refused_initializer(error, plan, array.key, output) from error

    patched = patches(judgement.weights, judgement.stored.arrays, fresh)
    if patched is not None:
        return {WEIGHTS: patched}
    scratch = cleanup.enter_context(NewFile(check_target(output, overwrite=True)))
    assert scratch.path is not None
    try:
        WeightsWriter(judgement.stored, fresh).write(
            scratch.path, judgement.weights, judgement.new.group_names
        )
    except (OSError, RuntimeError) as error:
        raise write_failed(output, _system_error(error)) from error
    return {WEIGHTS: scratch.path}


def _system_error(error: OSError | RuntimeError) -> Exception:
    """What the system said; h5py has the number of the error in its text alone."""
    match = _ERRNO.search(str(error))
    return OSError(int(match[1]), os.strerror(int(match[1]))) if match else error
