from . import cx_tower_os
from . import cx_tower_server
from . import connection
from . import host_key
from . import connection_test
from . import res_partner
