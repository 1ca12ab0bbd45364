from . import cetmix_tower
from . import health
from . import names_of_scripts
