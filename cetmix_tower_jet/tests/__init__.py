from .transition import test_transition
