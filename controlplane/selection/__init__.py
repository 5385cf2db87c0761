"""Each file fails alone: which content of each file is served, its newest, its last good or none.

The files as they were read and those that are served enter; a build without errors leaves, with
the state of each file and what is wrong with those that had to stay behind.
"""
