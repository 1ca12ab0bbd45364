from .jet import test_offers
from .transition import test_transition
