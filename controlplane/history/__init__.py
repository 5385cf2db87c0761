"""Every version that was published: what it was made of, who by, what Envoy said, who has it.

Notes about versions enter, and stay on disk; versions leave, by number, to be shown or served.
`version`, `words` and `retention` are pure; `versions` reads, `history` writes as well.
"""
