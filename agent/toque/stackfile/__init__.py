"""A stack as one document: its model, how it is read and written, and what it takes to make a server agree with it.

Everything here is values: no server, no terminal, no clock. `toque.cli.stackfile` asks a server and carries out.

    model         the structures of the document: `StackFile` and what is in it
    loading       from YAML to a StackFile; every error has its line                     load(text, file)
    writing       from a StackFile to YAML                                               written(document)
    records       from the answers of Describe… operations to the structures             layer_of(record, …), …
    differences   what must be done so that `found` becomes `wanted`, step by step       differences(wanted, found)
    plan          what `differences` answers: `Plan`, `Step`, `Change`
    requests      from a step to the operations that take it                         requests_of(step, ids, secrets)
    rendering     steps as text for people                                               plan_lines(plan)

YAML is imported by `loading` and `writing` when they are called, so that nothing else pays for it.
"""
