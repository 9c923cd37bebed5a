"""What kover knows about Keras without importing it.

`keras.json` lists every public layer, optimizer, schedule, loss, metric, regularizer,
initializer, constraint, activation and dtype policy, with the names it goes by, its arguments
and their domains. `make catalogue` writes it from the installed Keras.
"""

from kover.catalogue.loading import Catalogue, catalogue, defaults_of
from kover.catalogue.model import Argument, Entry, Variable
from kover.catalogue.saved import argument_from_saved

__all__ = [
    "Argument",
    "Catalogue",
    "Entry",
    "Variable",
    "argument_from_saved",
    "catalogue",
    "defaults_of",
]
