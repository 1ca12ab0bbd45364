from . import test_extension
from . import test_waiting
