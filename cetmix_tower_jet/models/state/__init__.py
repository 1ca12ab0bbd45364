from . import cx_tower_jet_state
