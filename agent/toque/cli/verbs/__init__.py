"""The daily verbs: `toque stack list`, `toque app deploy shop`, … over the same operations as `toque opsworks`.

One file per noun. Whatever stands for a stack, layer, instance or app may be its id or its name; `--stack` (or
TOQUE_STACK) says in which stack, and may be left out where a name is used once. Every list has `--output
table|json|yaml`. What takes time has `--wait`. Exit codes: 0; 2 the command line is wrong; 253 to 255 as those of
`toque opsworks`.
"""
