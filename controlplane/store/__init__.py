"""What was published, and what each node may hold, on disk: a restart goes on with both.

A `Build` enters by `Store.publish` and leaves by `published`; what nodes hold by `hold` and
`holding`; what others keep of builds by `shelve`. `manifests`, `lines`, `packed`, `shapes` and
`holdings` are pure; `catalogue` has the resources, `builds` the builds, `reach` what they name,
`objects`, `pointers`, `shelf` and `journal` the files.

    objects/<sha256>   the body of a resource, or a source file
    sets/<sha256>      JSON: resources of one type, each with the name of its body
    builds/<sha256>    JSON: a build, with the names of its sets
    versions/<number>  lines: what is kept, and what the history says of it
    numbered           the highest number of these that there ever was
    published          the name of the last build; published.before: that of the one before
    journal            a line for each change of what a node holds
    lock               shared by who writes, alone by who removes or numbers
"""
