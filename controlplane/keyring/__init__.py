"""The issuers' keys: fetched here alone, in the background; no request ever waits for a fetch.

Key sources enter by `Keyring.want`, one KeySet resource for each leaves by `Keyring.resources`.
`schedule`, `jwks` and `urls` are pure, `fetch` and `disk` do the reading, `keyring` has the tasks.
"""
