"""Evaluates texts of authors within a budget of time and memory, whatever they contain.

``pool`` is the side of Tower's process, ``child`` the program of the processes that do the work, ``tasks`` what they can
do. The budgets and what dies where: docs/developer/budgets.md.
"""
