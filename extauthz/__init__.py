"""Who may pass: Envoy's ext_authz calls enter, verdicts of `policies.auth` leave.

A shell: it reads the request, asks the policy, answers what the policy asks from the keys and
consumers that it was served, and writes the verdict down for Envoy.
"""
