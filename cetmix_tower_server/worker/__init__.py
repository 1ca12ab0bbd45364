"""The threads of a process that execute runs, outside any model.

``worker`` takes runs and watches over them, ``job`` executes one, ``recorder`` keeps its live output,
``work`` says what there is to do, ``connections`` holds the process's SSH connections.
"""
