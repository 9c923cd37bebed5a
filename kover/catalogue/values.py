"""Values of a spec: checked against the catalogue, and expanded to what Keras saves."""

from kover.catalogue.checking import check_arguments, check_value
from kover.catalogue.expansion import expand, expand_arguments
from kover.catalogue.saved import argument_from_saved

__all__ = ["argument_from_saved", "check_arguments", "check_value", "expand", "expand_arguments"]
