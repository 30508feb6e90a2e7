"""What people saved of AWS OpsWorks before it was switched off, as stacks of ours: answers of describe-* calls.

Everything here is values and files that are read: no server, no terminal, no clock. `toque.cli.importing` asks a server
and carries out, with the plans of `toque.stackfile`.

    texts      what one file holds: JSON, JSON lines, YAML, what Python printed; packed or not
    kinds      which answers there are, by their top-level member, and what their records must have
    reading    files and folders of answers, each recognised by what is in it: `read(paths, shapes)`
    dump       all records by kind and id, each with the place where it stands
    systems    the operating system of today that is nearest to one of then
    mapping    a dump as documents of `toque.stackfile`, with remarks: `mapped(dump, target, choices)`
    stacks, layers, instances, apps, databases, people    what becomes of each of these
    secrets    what of a document cannot come true without secrets that nobody has
    report     remarks and counts as text for people, and as an object for programs
"""
