"""The layout of a listener with many routes: a dispatcher, and pages of about a hundred routes.

A plan enters; scopes, tables and the lines of their parts leave. It decides as the plain layout
does: each page holds all that a path of its region can match, in the plan's order.
"""
