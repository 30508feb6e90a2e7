"""The steps from an older schema to this one; `store.schema` takes them."""
