from .dependency import test_creating
from .dependency import test_waiting
from .jet import test_offers
from .transition import test_transition
from .jet import test_allocation
from .jet import test_creation
from .jet import test_deletion
from .screens import test_javascript
