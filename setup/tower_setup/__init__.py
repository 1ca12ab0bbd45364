"""What setup/demo, setup/test and setup/lint do. Standard library only: nothing is installed before this runs."""
