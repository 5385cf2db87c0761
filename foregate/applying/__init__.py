"""From a state of the files to a live version: choose, prove, isolate, publish, write down.

What is on disk and what operators ask for enters; what became of it leaves, told to a `Stage`.
"""
