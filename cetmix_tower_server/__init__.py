from . import controllers
from . import models
from . import wizards

models.base.plain_errors.guard_public_methods("cetmix_tower_server")
