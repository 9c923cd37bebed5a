"""Two `MultiOptimizer`s: what a spec says to get from one to the other."""

from __future__ import annotations

from kover.diffing.model_diff import AttributeChange
from kover.drafting.group_settings import as_merged

MAP = "optimizer.optimizer_map"


def test_a_setting_of_the_default_optimizer_is_that_of_the_groups_that_follow() -> None:
    changes = [
        AttributeChange(f"{MAP}.default_optimizer.learning_rate", 0.01, 0.001),
        AttributeChange(f"{MAP}.optimizer_map.(net/)?b/.*.learning_rate", 0.01, 0.001),
        AttributeChange("loss", "mse", "mae"),
    ]
    found = [(each.attribute, each.after) for each in as_merged(changes)]
    assert found == [("optimizer.learning_rate", 0.001), ("loss", "mae")]


def test_a_group_that_changes_in_another_way_is_not_hidden() -> None:
    own = AttributeChange(f"{MAP}.optimizer_map.b.learning_rate", 0.1, 0.001)
    changes = [AttributeChange(f"{MAP}.default_optimizer.learning_rate", 0.01, 0.001), own]
    assert own in list(as_merged(changes))
    assert list(as_merged([own])) == [own]


def test_under_loss_scaling_the_way_to_the_optimizer_stays() -> None:
    change = AttributeChange(
        "optimizer.inner_optimizer.optimizer_map.default_optimizer.beta_1", 0, 1
    )
    assert [each.attribute for each in as_merged([change])] == ["optimizer.inner_optimizer.beta_1"]
